import Support
import Testing

@testable import Stacks

@Suite struct ControlPlaneMachineTests {
  typealias Machine = ControlPlaneMachine
  static let second: Int64 = 1_000_000_000
  static let ms: Int64 = 1_000_000

  static func fence(_ token: Int64, _ mode: FenceMode) -> FenceState {
    FenceState(region: "east", token: token, mode: mode, holder: "x")
  }

  /// A machine that has read the absence of the key and its own store, with the grant under way.
  static func granting(at now: Int64, neverDemotes: Bool = false) -> Machine {
    var machine = Machine(.init(region: "east", hasStore: true, neverDemotes: neverDemotes), at: now)
    #expect(machine.handle(.tick, at: now) == [.store(.inspect), .etcd(.readLeader)])
    #expect(machine.handle(.fence(fence(0, .readOnly)), at: now).isEmpty)
    #expect(machine.handle(.leader(nil), at: now) == [.etcd(.grantLease(seconds: 10))])
    return machine
  }

  static func writing(from now: Int64, neverDemotes: Bool = false) -> Machine {
    var machine = granting(at: now, neverDemotes: neverDemotes)
    #expect(
      machine.handle(.leaseGranted(EtcdLease(id: 7, seconds: 10)), at: now + 5 * ms) == [.etcd(.campaign(lease: 7))])
    // Valid from before the grant was sent, less the margin of a second; the planted one makes up its own validity.
    let until = now + 9 * second + (neverDemotes ? 10 * ms : 0)
    #expect(machine.handle(.campaignWon(token: 40), at: now + 10 * ms) == [.store(.seal(token: 40, until: until))])
    #expect(machine.handle(.fence(fence(40, .readWrite)), at: now + 20 * ms).isEmpty)
    return machine
  }

  private func role(_ machine: Machine, at now: Int64) -> ControlPlaneState.Role {
    let base = ControlPlaneState(
      region: "", role: .observer, changedAtMonotonic: 0, reportedAtMonotonic: 0, etcdReachable: true)
    return machine.state(base, at: now).role
  }

  @Test func aRegionCampaignsSealsRenewsAndExtends() {
    var machine = Self.writing(from: 0)
    #expect(role(machine, at: Self.second) == .writer)
    #expect(machine.handle(.tick, at: 300 * Self.ms) == [.etcd(.readLeader)])
    #expect(machine.handle(.leader(.init(region: "east", token: 40, lease: 7)), at: 301 * Self.ms).isEmpty)
    #expect(machine.handle(.tick, at: 2500 * Self.ms) == [.store(.inspect), .etcd(.renew(lease: 7))])
    #expect(machine.handle(.fence(Self.fence(40, .readWrite)), at: 2501 * Self.ms).isEmpty)
    #expect(
      machine.handle(.renewed(seconds: 10), at: 2600 * Self.ms)
        == [.store(.extend(token: 40, until: 11_500 * Self.ms)), .etcd(.readLeader)])
  }

  /// etcd hangs: its lane stays busy, and the store is given up at 9 s of the 10 all the same.
  @Test func aHangingEtcdDoesNotHoldUpTheDemotion() {
    var machine = Self.writing(from: 0)
    #expect(machine.handle(.tick, at: 2500 * Self.ms) == [.store(.inspect), .etcd(.renew(lease: 7))])
    #expect(machine.handle(.fence(Self.fence(40, .readWrite)), at: 8 * Self.second).isEmpty)
    #expect(machine.handle(.tick, at: 8999 * Self.ms).isEmpty)
    #expect(machine.handle(.tick, at: 9000 * Self.ms) == [.store(.demote(token: 40))])
    #expect(role(machine, at: 9 * Self.second) == .demoting)
    // A renewal that is answered now does not bring the reign back.
    #expect(machine.handle(.renewed(seconds: 10), at: 9100 * Self.ms) == [.etcd(.readLeader)])
    #expect(machine.handle(.leader(nil), at: 9101 * Self.ms).isEmpty)
    #expect(machine.handle(.fence(Self.fence(40, .readOnly)), at: 9200 * Self.ms) == [.etcd(.revoke(lease: 7))])
    #expect(role(machine, at: 9200 * Self.ms) == .demoted)
  }

  @Test(arguments: [nil, Machine.Leader(region: "eu", token: 50, lease: 9)]) func aKeyThatIsNotOursEndsTheReignAtOnce(
    _ key: Machine.Leader?
  ) {
    var machine = Self.writing(from: 0)
    #expect(machine.handle(.tick, at: 300 * Self.ms) == [.etcd(.readLeader)])
    #expect(machine.handle(.leader(key), at: 301 * Self.ms) == [.store(.demote(token: 40))])
  }

  @Test func aLateReignElsewhereIsAdoptedByTheStore() {
    var machine = Machine(.init(region: "east", hasStore: true), at: 0)
    _ = machine.handle(.tick, at: 0)
    #expect(machine.handle(.fence(Self.fence(40, .readWrite)), at: 1) == [.store(.demote(token: 40))])
    #expect(machine.handle(.fence(Self.fence(40, .readOnly)), at: 2).isEmpty)
    #expect(
      machine.handle(.leader(.init(region: "eu", token: 55, lease: 1)), at: 3)
        == [.store(.adopt(token: 55, holder: "eu"))])
  }

  @Test func whoseTurnItIsNotWaitsUntilItHasSeenAReignOrTheDelayIsOver() {
    var machine = Machine(.init(region: "eu", hasStore: true, campaignDelay: .seconds(3)), at: 0)
    _ = machine.handle(.tick, at: 0)
    _ = machine.handle(.fence(Self.fence(0, .readOnly)), at: 0)
    #expect(machine.handle(.leader(nil), at: 1).isEmpty)
    #expect(machine.handle(.tick, at: 300 * Self.ms) == [.etcd(.readLeader)])
    #expect(machine.handle(.leader(nil), at: 2999 * Self.ms) == [.store(.inspect)])
    #expect(machine.handle(.tick, at: 3000 * Self.ms) == [.etcd(.grantLease(seconds: 10))])
  }

  @Test func anAttemptThatMayHaveWonIsTakenBackAndOneThatHadWonIsRecognised() {
    var machine = Self.granting(at: 0)
    _ = machine.handle(.leaseGranted(EtcdLease(id: 7, seconds: 10)), at: 1)
    var twin = machine
    #expect(machine.handle(.etcdFailed("timed out"), at: 2).isEmpty)
    #expect(machine.handle(.tick, at: Self.second) == [.store(.inspect), .etcd(.revoke(lease: 7))])
    let ours = Machine.Leader(region: "east", token: 41, lease: 7)
    #expect(twin.handle(.campaignLost(ours), at: 2) == [.store(.seal(token: 41, until: 9 * Self.second))])
  }

  @Test func aStoreThatDoesNotAnswerCostsItsRegionTheReign() {
    var machine = Self.writing(from: 0)
    #expect(machine.handle(.tick, at: 1100 * Self.ms) == [.store(.inspect), .etcd(.readLeader)])
    #expect(machine.handle(.storeFailed("lost", refused: false), at: 2 * Self.second).isEmpty)
    #expect(machine.handle(.tick, at: 2900 * Self.ms) == [.store(.inspect)])
    #expect(machine.handle(.storeFailed("lost", refused: false), at: 2950 * Self.ms).isEmpty)
    #expect(machine.handle(.tick, at: 3100 * Self.ms) == [.store(.demote(token: 40))])
  }

  @Test func stoppingGivesTheStoreUpBeforeTheLease() {
    var machine = Self.writing(from: 0)
    #expect(machine.handle(.stop, at: Self.second) == [.store(.demote(token: 40))])
    #expect(
      machine.handle(.fence(Self.fence(40, .readOnly)), at: 1100 * Self.ms) == [.etcd(.revoke(lease: 7))])
    #expect(machine.handle(.revoked, at: 1200 * Self.ms) == [.finish])
    var idle = Machine(.init(region: "ap", hasStore: false), at: 0)
    #expect(idle.handle(.tick, at: 0) == [.etcd(.readLeader)])
    #expect(idle.handle(.stop, at: 1).isEmpty)
    #expect(idle.handle(.leader(nil), at: 2) == [.finish])
  }

  /// The planted fault: nothing ends the reign, and the store is told to go on.
  @Test func aPlantedControlPlaneNeverGivesUp() {
    var machine = Self.writing(from: 0, neverDemotes: true)
    #expect(machine.handle(.tick, at: 30 * Self.second).contains(.store(.extend(token: 40, until: 39 * Self.second))))
    #expect(machine.handle(.renewed(seconds: 0), at: 31 * Self.second) == [.etcd(.readLeader)])
    _ = machine.handle(.leader(.init(region: "eu", token: 50, lease: 9)), at: 32 * Self.second)
    #expect(role(machine, at: 32 * Self.second) == .writer)
  }

  /// Every order of answers, failures and passing time, to a depth of eight events: the store is never left to a reign
  /// past its deadline without a demotion on its way, and no lease is revoked before its reign has been given up.
  @Test(arguments: [false, true]) func noOrderOfEventsLeavesAStoreOpenPastItsDeadline(startWriting: Bool) {
    var visited = 0
    var reached: Set<ControlPlaneState.Role> = []
    let start = startWriting ? Self.writing(from: 0) : Self.granting(at: 0)
    func walk(_ machine: Machine, _ now: Int64, _ open: Set<Int64>, _ depth: Int) {
      visited += 1
      reached.insert(role(machine, at: now))
      guard depth > 0 else { return }
      for step in [Self.ms, 2600 * Self.ms, 9500 * Self.ms] {
        for event in events(for: machine) {
          var next = machine
          let then = now + step
          var open = open
          if case .fence(let fence) = event {
            if fence.mode == .readWrite { open.insert(fence.token) } else { open.remove(fence.token) }
          }
          let actions = next.handle(event, at: then)
          for action in actions {
            if case .etcd(.revoke) = action { #expect(open.isEmpty, "revoked with an open store: \(next)") }
          }
          switch next.phase {
          case .writing(let reign), .sealing(let reign):
            #expect(then < reign.validUntil - next.settings.margin, "past its end: \(next)")
          case .demoting(let reign, _):
            let demoting = next.storeFlight?.request == .demote(token: reign.token)
            #expect(demoting || next.storeFlight != nil || then < next.storeRetryAt, "nothing demotes: \(next)")
          default: #expect(open.isEmpty, "open without a reign: \(next)")
          }
          if !actions.contains(.finish) { walk(next, then, open, depth - 1) }
        }
      }
    }
    walk(start, startWriting ? 20 * Self.ms : 0, startWriting ? [40] : [], 5)
    #expect(visited > 5_000)
    #expect(reached.isSuperset(of: [.writer, .demoting, .demoted]))
  }

  /// What may happen next: time passes, or a request under way is answered or fails.
  private func events(for machine: Machine) -> [Machine.Event] {
    var events: [Machine.Event] = [.tick]
    if !machine.stopping { events.append(.stop) }
    let rival = Machine.Leader(region: "eu", token: 60, lease: 9)
    switch machine.etcdFlight?.request {
    case .readLeader:
      events += [.leader(nil), .leader(rival), .etcdFailed("x")]
      if case .writing(let reign) = machine.phase {
        events.append(.leader(.init(region: "east", token: reign.token, lease: reign.lease)))
      }
    case .grantLease: events += [.leaseGranted(EtcdLease(id: 7, seconds: 10)), .etcdFailed("x")]
    case .campaign: events += [.campaignWon(token: 40), .campaignLost(rival), .etcdFailed("x")]
    case .renew: events += [.renewed(seconds: 10), .renewed(seconds: 0), .etcdFailed("x")]
    case .revoke: events += [.revoked, .etcdFailed("x")]
    case nil: break
    }
    switch machine.storeFlight?.request {
    case .inspect: events += [.fence(machine.store ?? Self.fence(0, .readOnly)), .storeFailed("x", refused: false)]
    case .seal(let token, _), .extend(let token, _):
      events += [.fence(Self.fence(token, .readWrite)), .storeFailed("x", refused: true)]
      events.append(.storeFailed("x", refused: false))
    case .demote(let token): events += [.fence(Self.fence(token, .readOnly)), .storeFailed("x", refused: false)]
    case .adopt(let token, _): events.append(.fence(Self.fence(token, .readOnly)))
    case nil: break
    }
    return events
  }
}
