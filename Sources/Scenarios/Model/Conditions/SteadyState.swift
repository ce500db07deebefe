internal import Support

/// The steady-state hypothesis: what must hold before anything is injected, all through the drill, and in the end.
public struct SteadyState: Sendable, Hashable, Codable {
  /// How long ``expect`` must hold without a break before anything is injected.
  @DurationText public var hold: Duration
  /// What must hold before anything is injected.
  public var expect: [Expectation]
  /// What must hold all through the drill, each with the time for which it may be broken at a stretch. A breach does not
  /// end the drill (``Scenario/abort`` does that), it fails it.
  public var continuously: [Tolerated]
  /// What must hold again after the recovery; `nil`: nothing is asked then.
  public var after: Afterwards?

  /// A hypothesis from its parts.
  public init(
    hold: Duration, expect: [Expectation], continuously: [Tolerated] = [], after: Afterwards? = nil
  ) {
    self.hold = hold
    self.expect = expect
    self.continuously = continuously
    self.after = after
  }

  /// An expectation that may be broken for a while.
  public struct Tolerated: Sendable, Hashable, Codable {
    /// What must hold.
    public var expectation: Expectation
    /// How long it may be broken at a stretch.
    @DurationText public var tolerance: Duration

    /// A tolerated expectation from its parts.
    public init(_ expectation: Expectation, tolerance: Duration) {
      self.expectation = expectation
      self.tolerance = tolerance
    }
  }

  /// What must hold again after the recovery.
  public struct Afterwards: Sendable, Hashable, Codable {
    /// The longest wait for it, from the end of the recovery.
    @DurationText public var within: Duration
    /// What must hold.
    public var expect: [Expectation]

    /// A demand from its parts.
    public init(within: Duration, expect: [Expectation]) {
      self.within = within
      self.expect = expect
    }
  }
}
