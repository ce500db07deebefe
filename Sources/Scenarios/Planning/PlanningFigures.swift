/// The figures that a plan rests on and that no scenario says: the drill's own times.
public struct PlanningFigures: Sendable, Hashable {
  /// How long a phase takes.
  public struct Budget: Sendable, Hashable {
    /// When all goes well.
    public var expected: Duration
    /// At most; after that the phase has failed.
    public var limit: Duration

    /// A budget from its parts.
    public init(_ expected: Duration, atMost limit: Duration) {
      self.expected = expected
      self.limit = limit
    }
  }

  /// How often a fault's set elements are refreshed.
  public var heartbeat: Duration
  /// When elements that are not refreshed vanish, in heartbeats.
  public var heartbeatsToLive: Int
  /// How much longer than its planned time a fault may live while the run is late in taking it away.
  public var leaseReserve: Duration
  /// Building the lab and checking its parts.
  public var preflight: Budget
  /// From the first write to the steady state, before it is held.
  public var settling: Budget
  /// Taking the faults away and verifying that.
  public var heal: Budget
  /// From heal to the conditions of the checklist, when all goes well.
  public var recoveryExpected: Duration
  /// Stopping the workload and dumping the ground truth.
  public var quiescence: Budget
  /// Judging, rendering and taking the lab down.
  public var verdict: Budget

  /// The figures of the lab on a machine with 2 cores.
  public init() {
    heartbeat = .milliseconds(500)
    heartbeatsToLive = 3
    leaseReserve = .seconds(5)
    preflight = Budget(.seconds(5), atMost: .seconds(30))
    settling = Budget(.seconds(2), atMost: .seconds(30))
    heal = Budget(.milliseconds(500), atMost: .seconds(5))
    recoveryExpected = .seconds(10)
    quiescence = Budget(.seconds(2), atMost: .seconds(20))
    verdict = Budget(.seconds(2), atMost: .seconds(20))
  }

  /// When elements that are not refreshed vanish.
  public var elementTimeout: Duration { heartbeat * heartbeatsToLive }
}
