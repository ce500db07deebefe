/// What an answer changes.
extension ControlPlaneMachine {
  mutating func handleEtcd(_ event: Event, at now: Int64) {
    guard let flight = etcdFlight else { preconditionFailure("\(event) without a request under way: \(self)") }
    etcdFlight = nil
    if case .etcdFailed(let why) = event {
      etcdError = why
      etcdRetryAt = now + Self.retryPause
      handleFailure(of: flight.request)
      return
    }
    etcdError = nil
    etcdAnswered = true
    switch (flight.request, event) {
    case (.readLeader, .leader(let key)):
      note(key, at: now)
      switch phase {
      case .sealing(let reign), .writing(let reign):
        if key?.token != reign.token {
          giveUp(reign, key.map { "the key belongs to \($0.region) under token \($0.token)" } ?? "the key is gone")
        }
      default: break
      }
    case (.grantLease, .leaseGranted(let lease)):
      guard case .granting = phase else {
        leaseToRevoke = lease.id
        return
      }
      phase = .campaigning(
        lease: lease.id, validUntil: flight.sentAt + lease.seconds * 1_000_000_000, since: flight.sentAt)
    case (.campaign(let lease), .campaignWon(let token)):
      won(lease, token, at: now)
    case (.campaign(let lease), .campaignLost(let key)):
      // An attempt of ours whose answer was lost may have won before.
      if key.lease == lease { return won(lease, key.token, at: now) }
      abandon(lease: lease)
      note(key, at: now)
    case (.renew(let lease), .renewed(let seconds)):
      renewed(lease, seconds, sentAt: flight.sentAt)
    case (.revoke, .revoked):
      leaseToRevoke = nil
      nextRead = now
    default: preconditionFailure("\(event) cannot answer \(flight.request)")
    }
  }

  private mutating func handleFailure(of request: EtcdRequest) {
    switch request {
    case .grantLease: phase = .following
    // It may have won: the key, if there, goes with the lease.
    case .campaign(let lease): abandon(lease: lease)
    // The lease ends by itself, as nobody renews it.
    case .revoke: leaseToRevoke = nil
    case .readLeader, .renew: break
    }
  }

  private mutating func won(_ lease: Int64, _ token: Int64, at now: Int64) {
    guard case .campaigning(lease, let validUntil, let since) = phase else {
      preconditionFailure("won with lease \(lease) in phase \(phase)")
    }
    note(Leader(region: settings.region, token: token, lease: lease), at: now)
    phase = .sealing(Reign(token: token, lease: lease, validUntil: validUntil, renewedAt: since))
    storeAnsweredAt = now
  }

  private mutating func renewed(_ lease: Int64, _ seconds: Int64, sentAt: Int64) {
    // A reign that was given up meanwhile is not brought back by a longer lease.
    guard case .writing(var reign) = phase, reign.lease == lease else { return }
    reign.renewedAt = sentAt
    if seconds > 0 { reign.validUntil = max(reign.validUntil, sentAt + seconds * 1_000_000_000) }
    phase = .writing(reign)
    if seconds <= 0 { giveUp(reign, "etcd no longer has the lease") }
  }

  private mutating func note(_ key: Leader?, at now: Int64) {
    leader = key
    leaderIsKnown = true
    nextRead = now + settings.pollInterval
    if let key {
      sawLeader = true
      if let last = lastReign, key.token > last { lastReign = nil }
    }
  }

  mutating func handleStore(_ event: Event, at now: Int64) {
    guard let flight = storeFlight else { preconditionFailure("\(event) without a request under way: \(self)") }
    storeFlight = nil
    switch event {
    case .storeFailed(let why, let refused):
      storeError = why
      storeRetryAt = now + Self.retryPause
      guard refused else { return }
      // The store has seen a higher token, or this reign ended there by itself: either way it is over.
      switch (flight.request, phase) {
      case (.seal(let token, _), .sealing(let reign)) where reign.token == token: giveUp(reign, why)
      case (.extend(let token, _), .writing(let reign)) where reign.token == token: giveUp(reign, why)
      default: break
      }
    case .fence(let fence):
      store = fence
      storeError = nil
      storeAnsweredAt = now
      nextInspection = now + Self.inspectionInterval
      switch (flight.request, phase) {
      case (.seal(let token, let until), .sealing(var reign)) where reign.token == token:
        reign.storeUntil = until
        phase = .writing(reign)
      case (.extend(let token, let until), .writing(var reign)) where reign.token == token:
        reign.storeUntil = until
        phase = .writing(reign)
      case (.demote(let token), .demoting(let reign, _)) where reign.token == token:
        lastReign = token
        abandon(lease: reign.lease)
      default: break
      }
    default: preconditionFailure("\(event) is no answer of a store")
    }
  }
}
