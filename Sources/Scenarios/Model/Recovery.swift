internal import Support

/// How long the run waits for the system to come back.
public struct Recovery: Sendable, Hashable, Codable {
  /// From the last heal to the conditions of the checklist; the run goes on as soon as they hold.
  @DurationText public var within: Duration

  /// A wait of at most `within`.
  public init(within: Duration) { self.within = within }
}
