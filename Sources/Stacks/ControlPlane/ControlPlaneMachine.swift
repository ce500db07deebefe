internal import Support

/// The decisions of one region's control plane, apart from all input and output.
///
/// It campaigns in etcd for the writer's key, seals the local store with the key's create revision as fencing token,
/// keeps the lease alive, and gives the store up before the lease can have ended for others. Validity counts from the
/// moment *before* a grant or renewal was sent, on this process's own monotonic clock: whatever the answer's delay,
/// etcd's count began later. (A change of etcd's leader extends leases, to as much as twice their length; that only
/// makes others wait longer.)
///
/// The shell performs requests in two lanes, one to etcd and one to the store, at most one request at a time in each;
/// so a slow etcd never holds up a demotion.
public struct ControlPlaneMachine: Sendable, Hashable {
  /// What does not change while it runs. Times are nanoseconds.
  public struct Settings: Sendable, Hashable {
    /// The region that it acts for.
    public var region: String
    /// Whether the region has a store; without one it only observes.
    public var hasStore: Bool
    /// Seconds of lease that it asks for.
    public var leaseSeconds: Int64
    /// How long before the end of its validity it gives the store up.
    public var margin: Int64
    /// How often it reads the key.
    public var pollInterval: Int64
    /// How often it renews the lease.
    public var renewInterval: Int64
    /// How long it leaves the first campaign to the preferred region.
    public var campaignDelay: Int64
    /// How long its store may leave requests unanswered before it gives up a reign.
    public var storePatience: Int64
    /// Plants the fault of a control plane that never gives up leadership.
    public var neverDemotes: Bool

    /// Settings whose margin and intervals follow from the lease: renewal every quarter, a tenth as margin.
    public init(
      region: String, hasStore: Bool, leaseSeconds: Int64 = 10, pollInterval: Duration = .milliseconds(200),
      campaignDelay: Duration = .zero, neverDemotes: Bool = false
    ) {
      self.region = region
      self.hasStore = hasStore
      self.leaseSeconds = leaseSeconds
      self.pollInterval = pollInterval.nanoseconds
      self.campaignDelay = campaignDelay.nanoseconds
      self.neverDemotes = neverDemotes
      margin = max(500_000_000, leaseSeconds * 100_000_000)
      renewInterval = leaseSeconds * 250_000_000
      storePatience = max(2_500_000_000, leaseSeconds * 300_000_000)
    }
  }

  /// The writer's key as etcd has it.
  public struct Leader: Sendable, Hashable {
    /// Who holds it.
    public var region: String
    /// Its create revision.
    public var token: Int64
    /// The lease behind it.
    public var lease: Int64

    /// A holder with its token.
    public init(region: String, token: Int64, lease: Int64) {
      self.region = region
      self.token = token
      self.lease = lease
    }
  }

  /// A request to etcd.
  public enum EtcdRequest: Sendable, Hashable {
    case readLeader
    case grantLease(seconds: Int64)
    case campaign(lease: Int64)
    case renew(lease: Int64)
    case revoke(lease: Int64)
  }

  /// A request to the store. `until` is a time of the monotonic clock.
  public enum StoreRequest: Sendable, Hashable {
    case inspect
    case seal(token: Int64, until: Int64)
    case extend(token: Int64, until: Int64)
    case demote(token: Int64)
    case adopt(token: Int64, holder: String)
  }

  /// What happened.
  public enum Event: Sendable, Hashable {
    /// Time has passed.
    case tick
    /// The request to etcd under way was answered.
    case leader(Leader?)
    case leaseGranted(EtcdLease)
    case campaignWon(token: Int64)
    case campaignLost(Leader)
    /// 0 seconds: the lease is gone.
    case renewed(seconds: Int64)
    case revoked
    /// The request to etcd under way failed; its effect is unknown.
    case etcdFailed(String)
    /// The request to the store under way was answered.
    case fence(FenceState)
    /// The request to the store under way failed. `refused`: the store's fence said no.
    case storeFailed(String, refused: Bool)
    /// The operator gave an order.
    case order(ControlPlaneOrder)
    /// The process shall end.
    case stop
  }

