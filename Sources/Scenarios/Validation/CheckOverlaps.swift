internal import Support

extension Checking {
  /// Two faults on one pair of regions at one time: refused, because the end of the first would not be the end of the cut.
  mutating func checkOverlaps() {
    var latest: [RegionPair: (end: Duration, index: Int)] = [:]
    for index in entries.indices {
      let later = entries[index]
      var refused = false
      for pair in cuts[index] {
        if let before = latest[pair], before.end > later.from, !refused,
          !isAfter(later, entries[before.index].entry.id)
        {
          let other = entries[before.index]
          refused = true
          let may = later.isTimed && other.isTimed ? "overlaps" : "may overlap"
          error(
            "\(later.path).\(startKey(later.entry.start))",
            "\(may) '\(other.entry.id)', which cuts \(pair.first) from \(pair.second) already, from"
              + " \(other.from.text) to \(other.through.text)",
            fix: "begin at \(before.end.text) or later, or make one entry of the two")
        }
        if latest[pair].map({ $0.end <= later.through }) ?? true { latest[pair] = (later.through, index) }
      }
    }
  }

  /// Whether `entry` waits, directly or through others, for the end of the fault called `id`.
  private func isAfter(_ entry: TimedEntry, _ id: String) -> Bool {
    var anchor = entry.entry.start
    var steps = 0
    while case .after(let mark, _) = anchor, steps < entries.count {
      steps += 1
      switch mark {
      case .faultEnded(id): return true
      case .faultEnded(let other), .faultBegun(let other):
        guard let next = entryIndex[other] else { return false }
        anchor = entries[next].entry.start
      case .step: return false
      }
    }
    return false
  }

  /// At the beginning of every fault, the regions that can still reach each other must hold a majority of the quorum and
  /// the region that is to take over: without them no election can end, whatever the system does.
  mutating func checkSurvivors() {
    let topology = scenario.topology
    let quorum = Set(topology.names(with: .quorum))
    guard quorum.count >= 3, let owner = scenario.ownership.first, topology.region(owner.normal) != nil,
      topology.region(owner.failover) != nil
    else { return }  // said already
    for index in entries.indices {
      let groups = islands[index]
      let path = entries[index].path
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
