internal import Support

/// Packets that fare worse and worse, or better and better, in equal steps. The k-th step is called `<id>-k`.
public struct Ramp: Sendable, Hashable, Codable {
  /// Its name; unique in the scenario.
  public var id: String
  /// When the first step begins.
  public var start: TimelineStart
  /// Between which regions.
  public var link: FaultSpecification.Link
  /// Which packets, seen from the region.
  public var direction: FaultSpecification.Direction
  /// What it begins from; the first step is one step away from it.
  public var from: PacketEffect
  /// What it comes to: the last step.
  public var to: PacketEffect
  /// How long all steps take together.
  @DurationText public var over: Duration
  /// How many steps.
  public var steps: Int
  /// How much longer the last step stays.
  @DurationText public var hold: Duration

  /// A ramp from its parts.
  public init(
    id: String, start: TimelineStart, link: FaultSpecification.Link, direction: FaultSpecification.Direction = .both,
    from: PacketEffect, to: PacketEffect, over: Duration, steps: Int, hold: Duration = .zero
  ) {
    self.id = id
    self.start = start
    self.link = link
    self.direction = direction
    self.from = from
    self.to = to
    self.over = over
    self.steps = steps
    self.hold = hold
  }
}
