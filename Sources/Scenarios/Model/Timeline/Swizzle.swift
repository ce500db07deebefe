internal import Support

/// Links that are cut one by one, in an order drawn from the seed, and healed one by one, in another. The k-th cut is
/// called `<id>-k`.
public struct Swizzle: Sendable, Hashable, Codable {
  /// Its name; unique in the scenario.
  public var id: String
  /// When the first link is cut.
  public var start: TimelineStart
  /// The pairs of regions. Empty: every pair that the topology has.
  public var links: [Pair]
  /// From one cut to the next.
  @DurationText public var cutEvery: Duration
  /// From the last cut to the first heal.
  @DurationText public var hold: Duration
  /// From one heal to the next.
  @DurationText public var healEvery: Duration

  /// Two regions.
  public struct Pair: Sendable, Hashable, Codable {
    /// The one, from which the cut is seen.
    public var region: String
    /// The other.
    public var peer: String

    /// A pair of regions.
    public init(_ region: String, _ peer: String) {
      self.region = region
      self.peer = peer
    }
  }

  /// A swizzle from its parts.
  public init(
    id: String, start: TimelineStart, links: [Pair] = [], cutEvery: Duration, hold: Duration, healEvery: Duration
  ) {
    self.id = id
    self.start = start
    self.links = links
    self.cutEvery = cutEvery
    self.hold = hold
    self.healEvery = healEvery
  }
}
