import Netlink
import Support
import Testing

@testable import Faults

/// Names at the other end: resolved in the node, and followed when they change.
@Suite(.enabled(if: isRoot, "needs root for namespaces"), .serialized) struct NamesTests {
  private func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
    for _ in 0..<400 {
      if try await isSo() { return }
      try await Task.sleep(for: .milliseconds(20))  // nobody tells when a name's time to live is over
    }
    Issue.record("\(what) did not come")
  }

  @Test func theSetsFollowWhatANameStandsFor() async throws {
    try await Wire.with { wire in
      try await TinyNameServer.with(in: wire.b) { server in
        server["peer.test"] = .init(addresses: [.v4(0x0102_0304), wire.addressesA[1]], timeToLive: 1)
        let log = EventLog()
        let (four, six) = (try wire.inward(.v4), try wire.inward(.v6))
        let holder = try FaultHolder(
          node: "b", namespace: wire.b, features: kernel, refresh: nil, names: .init(servers: server.place),
          report: log.add)
        let before = try await holder.snapshot()
        _ = try await holder.arm(wire.fault(inbound: .drop, targets: .init(names: ["peer.test"])))
        #expect(four.passes() && !six.passes())
        server["peer.test"] = .init(addresses: [wire.addressesA[0]], timeToLive: 1)
        try await until("the change") {
          log.all.contains {
            if case .nameChanged = $0.kind { return true }
            return false
          }
        }
        #expect(!four.passes() && six.passes())
        let changes = log.all.compactMap { event -> NameChange? in
          if case .nameChanged(let change) = event.kind { return change }
          return nil
        }
        #expect(
          changes.first
            == NameChange(
              name: "peer.test", added: [wire.addressesA[0]], removed: [.v4(0x0102_0304), wire.addressesA[1]].sorted()))
        _ = try await holder.disarm("f")
        expectNothing(try await holder.snapshot().difference(from: before))
        await holder.close()
      }
    }
  }

  @Test func aNameWithoutAnswerKeepsWhatItWasAndTheControlChannelNeverGetsIn() async throws {
    try await Wire.with { wire in
      let log = EventLog()
      let (four, six) = (try wire.inward(.v4), try wire.inward(.v6))
      let holder = try await TinyNameServer.with(in: wire.b) { server in
        server["peer.test"] = .init(addresses: wire.addressesA, timeToLive: 1)
        let holder = try FaultHolder(
          node: "b", namespace: wire.b, features: kernel, refresh: nil,
          names: .init(servers: server.place, patience: .milliseconds(100), tries: 1, limit: .milliseconds(300)),
          report: log.add)
        let targets = Fault.Targets(names: ["peer.test"], exempt: [wire.addressesA[1]])
        _ = try await holder.arm(wire.fault(inbound: .drop, targets: targets))
        return holder
      }
      try await until("the complaint") {
        log.all.contains {
          if case .nameNotFollowed = $0.kind { return true }
          return false
        }
      }
      #expect(!four.passes() && six.passes())
      #expect(try await holder.disarm("f").end == .disarmed)
      await holder.close()
    }
  }

  @Test func aFaultOnNothingButNamesOfNobodyIsRefused() async throws {
    try await Wire.with { wire in
      try await TinyNameServer.with(in: wire.b) { server in
        let holder = try FaultHolder(
          node: "b", namespace: wire.b, features: kernel, refresh: nil, names: .init(servers: server.place)
        ) { _ in }
        let fault = wire.fault(inbound: .drop, targets: .init(names: ["nobody.test"]))
        let failure = await #expect(throws: FaultError.self) { try await holder.arm(fault) }
        #expect(failure?.description.contains("none of its names has an address") == true)
        expectNothing(try await holder.snapshot().rules)
        await holder.close()
      }
    }
  }
}
