internal import Support

/// Traffic that is moved in stages from one region's store to another's.
public struct TrafficShift: Sendable, Hashable, Codable {
  /// The region it leaves.
  public var from: String
  /// The region it goes to.
  public var to: String
  /// The share at ``to`` in each stage, rising; the last one is everything.
  public var stages: [Percentage]
  /// How long each stage is held while it is judged.
  @DurationText public var hold: Duration
  /// What must hold all through each stage; once broken, the traffic goes back to the stage before and the step has failed.
  public var gate: Expectation?

  /// A shift from its parts.
  public init(from: String, to: String, stages: [Percentage], hold: Duration, gate: Expectation? = nil) {
    self.from = from
    self.to = to
    self.stages = stages
    self.hold = hold
    self.gate = gate
  }

  /// How long all stages take together.
  public var duration: Duration { hold * stages.count }
}
