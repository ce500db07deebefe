extension Scenario {
  /// The ids of the faults that cut the owner of the writes off from the majority of the quorum, or keep it from renewing its
  /// lease until that is over.
  public var faultsThatMoveAuthority: Set<String> {
    let entries = schedule().entries
    let cuts = entries.map { $0.entry.fault.cutPairs(in: topology) }
    let cutting = cutsOfPrimary(entries, cuts: cuts, islands: islands(entries, cuts: cuts)).map { entries[$0].entry.id }
    return Set(cutting).union(entries.filter(silencesOwner).map(\.entry.id))
  }

  /// The ids of the faults that come and go.
  public var faultsThatFlap: Set<String> {
    Set(schedule().entries.filter { $0.entry.fault.link?.flapping != nil }.map(\.entry.id))
  }
}
