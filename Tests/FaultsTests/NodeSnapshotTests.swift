import Faults
import Netlink
import Testing

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct NodeSnapshotTests {
  @Test func equalMomentsDoNotDiffer() async throws {
    try await Wire.with { wire in
      let first = try NodeSnapshot(of: wire.a)
      #expect(!first.links.isEmpty && !first.addresses.isEmpty && !first.routes.isEmpty)
      let changes = try NodeSnapshot(of: wire.a).difference(from: first)
      #expect(changes == [])
    }
  }

  @Test func everyKindOfChangeIsNamed() async throws {
    try await Wire.with { wire in
      let before = try NodeSnapshot(of: wire.a)
      let links = try LinkController(in: wire.a)
      try links.addAddress(#require(IPPrefix("10.88.0.1/24")), to: "wire")
      try links.addRoute(to: #require(IPPrefix("10.99.0.0/16")), link: "wire")
      try links.createBridge("extra")
      let filter = try NFTables.Connection(in: wire.a)
      try filter.commit(.init([.addTable(.init(.inet, "foreign"), flags: [])]))
      let changes = try NodeSnapshot(of: wire.a).difference(from: before)
      for line in [
        "+ table inet foreign flags 0", "+ address 10.88.0.1/24 link wire",
        "+ route 10.99.0.0/16 via - link wire table 254 type 1 maker 4 metric 0",
        "+ link extra kind bridge down master - mtu 1500 qdisc noop",
      ] {
        #expect(changes.contains(line), "\(changes)")
      }
      try links.setDown("wire")
      let afterwards = try NodeSnapshot(of: wire.a).difference(from: before)
      #expect(afterwards.contains { $0.hasPrefix("- link wire kind veth up") })
    }
  }

  @Test func aChangedRuleAndItsPlaceAreSeenButItsCountsAreNot() async throws {
    try await Wire.with { wire in
      let filter = try NFTables.Connection(in: wire.b)
      let table = NFTables.TableID(.inet, "t")
      func accept(_ family: UInt8) -> NFTables.Command {
        .addRule(
          table, chain: "c", [.loadProtocolFamily, .compare(.equal, [family]), .counter, .verdict(.accept)])
      }
      try filter.commit(
        .init([
          .addTable(table, flags: []), .addChain(table, name: "c", hook: .input, priority: 0), accept(2), accept(10),
        ]))
      let first = try NodeSnapshot(of: wire.b)
      _ = try await wire.probe().measure()
      let afterTraffic = try NodeSnapshot(of: wire.b).difference(from: first)
      #expect(afterTraffic == [])
      try filter.commit(
        .init([
          .deleteTable(table), .addTable(table, flags: []), .addChain(table, name: "c", hook: .input, priority: 0),
          accept(10), accept(2),
        ]))
      #expect(try NodeSnapshot(of: wire.b).difference(from: first).count == 4, "two rules changed their places")
    }
  }
}
