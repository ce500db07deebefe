import Glibc
import Netlink
import Support
import Testing

@testable import Faults

/// Answers of real servers, asked for by a real resolver (c-ares) and a real time client, on the real kernel.
@Suite(.enabled(if: isRoot, "needs root for namespaces"), .serialized) struct AnswerHoldingTests {
  /// A wire with a name server at `a`, and a holder and a resolver at `b`.
  private func withServer(
    _ family: IPAddress.Family, patience: Duration = .seconds(10),
    _ body: @escaping @Sendable (Wire, TinyNameServer, NameResolver, FaultHolder) async throws -> Void
  ) async throws {
    try await Wire.with { wire in
      let address = try #require(wire.addressesA.first { $0.family == family })
      try await TinyNameServer.with(in: wire.a, at: address) { server in
        server["db.test"] = .init(addresses: [.v4(0x0A00_0001), .v6(0xFD00 << 48, 1)])
        server["other.test"] = .init(addresses: [.v4(0x0A00_0009)])
        let options = NameResolver.Options(servers: server.place, patience: patience, tries: 1, limit: .seconds(90))
        let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
        try await body(wire, server, try NameResolver(in: wire.b, options: options), holder)
        await holder.close()
      }
    }
  }

  private func fault(_ answers: Fault.Answers, ports: [PortRange] = [PortRange(5353)]) -> Fault {
    Fault(
      id: "answers", run: "test", node: "b", inbound: .init(answers: answers), targets: .init(remotePorts: ports),
      timing: .init(lease: .seconds(60), heartbeat: .milliseconds(500), silence: .seconds(20)))
  }

  private let right: [IPAddress] = [.v4(0x0A00_0001), .v6(0xFD00 << 48, 1)]

  @Test(arguments: IPAddress.Family.allCases)
  func chosenNamesAreAnsweredWronglyAndOthersAreNot(_ family: IPAddress.Family) async throws {
    try await withServer(family) { [right] _, server, resolver, holder in
      let before = try await holder.snapshot()
      #expect(try await resolver.resolve("db.test").addresses == right)
      let wrong: [IPAddress] = [.v4(0xC000_0201), .v4(0xC000_0202), .v6(0x2001_0DB8 << 32, 7)]
      let rules: [Fault.NameRule] = [.init("DB.test", .addresses(wrong, timeToLiveSeconds: 7))]
      let receipt = try await holder.arm(fault(.names(rules)))
      #expect(receipt.mechanisms.map(\.mechanism) == [.answerChange])
      let found = try await resolver.resolve("db.test")
      #expect(found.addresses == wrong && found.lifeMilliseconds == 7000)
      #expect(try await resolver.resolve("other.test").addresses == [.v4(0x0A00_0009)])
      #expect(server.questions.count == 6, "every question reached the server: \(server.questions)")

      let counters = try await holder.counters(of: "answers")
      #expect(counters.inboundLine?.answers == .init(changed: 2, silenced: 0, passed: 2, unreadable: 0))
      #expect(counters.packets == 2, "what was only looked at is no hit")
      let outcome = try await holder.disarm("answers")
      #expect(outcome.end == .disarmed)
      #expect(try await resolver.resolve("db.test").addresses == right)
      #expect(try await holder.snapshot().difference(from: before) == [])
    }
  }

  @Test(arguments: IPAddress.Family.allCases)
  func errorsOfServersReachTheResolver(_ family: IPAddress.Family) async throws {
    try await withServer(family) { [right] wire, server, patient, holder in
      let hasty = try NameResolver(
        in: wire.b,
        options: .init(servers: server.place, patience: .milliseconds(300), tries: 1, limit: .seconds(20)))
      for (change, resolver, failure) in [
        (.noSuchName, patient, .unknown("db.test")),
        (.serverFailure, patient, .unanswered("db.test", reason: "Could not contact DNS servers")),
        (.silence, hasty, .unanswered("db.test", reason: "Timeout while contacting DNS servers")),
      ] as [(Fault.NameRule.Change, NameResolver, ResolverError)] {
        _ = try await holder.arm(fault(.names([.init("*.test", change)])))
        await #expect(throws: failure) { try await resolver.resolve("db.test") }
        let answers = try await holder.counters(of: "answers").inboundLine?.answers
        #expect(answers?.hit == 2 && answers?.unreadable == 0, "\(change): \(String(describing: answers))")
        _ = try await holder.disarm("answers")
      }
      #expect(try await patient.resolve("db.test").addresses == right)
    }
  }

  @Test func slowAnswersComeLateAndDoNotHoldOthersUp() async throws {
    try await withServer(.v4) { [right] _, _, resolver, holder in
      _ = try await holder.arm(fault(.names([.init("db.test", .noSuchName, delay: .milliseconds(300))])))
      let start = ContinuousClock.now
      async let late = ContinuousClock().measure {
        await #expect(throws: ResolverError.unknown("db.test")) { try await resolver.resolve("db.test") }
      }
      #expect(await late >= .milliseconds(300))
      #expect(try await resolver.resolve("other.test").addresses == [.v4(0x0A00_0009)])
      _ = try await holder.disarm("answers")
      _ = try await holder.arm(fault(.names([.init("db.test", delay: .milliseconds(100))])))
      #expect(try await resolver.resolve("db.test").addresses == right)
      #expect(ContinuousClock.now - start >= .milliseconds(400))
      _ = try await holder.disarm("answers")
    }
  }

  /// An answer that waits when another fault of the node ends goes on early, and changed nevertheless.
  @Test func whatIsHeldWhenAnotherFaultEndsIsStillChanged() async throws {
    try await withServer(.v4, patience: .seconds(70)) { wire, _, resolver, holder in
      _ = try await holder.arm(wire.deaf("other", extraPeers: []).aimed(at: .v4(0x0A4D_0063)))
      _ = try await holder.arm(fault(.names([.init("db.test", .noSuchName, delay: .seconds(55))])))
      async let asked: Void = {
        await #expect(throws: ResolverError.unknown("db.test")) {
          try await resolver.resolve("db.test")
        }
      }()
      let start = ContinuousClock.now
      while try await holder.counters(of: "answers").inboundLine?.held != 2 {
        try #require(ContinuousClock.now - start < .seconds(30), "the answers do not come")
        try await Task.sleep(for: .milliseconds(2))  // nothing announces it
      }
      _ = try await holder.disarm("other")
      await asked
      #expect(ContinuousClock.now - start < .seconds(50), "they were not let go")
      _ = try await holder.disarm("answers")
    }
  }

  @Test(arguments: IPAddress.Family.allCases)
  func timeServersAreOffByWhatWasAskedFor(_ family: IPAddress.Family) async throws {
    try await Wire.with { wire in
      func address(_ addresses: [IPAddress]) throws -> IPAddress {
        try #require(addresses.first { $0.family == family })
      }
      let exchange = try TimeExchange(
        server: address(wire.addressesA), in: wire.a, client: address(wire.addressesB), in: wire.b)
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      let before = try #require(try exchange.offsetNanoseconds())
      for offset in [Duration.seconds(5), .seconds(-3600), .milliseconds(250)] {
        _ = try await holder.arm(fault(.time(.init(offset)), ports: [PortRange(exchange.server.port)]))
        let found = try #require(try exchange.offsetNanoseconds())
        // Both clocks are one; what is left is half of the difference of the two ways, on a busy machine.
        #expect(abs(found - before - offset.nanoseconds) < 200_000_000, "\(offset): off by \(found) ns, was \(before)")
        _ = try await holder.disarm("answers")
      }
      let after = try #require(try exchange.offsetNanoseconds())
      #expect(abs(after) < 200_000_000)
      await holder.close()
    }
  }

  /// The table is the holder's: without it everything passes as it is.
  @Test func answersAreTheServersAgainWhenTheHolderIsGone() async throws {
    try await withServer(.v4) { [right] wire, _, resolver, holder in
      _ = try await holder.arm(fault(.names([.init("*", .silence)])))
      #expect(try Fault.tables(in: wire.b).map(\.id.name) == ["bs_test_answers"])
      await holder.close()
      #expect(try Fault.tables(in: wire.b).isEmpty)
      #expect(try await resolver.resolve("db.test").addresses == right)
    }
  }
}

extension Fault {
  /// The same fault against another peer.
  fileprivate func aimed(at peer: IPAddress) -> Fault {
    var fault = self
    fault.targets.peers = [peer]
    return fault
  }
}
