extension Scenario {
  /// The ids of the faults that cut the owner of the writes off from the majority of the quorum, or keep it from renewing its
  /// lease until that is over.
  public var faultsThatMoveAuthority: Set<String> {
    let entries = schedule().entries
    let cuts = entries.map { $0.entry.fault.cutPairs(in: topology) }
    let cutting = cutsOfPrimary(entries, cuts: cuts, islands: islands(entries, cuts: cuts)).map { entries[$0].entry.id }
    return Set(cutting).union(entries.filter(silencesOwner).map(\.entry.id))
  }

  /// The nodes that disturbances are made for, at the regions' ends and inside regions, in the order of the topology.
  func disturbedNodes(_ entries: [TimedEntry]) -> [String] {
    var disturbed: Set<String> = []
    for fault in entries.map(\.entry.fault) {
      if let link = fault.link { disturbed.formUnion(link.ends(in: topology).group) }
      if let region = fault.insideRegion { disturbed.formUnion(topology.nodes(of: region)) }
    }
    return topology.nodeNames.filter(disturbed.contains)
  }

  /// The ids of the faults that come and go.
  public var faultsThatFlap: Set<String> {
    Set(schedule().entries.filter { $0.entry.fault.link?.flapping != nil }.map(\.entry.id))
  }

  /// The regions of whose servers some may see a monotonic clock that is not the machine's.
  public var regionsWithOtherMonotonicClocks: Set<String> {
    let started = topology.regions.filter { ($0.clocks?.monotonic.nanoseconds ?? 0) != 0 }.map(\.name)
    let disturbed = schedule().entries.compactMap { timed -> String? in
      switch timed.entry.fault {
      case .clock(let fault) where fault.clocks.contains(.monotonic): fault.region
      case .process(let fault) where (fault.restartClocks?.monotonic.nanoseconds ?? 0) != 0: fault.region
      default: nil
      }
    }
    return Set(started + disturbed)
  }

  /// The regions whose nodes keep a wrong time because a fault asks for it.
  public var regionsWithWrongClocks: Set<String> {
    Set(
      schedule().entries.compactMap { timed in
        switch timed.entry.fault {
        case .answers(let link, .time): link.region
        case .nodeClock(let fault): fault.region
        default: nil
        }
      })
  }
}
