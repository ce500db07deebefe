extension Scenario {
  /// Whether a fault of the timeline cuts the owner of the writes off from the majority of the quorum, so that another
  /// region must take over. Loss and delay may lead there too, but nothing makes them.
  public var expectsFailover: Bool {
    let cuts = timeline.map { $0.fault.cutPairs(in: topology) }
    return !cutsOfPrimary(cuts: cuts, islands: islands(cuts: cuts)).isEmpty
  }

  /// The timeline's entries that cut the owner off from the majority.
  func cutsOfPrimary(cuts: [[RegionPair]], islands: [[[String]]]) -> [Int] {
    let quorum = Set(topology.names(with: .quorum))
    return timeline.indices.filter { index in
      guard let owner = ownership.first?.normal, let own = islands[index].first(where: { $0.contains(owner) }) else {
        return false
      }
      return quorum.intersection(own).count * 2 <= quorum.count
        && cuts[index].contains { $0.first == owner || $0.second == owner }
    }
  }

  /// For each timeline entry, at its beginning: the groups of regions that still reach each other, directly or through
  /// others, with every fault counted that is in force then.
  ///
  /// - Parameter cuts: for each entry, the pairs that it cuts.
  func islands(cuts: [[RegionPair]]) -> [[[String]]] {
    let names = topology.regions.map(\.name)
    var result = [[[String]]](repeating: [], count: timeline.count)
    var active: [Int] = []
    var rest = timeline.indices.sorted { (timeline[$0].at, $0) < (timeline[$1].at, $1) }[...]
    while let first = rest.first {
      let now = timeline[first].at
      let beginning = rest.prefix { timeline[$0].at == now }
      rest = rest.dropFirst(beginning.count)
      active.removeAll { timeline[$0].end <= now }
      active += beginning
      let groups = connectedGroups(of: names, cut: Set(active.flatMap { cuts[$0] }))
      for index in beginning { result[index] = groups }
    }
    return result
  }
}

private func connectedGroups(of names: [String], cut: Set<RegionPair>) -> [[String]] {
  var groups: [[String]] = []
  var placed: Set<String> = []
  for name in names where placed.insert(name).inserted {
    var group = [name]
    var next = 0
    while next < group.count {
      for other in names where !placed.contains(other) && !cut.contains(RegionPair(group[next], other)) {
        placed.insert(other)
        group.append(other)
      }
      next += 1
    }
    groups.append(group)
  }
  return groups
}
