extension Scenario {
  /// The ids of the faults that cut the owner of the writes off from the majority of the quorum.
  public var faultsThatMoveAuthority: Set<String> {
    let cuts = timeline.map { $0.fault.cutPairs(in: topology) }
    return Set(cutsOfPrimary(cuts: cuts, islands: islands(cuts: cuts)).map { timeline[$0].id })
  }

  /// The ids of the faults that come and go.
  public var faultsThatFlap: Set<String> {
    Set(timeline.filter { $0.fault.link.flapping != nil }.map(\.id))
  }
}
