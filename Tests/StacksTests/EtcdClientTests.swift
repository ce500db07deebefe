import Support
import TestSupport
import Testing

@testable import Stacks

@Suite(.serialized, .enabled(if: Servers.available, "needs root, postgresql-15 and etcd-server"))
struct EtcdClientTests {
  @Test func theKeyOfALeaseIsTheWritersAndItsTokensRise() async throws {
    try await Servers.withEtcd { members in
      let etcd = try EtcdClient(endpoints: members.map(\.endpoint), name: "etcd")
      let lease = try await etcd.grantLease(seconds: 5)
      #expect(lease.seconds == 5)
      guard case .created(let token) = try await etcd.createIfAbsent("/w", "east", lease: lease.id) else {
        Issue.record("the key was there before")
        return
      }
      let key = try #require(try await etcd.range("/w"))
      #expect(key == EtcdKeyValue(key: "/w", value: "east", createRevision: token, modRevision: token, lease: lease.id))
      let other = try await etcd.grantLease(seconds: 5)
      #expect(try await etcd.createIfAbsent("/w", "eu", lease: other.id) == .exists(key))
      #expect(try await etcd.keepAlive(lease.id) == 5)
      #expect(try await !etcd.deleteIfOwned("/w", token: token + 1))
      try await etcd.revoke(lease.id)
      try await etcd.revoke(lease.id)
      #expect(try await etcd.keepAlive(lease.id) == 0)
      #expect(try await etcd.range("/w", serializable: true) == nil)
      guard case .created(let next) = try await etcd.createIfAbsent("/w", "eu", lease: other.id) else {
        Issue.record("the key outlived its lease")
        return
      }
      #expect(next > token)
      #expect(try await etcd.deleteIfOwned("/w", token: next))
      try await etcd.put("/x", "ü")
      #expect(try await etcd.range("/x")?.value == "ü")
      let status = try await etcd.status()
      #expect(status.leader == status.member && status.raftTerm > 0 && status.revision > next)
      #expect(try await etcd.members().map(\.name) == ["m1"])
      let refused = await #expect(throws: EtcdError.self) { try await etcd.put("/x", "y", lease: 4711) }
      guard case .refused(_, code: 5, _) = refused else {
        Issue.record("\(refused.map { "\($0)" } ?? "")")
        return
      }
    }
  }

  @Test func anEndpointThatRefusesIsPassedOverAndOneThatHangsEndsAtTheDeadline() async throws {
    try await Servers.withEtcd { members in
      let dead = "http://127.0.0.1:\(try freePort())"
      let etcd = try EtcdClient(endpoints: [dead, members[0].endpoint], name: "etcd", limit: .milliseconds(300))
      try await etcd.put("/x", "1")
      try await members[0].process.standStill()
      let began = Timebase.system.monotonic()
      let timeout = await #expect(throws: EtcdError.self) { try await etcd.put("/x", "2") }
      let took = Duration.nanoseconds(Timebase.system.monotonic() - began)
      #expect(timeout?.isUnknownOutcome == true, "the member may carry it out when it goes on")
      #expect(took >= .milliseconds(290) && took < .milliseconds(600))
      try members[0].process.send(Signal.resume)
      try await eventually("an answer") {
        do { return try await etcd.range("/x") != nil } catch is EtcdError { return false }
      }
      let nobody = try EtcdClient(endpoints: [dead], name: "etcd")
      let refused = await #expect(throws: EtcdError.self) { try await nobody.put("/x", "3") }
      #expect(refused?.isUnknownOutcome == false)
    }
  }
}
