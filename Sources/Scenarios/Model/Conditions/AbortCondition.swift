internal import Support

/// What ends a drill early, with all faults taken away: the expectation broken for a while without a break.
public struct AbortCondition: Sendable, Hashable, Codable {
  /// The bound that must be kept.
  public var expectation: Expectation
  /// How long it may be broken.
  @DurationText public var tolerance: Duration

  /// A condition from its parts.
  public init(_ expectation: Expectation, tolerance: Duration) {
    self.expectation = expectation
    self.tolerance = tolerance
  }
}
