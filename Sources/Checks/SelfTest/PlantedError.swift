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
  /// The same, and then cuts the record down to what still shows the error. `nil`: the record is no list.
  public var minimise: (@Sendable (_ seed: UInt64) -> MinimisedError)?

  /// An error and what must come of it.
  public init(
    _ name: String, expected: Set<Anomaly>, find: @escaping @Sendable (_ seed: UInt64) -> Set<Anomaly>,
    minimise: (@Sendable (_ seed: UInt64) -> MinimisedError)? = nil
  ) {
    self.name = name
    self.expected = expected
    self.find = find
    self.minimise = minimise
  }

  /// An error in a record that is a list of events.
  ///
  /// - Parameters:
  ///   - record: the record of a seed, with the error planted in it.
  ///   - check: what all checks of the family find in a record.
  public init<Event: Sendable>(
    _ name: String, expected: Set<Anomaly>, record: @escaping @Sendable (_ seed: UInt64) -> [Event],
    check: @escaping @Sendable ([Event]) -> Set<Anomaly>
  ) {
    self.init(
      name, expected: expected, find: { check(record($0)) },
      minimise: { seed in
        let whole = record(seed)
        let few = Checks.minimise(whole) { expected.isSubset(of: check($0)) }
        return MinimisedError(events: whole.count, left: few.count, found: check(few))
      })
  }
}

/// A planted error cut down to what still shows it.
public struct MinimisedError: Sendable, Hashable {
  /// How many events there were.
  public var events: Int
  /// How many were left.
  public var left: Int
  /// What the checks find in those.
  public var found: Set<Anomaly>

  /// An error that was cut down.
  public init(events: Int, left: Int, found: Set<Anomaly>) {
    self.events = events
    self.left = left
    self.found = found
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
