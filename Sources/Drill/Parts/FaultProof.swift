internal import Faults
internal import Netlink
internal import Scenarios
internal import Support

/// What must be seen of faults before they are claimed to be in force: what they mean, and nothing else, fares as they say.
struct FaultProof: Sendable {
  /// One direction between two nodes, in one family.
  struct Path: Hashable {
    var from: String
    var to: String
    var family: IPAddress.Family

    init(_ from: String, _ to: String, _ family: IPAddress.Family) {
      self.from = from
      self.to = to
      self.family = family
    }

    init(_ path: Reachability.Path) { self.init(path.from, path.to, path.family) }
  }

  /// What is known of the datagrams between two ends while the faults are in force.
  fileprivate struct Fate {
    /// They do not arrive.
    var isCut = false
    /// Something happens that one datagram may or may not show, so that either is right.
    var isDisturbed = false
    /// How much longer than before they are on their way, at least (ns).
    var later: Int64 = 0
    /// The longest that they may be on their way besides the network's own time (ns).
    var longest: Int64 = 0
    /// Their sender is told.
    var isRefused = false
  }

  fileprivate let fates: [Path: [Fate]]
  /// Directions that the plans promise to be cut.
  private let promised: Set<[String]>
  /// The longest that a datagram may be on its way besides the network's own time (ns).
  let longestDelay: Int64

  /// What must be seen while `faults` are in force, all of them.
  ///
  /// - Parameters:
  ///   - planned: the faults by their plans.
  ///   - faults: what each of them makes on the nodes.
  ///   - ends: where the probe's datagrams come from and go to.
  ///   - user: who sends them.
  init(_ planned: [(plan: PlannedFault, faults: [Fault])], between ends: [ReachabilityProbe.End], sentBy user: UInt32) {
    let promised = planned.flatMap { $0.plan.reachability.filter { !$0.during }.map { [$0.from, $0.to] } }
    self.init(promising: promised, planned.flatMap(\.faults), between: ends, sentBy: user)
  }

  /// As above, but with the directions themselves that are promised to be cut.
  init(promising: [[String]], _ faults: [Fault], between ends: [ReachabilityProbe.End], sentBy user: UInt32) {
    var fates: [Path: [Fate]] = [:]
    for (from, to) in Self.pairs(of: ends) {
      var fate = Fate()
      for fault in faults { fate.add(fault, from, to, user) }
      fates[Path(from.node, to.node, from.address.family), default: []].append(fate)
    }
    self.fates = fates
    promised = Set(promising)
    longestDelay = fates.values.joined().map(\.longest).max() ?? 0
  }

  /// How many of the probe's own datagrams a fault may have met, by direction and as seen: it is not they that may make it look
  /// as if it bit.
  static func met(
    _ fault: Fault, _ seen: Reachability, between ends: [ReachabilityProbe.End], sentBy user: UInt32
  ) -> [Fault.Direction: UInt64] {
    var meant: [Path: Set<Fault.Direction>] = [:]
    for (from, to) in pairs(of: ends) {
      for direction in Fault.Direction.allCases where fault.meaning(direction, from, to, user) != .never {
        meant[Path(from.node, to.node, from.address.family), default: []].insert(direction)
      }
    }
    var met: [Fault.Direction: UInt64] = [:]
    for path in seen.paths {
      for direction in meant[Path(path)] ?? [] {
        guard let effect = fault.effect(direction) else { continue }
        // A cut meets what did not arrive; any other effect may have met all.
        let sent = effect.cut != nil ? max(0, path.sent - path.arrived) : path.sent
        met[direction, default: 0] += UInt64(sent + path.refused)
      }
    }
    return met
  }

  private static func pairs(
    of ends: [ReachabilityProbe.End]
  ) -> [(from: ReachabilityProbe.End, to: ReachabilityProbe.End)] {
    ends.flatMap { from in
      ends.filter { $0.node != from.node && $0.address.family == from.address.family }.map { (from, $0) }
    }
  }

  /// How hard to try, so that a datagram that is only late is not taken for lost.
  var effort: ReachabilityProbe.Effort {
    .init(tries: 5, patience: .milliseconds(100) + .nanoseconds(longestDelay))
  }

