internal import Support

/// Disturbances one after the other: each begins when the one before has ended, after ``gap``.
public struct TimelineSequence: Sendable, Hashable, Codable {
  /// Its name; unique in the scenario.
  public var id: String
  /// When the first begins.
  public var start: TimelineStart
  /// How long nothing is in force between two.
  @DurationText public var gap: Duration
  /// The parts in their order; an `at` of theirs adds to the gap before them.
  public var members: [TimelineItem]

  /// A sequence from its parts.
  public init(id: String, start: TimelineStart, gap: Duration = .zero, members: [TimelineItem]) {
    self.id = id
    self.start = start
    self.gap = gap
    self.members = members
  }
}

/// Disturbances side by side, each at its time from the group's beginning.
public struct TimelineGroup: Sendable, Hashable, Codable {
  /// Its name; unique in the scenario.
  public var id: String
  /// When the group begins.
  public var start: TimelineStart
  /// The parts.
  public var members: [TimelineItem]

  /// A group from its parts.
  public init(id: String, start: TimelineStart, members: [TimelineItem]) {
    self.id = id
    self.start = start
    self.members = members
  }
}
