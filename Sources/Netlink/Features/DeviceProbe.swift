/// A device of the probe's own, and the attempts on its queue.
struct DeviceProbe {
  /// Answers about devices and queues.
  private(set) var answers: FeatureAnswers = [:]
  /// The device, if the kernel can make one.
  private(set) var link: Link?
  private let namespace: NetworkNamespace

  init(in namespace: NetworkNamespace) throws(NetlinkError) {
    self.namespace = namespace
    let name = "bsprobe\(String(UInt32.random(in: 0...UInt32.max), radix: 16))"
    let links = try LinkController(in: namespace)
    defer { links.close() }
    let answer = try KernelFeatures.Answer.of { () throws(NetlinkError) in
      try links.createIFB(name)
      return .available
    }
    answers[.ifb] = answer
    if answer == .available { link = try links.link(named: name) }
  }

  /// Tries every kind of queue. Without a device of our own there is none whose queue we may touch.
  mutating func tryQueues() throws(NetlinkError) {
    guard let link else {
      for feature in Self.queues { answers[feature] = answers[.ifb] }
      return
    }
    let traffic = try TrafficController(in: namespace)
    defer { traffic.close() }
    answers[.tokenBucket] = try attempt(on: link, traffic) { (handle) throws(NetlinkError) in
      let bucket = TokenBucket(bytesPerSecond: 1_000_000, burstBytes: 10_000, queueBytes: 100_000)
      try traffic.add(.tokenBucket(bucket), to: link, handle: handle)
    }
    answers[.hierarchicalTokenBucket] = try attempt(on: link, traffic) { (handle) throws(NetlinkError) in
      let leaf = BucketClass(bytesPerSecond: 1_000_000, burstBytes: 10_000)
      try traffic.add(.hierarchicalTokenBucket(defaultMinor: 0), to: link, handle: handle)
      try traffic.add(leaf, to: link, handle: TrafficHandle(rawValue: handle.rawValue | 1), parent: handle)
    }
    var netem = Netem(limitPackets: 1000)
    netem.delayNanoseconds = 1_000_000
    netem.seed = 0x5EED
    var seed: UInt64?
    let emulates = try attempt(on: link, traffic) { (handle) throws(NetlinkError) in
      try traffic.add(.netem(netem), to: link, handle: handle)
      for found in try traffic.disciplines(of: link) where found.handle == handle {
        do throws(WireError) { seed = try found.netem()?.seed } catch {
          throw NetlinkError(.malformed(error), call: "RTM_GETQDISC", object: .link(link.name))
        }
      }
    }
    answers[.netem] = emulates
    // What a kernel does not know it takes without a word, and cannot tell.
    answers[.netemSeed] = emulates == .available && seed != netem.seed ? .ignored : emulates
  }

  func remove() throws(NetlinkError) {
    guard let link else { return }
    let links = try LinkController(in: namespace)
    defer { links.close() }
    try links.deleteLink(link.name)
  }

  private static let queues: [KernelFeatures.Feature] = [.tokenBucket, .hierarchicalTokenBucket, .netem, .netemSeed]

  /// Puts something at the device's root, and takes it away again.
  private func attempt(
    on link: Link, _ traffic: TrafficController, _ body: (TrafficHandle) throws(NetlinkError) -> Void
  ) throws(NetlinkError) -> KernelFeatures.Answer {
    let handle = TrafficHandle(major: 1)
    let answer = try KernelFeatures.Answer.of { () throws(NetlinkError) in
      try body(handle)
      return .available
    }
    // Half of it may be there even if the other half was refused.
    if try traffic.disciplines(of: link).contains(where: { $0.handle == handle }) {
      try traffic.delete(from: link, handle: handle)
    }
    return answer
  }
}