  /// Whether datagrams of a path should arrive; `nil` where either is right.
  func isOpen(_ path: Path) -> Bool? {
    if promised.contains([path.from, path.to]) { return false }
    let fates = fates[path] ?? []
    if !fates.isEmpty, fates.allSatisfy(\.isCut) { return false }
    // Of several pairs of addresses one that is open is enough to be heard.
    return fates.contains { !$0.isCut && !$0.isDisturbed } || fates.isEmpty ? true : nil
  }

  /// What was measured that contradicts the faults, in words; empty when all is as planned.
  func contradictions(_ seen: Reachability) -> [String] {
    seen.contradictions(where: { path in
      let isOpen = isOpen(Path(path))
      // A refusal on the sender's own node shows that nothing passes as well as silence does.
      let isRefused = (fates[Path(path)] ?? []).contains { $0.isRefused }
      return isOpen == false && isRefused && path.arrived == 0 && path.refused > 0 ? nil : isOpen
    })
      + seen.paths.compactMap { path in
        guard isOpen(Path(path)) != false, let least = fates[Path(path)]?.map(\.later).min(), least > 0 else {
          return nil
        }
        guard let delay = path.delay else {
          return "\(path.from) → \(path.to) (\(path.family)): nothing arrived that could show its delay"
        }
        guard delay < least else { return nil }
        return "\(path.from) → \(path.to) (\(path.family)): \(Duration.nanoseconds(delay).brief) on the way, "
          + "expected at least \(Duration.nanoseconds(least).brief)"
      }
  }

  /// What was measured on the paths of these faults, a line each.
  func measured(_ seen: Reachability) -> [String] {
    seen.paths.filter { (fates[Path($0)] ?? []).contains(where: \.isDisturbed) }.map { path in
      let delay = path.delay.map { ", \(Duration.nanoseconds($0).brief) on the way (median)" } ?? ""
      return "\(path.from)→\(path.to) \(path.family): \(path.arrived) of \(path.sent) arrived\(delay)"
    }
  }
}

extension FaultProof.Fate {
  /// Takes in what a fault does to datagrams from one end to another.
  fileprivate mutating func add(
    _ fault: Fault, _ from: ReachabilityProbe.End, _ to: ReachabilityProbe.End, _ user: UInt32
  ) {
    for direction in Fault.Direction.allCases {
      let meaning = fault.meaning(direction, from, to, user)
      guard meaning != .never, let effect = fault.effect(direction) else { continue }
      let isSure = meaning == .always && fault.timing.flapping == nil
      if let cut = effect.cut {
        if isSure { isCut = true } else { isDisturbed = true }
        if direction == .outbound, cut != .silence { isRefused = true }
        continue
      }
      isDisturbed = true
      if let delay = effect.delay {
        longest += delay.baseNanoseconds + 6 * delay.jitterNanoseconds
        if isSure, effect.reorder == nil { later += max(0, delay.baseNanoseconds - 2 * delay.jitterNanoseconds) }
      }
      if effect.rate != nil { longest += 500_000_000 }
    }
  }
}

extension Fault {
  /// Whether it means datagrams from one end to another, by what it does in that direction.
  fileprivate func meaning(
    _ direction: Direction, _ from: ReachabilityProbe.End, _ to: ReachabilityProbe.End, _ user: UInt32
  ) -> Meaning {
    let (here, there) = direction == .inbound ? (to, from) : (from, to)
    guard node == here.node, effect(direction) != nil else { return .never }
    return meansDatagram(
      direction, remote: there.address, remotePort: there.port, localPort: here.port, sentBy: user)
  }
}

extension FaultCounters {
  /// Packets of one direction that were meant, whatever became of them. A packet that was drawn for and then held back counts
  /// once. Of answers, those that were changed.
  func met(_ direction: Fault.Direction) -> UInt64 {
    if direction == .inbound, let answers = inboundLine?.answers { return answers.hit }
    let side = direction == .inbound ? inbound : outbound
    return [side?.v4, side?.v6].compactMap(\.self).reduce(0) { sum, tally in
      sum + max(tally.drawn?.packets ?? 0, tally.hit.packets)
    }
  }
}
