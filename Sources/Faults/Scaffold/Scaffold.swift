internal import Netlink

/// One device of a fault in its node's namespace. It does nothing by itself: only the tables of the fault steer packets
/// into it, and they end with their owner. So it is made before them and removed after them.
struct Scaffold: Sendable, Hashable {
  let request: ScaffoldRequest

  /// The device that a fault asks for.
  init(_ request: ScaffoldRequest) {
    self.request = request
  }

  private var name: ScaffoldName { request.name }

  /// How it is taken back; to be promised before it is made.
  var undo: UndoAction { .removeInterface(name: name.interface, kind: Self.kind, alias: name.alias) }

  private static let kind = "ifb"
  /// The handle of its queue.
  private static let handle = TrafficHandle(major: 1)

  /// Makes the device with its queue, and switches it on unless it is to swallow packets.
  ///
  /// - Returns: it, with the number that rules steer to.
  /// - Throws: ``NetlinkError``; nothing is left of it then, unless the error says so.
  func make(_ links: LinkController, _ traffic: TrafficController) throws(NetlinkError) -> Link {
    try links.createIFB(name.interface, alias: name.alias)
    do throws(NetlinkError) {
      guard let made = try links.link(named: name.interface) else { throw vanished() }
      if let discipline = request.discipline {
        // While it is down, so that no packet meets the queue that the kernel puts there by itself.
        try traffic.add(discipline, to: made, handle: Self.handle)
        try links.setUp(name.interface)
      }
      if let missing = try missing(links, traffic) {
        throw NetlinkError(.incomplete(missing), call: "verify", object: .link(name.interface))
      }
      return made
    } catch {
      _ = try remove(links)
      throw error
    }
  }

  /// What of the device is not as it was made; `nil` if all is.
  func missing(_ links: LinkController, _ traffic: TrafficController) throws(NetlinkError) -> String? {
    guard let found = try links.link(named: name.interface) else { return "device \(name.interface)" }
    guard found.kind == Self.kind, found.alias == name.alias else {
      return "device \(name.interface), in whose place is one that somebody else made"
    }
    guard let wanted = request.discipline else {
      return found.isUp ? "device \(name.interface) being down: somebody switched it on" : nil
    }
    guard found.isUp else { return "device \(name.interface) being up: somebody switched it off" }
    guard let queue = try queue(of: found, traffic) else { return "the queue of device \(name.interface)" }
    return wanted.isShown(by: queue) ? nil : "the queue of device \(name.interface): it has other parameters now"
  }

  /// What its queue did so far; `nil` if there is none.
  func statistics(
    _ links: LinkController, _ traffic: TrafficController
  ) throws(NetlinkError) -> QueueingDiscipline.Statistics? {
    guard let found = try links.link(named: name.interface) else { return nil }
    return try queue(of: found, traffic)?.statistics
  }

  /// Whether the kernel took the seed of its random numbers: it then repeats packet by packet.
  func isSeeded(_ links: LinkController, _ traffic: TrafficController) throws(NetlinkError) -> Bool {
    guard let found = try links.link(named: name.interface), let queue = try queue(of: found, traffic) else {
      return false
    }
    // What does not parse shows no seed.
    return (try? queue.netem())?.seed != nil
  }

  /// Takes the device away and verifies that it is gone. Its queue goes with it, and what waits there.
  func remove(_ links: LinkController) throws(NetlinkError) -> UndoAction.Result {
    try UndoAction.removeInterface(name.interface, kind: Self.kind, alias: name.alias, links)
  }

  private func queue(of link: Link, _ traffic: TrafficController) throws(NetlinkError) -> QueueingDiscipline? {
    try traffic.disciplines(of: link).first { $0.parent == .root && $0.handle == Self.handle }
  }

  private func vanished() -> NetlinkError {
    NetlinkError(.incomplete("it was gone as soon as it was made"), call: "RTM_NEWLINK", object: .link(name.interface))
  }
}

extension Discipline {
  /// Whether what the kernel shows is this, as far as it shows it: it keeps distributions to itself, tells a seed only if
  /// it took one, and rounds the sizes of a bucket to its own ticks.
  fileprivate func isShown(by found: QueueingDiscipline) -> Bool {
    guard found.kind == kind else { return false }
    switch self {
    case .netem(var wanted):
      guard var shown = try? found.netem() else { return false }  // what does not parse is not this
      (wanted.distribution, wanted.seed) = ([], nil)
      (shown.distribution, shown.seed) = ([], nil)
      return shown == wanted
    case .tokenBucket(let wanted):
      guard let shown = try? found.tokenBucket() else { return false }
      return shown.bytesPerSecond == wanted.bytesPerSecond && shown.queueBytes == wanted.queueBytes
    case .hierarchicalTokenBucket, .packetQueue, .byteQueue: return true
    }
  }
}