  /// What the shell shall do.
  public enum Action: Sendable, Hashable {
    case etcd(EtcdRequest)
    case store(StoreRequest)
    /// Everything is given back: the process may end.
    case finish
  }

  /// The authority to write, from winning the key to giving up the store.
  struct Reign: Sendable, Hashable {
    var token: Int64
    var lease: Int64
    var validUntil: Int64
    var renewedAt: Int64
    /// Until when the store lets this reign write, as it confirmed.
    var storeUntil: Int64 = 0
  }

  enum Phase: Sendable, Hashable {
    case following
    case granting
    case campaigning(lease: Int64, validUntil: Int64, since: Int64)
    case sealing(Reign)
    case writing(Reign)
    case demoting(Reign, why: String)
  }

  struct Flight<Request: Sendable & Hashable>: Sendable, Hashable {
    var request: Request
    var sentAt: Int64
  }

  let settings: Settings
  let startedAt: Int64
  var phase = Phase.following
  var etcdFlight: Flight<EtcdRequest>?
  var storeFlight: Flight<StoreRequest>?
  /// The key as last read; `nil` also before the first reading.
  var leader: Leader?
  /// Whether the last reading of the key still stands: not after a request whose effect is unknown.
  var leaderIsKnown = false
  var sawLeader = false
  var etcdAnswered = false
  var store: FenceState?
  var storeAnsweredAt: Int64
  /// The last reign that this region gave up, until it sees a later one.
  var lastReign: Int64?
  var leaseToRevoke: Int64?
  var nextRead: Int64
  var nextInspection: Int64
  var etcdRetryAt: Int64
  var storeRetryAt: Int64
  var etcdError: String?
  var storeError: String?
  var stopping = false
  /// Told not to hold write authority.
  var standsDown = false
  var finished = false

  /// Failed requests that return at once are repeated no faster than this.
  static let retryPause: Int64 = 50_000_000
  /// How often the store's fence is looked at when nothing else goes to the store.
  static let inspectionInterval: Int64 = 1_000_000_000

  /// A control plane that starts at `now`.
  public init(_ settings: Settings, at now: Int64) {
    self.settings = settings
    startedAt = now
    nextRead = now
    nextInspection = now
    etcdRetryAt = now
    storeRetryAt = now
    storeAnsweredAt = now
  }

  /// Takes in one event and says what to do about it. `now` never runs backwards.
  public mutating func handle(_ event: Event, at now: Int64) -> [Action] {
    precondition(!finished, "\(event) after the end")
    switch event {
    case .tick: break
    case .stop: stopping = true
    case .order(let order): standsDown = order == .standDown
    case .fence, .storeFailed: handleStore(event, at: now)
    default: handleEtcd(event, at: now)
    }
    endWhatIsOver(at: now)
    return requests(at: now)
  }

  /// Until when the local store may be written under this region's own reign.
  func deadline(of reign: Reign, at now: Int64) -> Int64 {
    let validUntil =
      settings.neverDemotes ? max(reign.validUntil, now + settings.leaseSeconds * 1_000_000_000) : reign.validUntil
    return validUntil - settings.margin
  }

  mutating func giveUp(_ reign: Reign, _ why: String) {
    if settings.neverDemotes && !stopping { return }
    phase = .demoting(reign, why: why)
  }

  private mutating func endWhatIsOver(at now: Int64) {
    switch phase {
    case .campaigning(let lease, let validUntil, _):
      if now >= validUntil - settings.margin || stopping || standsDown {
        // What is under way may still win; the revocation that follows takes that back.
        if etcdFlight == nil { abandon(lease: lease) }
      }
    case .sealing(let reign), .writing(let reign):
      if stopping {
        giveUp(reign, "the control plane ends")
      } else if standsDown {
        phase = .demoting(reign, why: "told to stand down")
      } else if now >= deadline(of: reign, at: now) {
        giveUp(reign, "the lease was not renewed in time")
      } else if now >= storeAnsweredAt + settings.storePatience {
        // Without this a region whose store is dead would keep the others from writing.
        giveUp(reign, "the store does not answer")
      }
    case .following, .granting, .demoting: break
    }
  }

  mutating func abandon(lease: Int64) {
    leaseToRevoke = lease
    phase = .following
    leaderIsKnown = false
  }
}
