extension Scenario {
  /// Whether a fault of the timeline cuts the owner of the writes off from the majority of the quorum, so that another
  /// region must take over. Loss and delay may lead there too, but nothing makes them.
  public var expectsFailover: Bool {
    // Who may write to standing clusters, or to a system that nobody drives, is not this tool's to move.
    guard stack.kind.isDriven, stack.attach == nil else { return false }
    let entries = schedule().entries
    if entries.contains(where: silencesOwner) { return true }
    let cuts = entries.map { $0.entry.fault.cutPairs(in: topology) }
    return !cutsOfPrimary(entries, cuts: cuts, islands: islands(entries, cuts: cuts)).isEmpty
  }

  /// Whether a disturbance keeps the owner's control plane from renewing its lease for longer than that lives, or kills its store,
  /// for which it gives write authority up.
  func silencesOwner(_ timed: TimedEntry) -> Bool {
    guard stack.attach == nil, case .process(let fault) = timed.entry.fault, fault.region == ownership.first?.normal,
      [.role(.controlPlane), .role(.store), .role(.all)].contains(fault.processes)
    else { return false }
    let silence =
      switch fault.action {
      // A store that stands still, or comes back again and again, may answer before it is missed.
      case .pause where fault.processes == .role(.store), .restartLoop where fault.processes == .role(.store):
        Duration.zero
      case .pause: timed.entry.stop.longest
      case .kill, .terminate: fault.restart ?? .seconds(86_400)
      case .restartLoop: timed.entry.stop.longest + (fault.restart ?? .seconds(86_400))
      case .throttle, .squeeze: Duration.zero
      }
    return silence > stack.leaseTTL
  }

  /// The timeline's entries that cut the owner off from the majority.
  func cutsOfPrimary(_ entries: [TimedEntry], cuts: [[RegionPair]], islands: [[[String]]]) -> [Int] {
    guard stack.attach == nil else { return [] }
    let quorum = Set(topology.names(with: .quorum))
    return entries.indices.filter { index in
      guard let owner = ownership.first?.normal, let own = islands[index].first(where: { $0.contains(owner) }) else {
        return false
      }
      return quorum.intersection(own).count * 2 <= quorum.count
        && cuts[index].contains { $0.first == owner || $0.second == owner }
    }
  }

  /// For each disturbance, at its beginning: the groups of regions that still reach each other, directly or through
  /// others, with every fault counted that may be in force then.
  ///
  /// - Parameter cuts: for each entry, the pairs that it cuts.
  func islands(_ entries: [TimedEntry], cuts: [[RegionPair]]) -> [[[String]]] {
    let names = topology.regions.map(\.name)
    var result = [[[String]]](repeating: [], count: entries.count)
    var active: [RegionPair: Int] = [:]  // by how many faults each pair is cut
    var known: [Set<RegionPair>: [[String]]] = [:]  // timelines repeat themselves
    var ending = entries.indices.sorted { (entries[$0].through, $0) < (entries[$1].through, $1) }[...]
    var rest = entries.indices.sorted { (entries[$0].from, $0) < (entries[$1].from, $1) }[...]
    while let first = rest.first {
      let now = entries[first].from
      let beginning = rest.prefix { entries[$0].from == now }
      rest = rest.dropFirst(beginning.count)
      // Every fault lasts longer than nothing, so what has ended by now has begun before.
      while let over = ending.first, entries[over].through <= now {
        ending.removeFirst()
        for pair in cuts[over] {
          active[pair, default: 0] -= 1
          if active[pair] == 0 { active[pair] = nil }
        }
      }
      for index in beginning { for pair in cuts[index] { active[pair, default: 0] += 1 } }
      let cut = Set(active.keys)
      let groups = known[cut] ?? connectedGroups(of: names, cut: cut)
      known[cut] = groups
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
