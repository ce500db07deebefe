import Glibc
import Testing

@testable import Netlink

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct TrafficControlKernelTests {
  private static let features = Result { try KernelFeatures.probe() }
  private static func has(_ feature: KernelFeatures.Feature) -> Bool { (try? features.get())?.has(feature) ?? false }

  /// A device of the test's own, a controller of its namespace, and its name.
  private func withDevice<R>(_ body: (Link, TrafficController, NetworkNamespace) throws -> R) throws -> R {
    try withNamespaces { made in
      let links = try LinkController(in: made[0])
      try links.createVeth("va", peer: "vb")
      let traffic = try TrafficController(in: made[0])
      return try body(#require(try links.link(named: "va")), traffic, made[0])
    }
  }

  private func own(_ traffic: TrafficController, _ link: Link) throws -> QueueingDiscipline {
    try #require(try traffic.disciplines(of: link).first { $0.handle == TrafficHandle(major: 1) })
  }

  @Test(.enabled(if: has(.tokenBucket), "this kernel has no token bucket"))
  func aTokenBucketIsPutThereReadBackChangedAndRemoved() throws {
    try withDevice { link, traffic, namespace in
      let before = try traffic.disciplines().map(\.canonicalLine)
      let bucket = TokenBucket(bytesPerSecond: 1_250_000, burstBytes: 10_000, queueBytes: 50_000)
      try traffic.add(.tokenBucket(bucket), to: link, handle: .init(major: 1))
      let found = try own(traffic, link)
      #expect(found.kind == "tbf" && found.parent == .root && found.statistics.packets == 0)
      let read = try #require(try found.tokenBucket())
      #expect(read.bytesPerSecond == 1_250_000 && read.queueBytes == 50_000)
      #expect(abs(Int(read.burstBytes) - 10_000) <= 1)
      if canRun("tc") {
        let text = try namespace.run { try output(of: "tc qdisc show dev va") }
        #expect(text.contains("tbf 1: root") && text.contains("rate 10Mbit burst 10000b"), "\(text)")
      }
      let wide = TokenBucket(bytesPerSecond: 12_500_000_000, burstBytes: 1_000_000, queueBytes: 5_000_000)
      try traffic.replace(.tokenBucket(wide), on: link, handle: .init(major: 1))
      #expect(try own(traffic, link).tokenBucket()?.bytesPerSecond == 12_500_000_000)
      try traffic.delete(from: link, handle: .init(major: 1))
      #expect(try traffic.disciplines().map(\.canonicalLine) == before)
    }
  }

  @Test(.enabled(if: has(.hierarchicalTokenBucket), "this kernel has no hierarchical token bucket"))
  func classesAreMadeBelowTheirDiscipline() throws {
    try withDevice { link, traffic, _ in
      let root = TrafficHandle(major: 1)
      let leaf = TrafficHandle(major: 1, minor: 0x10)
      try traffic.add(.hierarchicalTokenBucket(defaultMinor: 0), to: link, handle: root)
      try traffic.add(BucketClass(bytesPerSecond: 1_250_000, burstBytes: 15_000), to: link, handle: leaf, parent: root)
      try traffic.add(.packetQueue(limit: 77), to: link, handle: .init(major: 2), parent: leaf)
      #expect(try traffic.classes(of: link).map(\.handle) == [leaf])
      let child = try #require(try traffic.disciplines(of: link).first { $0.handle == TrafficHandle(major: 2) })
      #expect(child.kind == "pfifo" && child.parent == leaf && child.options == [77, 0, 0, 0])
      let taken = #expect(throws: NetlinkError.self) {
        try traffic.add(.hierarchicalTokenBucket(defaultMinor: 0), to: link, handle: root)
      }
      #expect(taken?.errno == EEXIST)
      #expect(taken?.object == .discipline("htb", link: "va"))
    }
  }

  @Test func whatIsNotThereCannotBeRemovedAndTheErrorNamesTheDevice() throws {
    try withDevice { link, traffic, namespace in
      let failure = #expect(throws: NetlinkError.self) { try traffic.delete(from: link, handle: .init(major: 1)) }
      #expect([ENOENT, EINVAL].contains(failure?.errno))
      #expect(failure?.namespace == namespace.name)
      #expect(failure?.description.contains("of link \"va\"") == true)
      var gone = link
      gone.index = 4711
      let missing = #expect(throws: NetlinkError.self) {
        try traffic.add(.packetQueue(limit: 1), to: gone, handle: .init(major: 1))
      }
      #expect(missing?.errno == ENODEV)
    }
  }

  @Test(.enabled(if: !has(.netem), "this kernel has the network emulator"))
  func aKernelWithoutTheEmulatorSaysSo() throws {
    try withDevice { link, traffic, _ in
      let before = try traffic.disciplines().map(\.canonicalLine)
      let failure = #expect(throws: NetlinkError.self) {
        try traffic.add(.netem(Netem(limitPackets: 1000)), to: link, handle: .init(major: 1))
      }
      #expect(failure?.errno == ENOENT)
      #expect(failure?.object == .discipline("netem", link: "va"))
      #expect(try traffic.disciplines().map(\.canonicalLine) == before)
    }
  }

  private static let full: Netem = {
    var netem = Netem(limitPackets: 5000)
    (netem.delayNanoseconds, netem.jitterNanoseconds) = (50_000_123, 10_000_007)
    netem.delayCorrelation = Portion(rawValue: 1 << 30)
    netem.distribution = DelayDistribution.pareto.table
    netem.loss = .gilbertElliott(
      toBad: Portion(rawValue: 1 << 20), toGood: Portion(rawValue: 1 << 28), lossWhenBad: .all, lossWhenGood: .none)
    (netem.duplicate, netem.duplicateCorrelation) = (Portion(rawValue: 12), Portion(rawValue: 13))
    (netem.reorder, netem.reorderCorrelation, netem.reorderGap) = (Portion(rawValue: 14), Portion(rawValue: 15), 2)
    (netem.corrupt, netem.corruptCorrelation) = (Portion(rawValue: 16), Portion(rawValue: 17))
    (netem.bytesPerSecond, netem.packetOverheadBytes) = (1 << 33, 4)
    netem.slots = .init(minimumNanoseconds: 1000, maximumNanoseconds: 2000, packets: 3, bytes: 4)
    netem.seed = 42
    return netem
  }()

  @Test(.enabled(if: has(.netem), "this kernel has no network emulator"))
  func theEmulatorTakesEveryParameterAndTellsItBack() throws {
    try withDevice { link, traffic, _ in
      try traffic.add(.netem(Self.full), to: link, handle: .init(major: 1))
      var expected = Self.full
      expected.distribution = []
      if !Self.has(.netemSeed) { expected.seed = nil }
      #expect(try own(traffic, link).netem() == expected)
    }
  }

  /// The kernel keeps what a change does not mention, so nothing of the old may be left after one.
  @Test(.enabled(if: has(.netem), "this kernel has no network emulator"))
  func aReplacedEmulatorKeepsNothingOfTheOldOne() throws {
    try withDevice { link, traffic, _ in
      try traffic.add(.netem(Self.full), to: link, handle: .init(major: 1))
      var plain = Netem(limitPackets: 1234)
      plain.delayNanoseconds = 1_000_000
      try traffic.replace(.netem(plain), on: link, handle: .init(major: 1))
      var read = try #require(try own(traffic, link).netem())
      // A kernel that takes seeds draws one itself when none is given, and tells it.
      read.seed = nil
      #expect(read == plain)
    }
  }
}
