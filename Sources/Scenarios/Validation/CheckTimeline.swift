internal import Support

extension Checking {
  mutating func checkTimeline() {
    if scenario.timeline.isEmpty {
      error("timeline", "no fault: nothing would be tested", fix: "add an entry")
    }
    unique(scenario.timeline.map(\.id), "the id", fix: "rename one of the two") { "timeline[\($0)].id" }
    for (index, entry) in scenario.timeline.enumerated() {
      let path = "timeline[\(index)]"
      checkLink(entry.fault, hold: entry.hold, at: path)
      if entry.at > longestTime || entry.hold > longestTime {
        error(entry.at > longestTime ? "\(path).at" : "\(path).for", "is longer than a year")
      }
      if entry.hold > scenario.safety.maxDuration {
        error(
          "\(path).for",
          "the fault lasts \(entry.hold.text), longer than safety.maxDuration of"
            + " \(scenario.safety.maxDuration.text)", fix: "shorten the fault or raise the limit")
      }
    }
    checkOverlaps()
    checkSurvivors()
  }

  private mutating func checkLink(_ fault: FaultSpecification, hold: Duration, at path: String) {
    let link = fault.link
    guard region(link.region, at: "\(path).region") != nil else { return }
    if case .regions(let names) = link.peers {
      unique(names, "the region", fix: "leave one of the two out") { "\(path).from[\($0)]" }
      for (index, peer) in names.enumerated() {
        _ = region(peer, at: "\(path).from[\(index)]")
        if peer == link.region {
          error("\(path).from[\(index)]", "'\(peer)' cannot be its own other side", fix: "name another region")
        }
      }
    }
    if link.peers.resolve(against: link.region, in: scenario.topology).isEmpty {
      error("\(path).from", "matches no other region: the fault would have zero targets")
    }
    if case .network(_, let inbound, let outbound) = fault, inbound.isEmpty, outbound.isEmpty {
      error(path, "says of no direction what happens there", fix: "add in, out or both, such as both: { loss: 5% }")
    }
    if case .killConnections = fault, link.flapping != nil {
      error("\(path).flapping", "connections are broken once, at the beginning", fix: "repeat the entry at other times")
    }
    if let flapping = link.flapping, flapping.on + flapping.off > hold {
      error(
        "\(path).flapping",
        "on for \(flapping.on.text) and off for \(flapping.off.text), the fault would not come back once in \(hold.text)",
        fix: "shorten the times, or lengthen the fault")
    }
  }

  /// Two faults on one pair of regions at one time: refused, because the end of the first would not be the end of the cut.
  private mutating func checkOverlaps() {
    var latest: [RegionPair: (end: Duration, index: Int)] = [:]
    let order = scenario.timeline.indices.sorted {
      (scenario.timeline[$0].at, $0) < (scenario.timeline[$1].at, $1)
    }
    for index in order {
      let entry = scenario.timeline[index]
      var refused = false
      for pair in cuts[index] {
        if let before = latest[pair], before.end > entry.at, !refused {
          let other = scenario.timeline[before.index]
          refused = true
          error(
            "timeline[\(index)].at",
            "overlaps '\(other.id)', which cuts \(pair.first) from \(pair.second) already, from"
              + " \(other.at.text) to \(other.end.text)",
            fix: "begin at \(before.end.text) or later, or make one entry of the two")
        }
        latest[pair] = (max(entry.end, latest[pair]?.end ?? .zero), index)
      }
    }
  }

  /// At the beginning of every fault, the regions that can still reach each other must hold a majority of the quorum and
  /// the region that is to take over: without them no election can end, whatever the system does.
  private mutating func checkSurvivors() {
    let topology = scenario.topology
    let quorum = Set(topology.names(with: .quorum))
    guard quorum.count >= 3, let owner = scenario.ownership.first, topology.region(owner.normal) != nil,
      topology.region(owner.failover) != nil
    else { return }  // said already
    for index in scenario.timeline.indices {
      let groups = islands[index]
      let path = "timeline[\(index)]"
      let need = quorum.count / 2 + 1
      guard let majority = groups.first(where: { quorum.intersection($0).count >= need }) else {
        let shape = groups.map { "{\($0.joined(separator: ", "))}" }.joined(separator: " ")
        error(
          path,
          "leaves no region group with \(need) of the \(quorum.count) quorum members: \(shape)."
            + " Nobody could be elected", fix: "cut off fewer regions at a time")
        continue
      }
      if owner.normal != owner.failover, !majority.contains(owner.normal), !majority.contains(owner.failover) {
        error(
          path, "cuts off '\(owner.normal)' and its failover '\(owner.failover)' both: no region could take over",
          fix: "leave '\(owner.failover)' with the majority")
      }
    }
  }
}

/// Two regions, in either order.
struct RegionPair: Hashable {
  let first: String
  let second: String

  init(_ one: String, _ other: String) {
    (first, second) = one < other ? (one, other) : (other, one)
  }
}

extension FaultSpecification {
  /// The pairs of regions of which one at least cannot reach the other while the fault is in force. A cut of some ports
  /// only, or one that comes and goes, leaves the pair connected.
  func cutPairs(in topology: Topology) -> [RegionPair] {
    guard case .partition(let link, _, _) = self, link.scope == .all, link.flapping == nil else { return [] }
    return link.peers.resolve(against: link.region, in: topology).map { RegionPair(link.region, $0) }
  }

  /// The regions that lose something.
  var disturbed: [String] { [link.region] }
}
