/// What is due next in each lane.
extension ControlPlaneMachine {
  mutating func requests(at now: Int64) -> [Action] {
    var actions: [Action] = []
    if storeFlight == nil, now >= storeRetryAt, let request = storeRequest(at: now) {
      storeFlight = Flight(request: request, sentAt: now)
      actions.append(.store(request))
    }
    if etcdFlight == nil, now >= etcdRetryAt, let request = etcdRequest(at: now) {
      etcdFlight = Flight(request: request, sentAt: now)
      actions.append(.etcd(request))
      if case .grantLease = request { phase = .granting }
    }
    if stopping && isDone(at: now) {
      finished = true
      actions.append(.finish)
    }
    return actions
  }

  private func isDone(at now: Int64) -> Bool {
    guard etcdFlight == nil && storeFlight == nil else { return false }
    switch phase {
    case .following: return leaseToRevoke == nil
    // A store that cannot be reached has ended the reign by itself by now.
    case .demoting(let reign, _): return now >= reign.validUntil
    default: return false
    }
  }

  private func storeRequest(at now: Int64) -> StoreRequest? {
    guard settings.hasStore else { return nil }
    switch phase {
    case .demoting(let reign, _): return .demote(token: reign.token)
    case .sealing(let reign): return .seal(token: reign.token, until: deadline(of: reign, at: now))
    case .writing(let reign):
      let until = deadline(of: reign, at: now)
      // Renewals come in steps of their interval; a planted control plane moves its end with every tick.
      if until >= reign.storeUntil + settings.renewInterval / 2 { return .extend(token: reign.token, until: until) }
    case .following, .granting, .campaigning:
      if stopping { return nil }
      // A reign that nobody keeps up: this process was restarted.
      if let store, store.mode == .readWrite { return .demote(token: store.token) }
      // Known before it is sealed here, so that older tokens are refused in this region too.
      if let store, let leader, leader.token > store.token {
        return .adopt(token: leader.token, holder: leader.region)
      }
    }
    return now >= nextInspection && !stopping ? .inspect : nil
  }

  private func etcdRequest(at now: Int64) -> EtcdRequest? {
    if let leaseToRevoke { return .revoke(lease: leaseToRevoke) }
    switch phase {
    case .granting: return nil
    case .campaigning(let lease, _, _): return stopping || standsDown ? nil : .campaign(lease: lease)
    // Not renewed while it seals: a store that cannot be sealed must not keep the key from others.
    case .sealing: break
    case .writing(let reign):
      if now >= reign.renewedAt + settings.renewInterval { return .renew(lease: reign.lease) }
    // The lease is neither renewed nor revoked before the store has been given up.
    case .demoting: break
    case .following:
      if stopping { return nil }
      if mayCampaign(at: now) { return .grantLease(seconds: settings.leaseSeconds) }
    }
    return now >= nextRead && !stopping ? .readLeader : nil
  }

  /// The key was read and is not there, and it is this region's turn. A reading does not go stale here: if somebody has
  /// won since, the campaign loses.
  private func mayCampaign(at now: Int64) -> Bool {
    guard settings.hasStore, !standsDown, store != nil, storeError == nil, leader == nil, leaderIsKnown else {
      return false
    }
    return sawLeader || now >= startedAt + settings.campaignDelay
  }
}
