/// An error planted into a clean record, to see whether it is found: that error, and nothing else.
///
/// The checker is checked by these in its tests, by `blackstart verify --self-test`, and in every report.
public struct PlantedError: Sendable {
  /// What is done to the record, in a few words: `repeat an id at a later offset`.
  public var name: String
  /// What must be found; anything more or less is a failure of the checker.
  public var expected: Set<Anomaly>
  /// Makes the clean record of `seed`, plants the error at a place that the seed chooses, runs **all** checks of its family,
  /// and says what they found.
  public var find: @Sendable (_ seed: UInt64) -> Set<Anomaly>

  /// An error and what must come of it.
  public init(_ name: String, expected: Set<Anomaly>, find: @escaping @Sendable (_ seed: UInt64) -> Set<Anomaly>) {
    self.name = name
    self.expected = expected
    self.find = find
  }
}

/// The planted errors of one family of checks, and its clean records.
public struct PlantedErrors: Sendable {
  /// The family: `logs`, `mirrors`, `leadership`, `failover`.
  public var family: String
  /// What all checks of the family find in the clean record of a seed: nothing.
  public var findInClean: @Sendable (_ seed: UInt64) -> Set<Anomaly>
  /// The errors, at least one for each anomaly of the family.
  public var errors: [PlantedError]

  /// A family.
  public init(
    family: String, findInClean: @escaping @Sendable (_ seed: UInt64) -> Set<Anomaly>, errors: [PlantedError]
  ) {
    self.family = family
    self.findInClean = findInClean
    self.errors = errors
  }
}
