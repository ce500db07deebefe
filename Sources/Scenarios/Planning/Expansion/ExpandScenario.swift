extension Scenario {
  /// The timeline written out, with what is known of its times. Pure, and the same for the same seed.
  public func schedule() -> Schedule {
    Schedule(of: Expansion(of: timeline, in: topology, seed: seed).entries, runbook: runbook)
  }
}
