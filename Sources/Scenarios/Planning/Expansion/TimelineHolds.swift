extension Scenario {
  /// How long each plain entry of the timeline lasts at most, by its id, in the order of the file. Patterns are not among
  /// them: they are written out only in a plan.
  public var holds: [(id: String, longest: Duration)] {
    timeline.compactMap { item in
      guard case .entry(let entry) = item else { return nil }
      return (entry.id, entry.stop.longest)
    }
  }
}
