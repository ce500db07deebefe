/// What a control plane says about itself: one line of JSON on its socket, at each change and at each heartbeat.
/// Times are nanoseconds on CLOCK_MONOTONIC, which all processes of one machine share.
public struct ControlPlaneState: Sendable, Hashable, Codable {
  /// What it is doing.
  public enum Role: String, Sendable, Hashable, Codable {
    /// Its region has no store: it only watches.
    case observer
    /// Another region may write, or none.
    case follower
    /// It campaigns for the key.
    case candidate
    /// It holds the key and opens its store.
    case sealing
    /// Its store takes writes under its token.
    case writer
    /// It gives its store up.
    case demoting
    /// It has given its store up and knows of no later reign.
    case demoted
  }

  /// The region that it acts for.
  public var region: String
  /// What it is doing.
  public var role: Role
  /// Who holds the key, as last read; `nil` for nobody, or not known.
  public var writerRegion: String?
  /// The fencing token of that holder.
  public var token: Int64?
  /// The token of its own reign, also of one being given up or given up last.
  public var ownToken: Int64?
  /// When its own reign ends at the latest, on its own clock.
  public var validUntilMonotonic: Int64?
  /// When role, tokens or the store's fence last changed.
  public var changedAtMonotonic: Int64
  /// When this line was written.
  public var reportedAtMonotonic: Int64
  /// Whether its last request to etcd was answered.
  public var etcdReachable: Bool
  /// Who leads etcd, in the view of the member nearest to it.
  public var etcdLeader: String?
  /// The Raft term there.
  public var etcdRaftTerm: UInt64?
  /// The revision there.
  public var etcdRevision: Int64?
  /// The fence of its store, as last seen.
  public var storeMode: FenceMode?
  /// The highest token of its store, as last seen.
  public var storeToken: Int64?
  /// Whether it was told not to hold write authority; `nil`: not.
  public var standsDown: Bool?
  /// What went wrong last, or why it gave up; `nil` when all is well.
  public var note: String?
}

extension ControlPlaneMachine {
  /// The machine's part of the state; the rest is `base`'s.
  func state(_ base: ControlPlaneState, at now: Int64) -> ControlPlaneState {
    var state = base
    state.region = settings.region
    state.writerRegion = leader?.region
    state.token = leader?.token
    state.ownToken = lastReign
    state.validUntilMonotonic = nil
    state.etcdReachable = etcdError == nil && etcdAnswered
    state.standsDown = standsDown ? true : nil
    state.storeMode = store?.mode
    state.storeToken = store?.token
    var notes = [etcdError, storeError]
    switch phase {
    case .following, .granting:
      state.role = !settings.hasStore ? .observer : lastReign == nil ? .follower : .demoted
    case .campaigning: state.role = .candidate
    case .sealing(let reign):
      state.role = .sealing
      (state.ownToken, state.validUntilMonotonic) = (reign.token, reign.validUntil)
    case .writing(let reign):
      state.role = .writer
      (state.ownToken, state.validUntilMonotonic) = (reign.token, reign.validUntil)
    case .demoting(let reign, let why):
      state.role = .demoting
      (state.ownToken, state.validUntilMonotonic) = (reign.token, reign.validUntil)
      notes.insert(why, at: 0)
    }
    let texts = notes.compactMap(\.self)
    state.note = texts.isEmpty ? nil : texts.joined(separator: "; ")
    state.reportedAtMonotonic = now
    if !state.saysTheSame(as: base) { state.changedAtMonotonic = now }
    return state
  }
}

extension ControlPlaneState {
  /// Whether nothing differs that a reader would act upon.
  func saysTheSame(as other: ControlPlaneState) -> Bool {
    role == other.role && writerRegion == other.writerRegion && token == other.token && ownToken == other.ownToken
      && storeMode == other.storeMode && storeToken == other.storeToken && etcdReachable == other.etcdReachable
      && standsDown == other.standsDown
  }
}
