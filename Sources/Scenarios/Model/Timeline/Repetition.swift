internal import Support

/// The same disturbances several times. Their ids get the round's number: `wobble-1`, `wobble-2`.
public struct Repetition: Sendable, Hashable, Codable {
  /// Its name; unique in the scenario.
  public var id: String
  /// When the first round begins.
  public var start: TimelineStart
  /// How many rounds.
  public var times: Int
  /// From the beginning of one round to the beginning of the next.
  @DurationText public var every: Duration
  /// Each round begins later than that by up to this much, drawn from the seed; rounds never overlap because of it.
  @DurationText public var jitter: Duration
  /// The parts of one round, each at its time from the round's beginning.
  public var members: [TimelineItem]

  /// A repetition from its parts.
  public init(
    id: String, start: TimelineStart, times: Int, every: Duration, jitter: Duration = .zero, members: [TimelineItem]
  ) {
    self.id = id
    self.start = start
    self.times = times
    self.every = every
    self.jitter = jitter
    self.members = members
  }
}
