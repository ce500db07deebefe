import Agents
@testable import Faults
import Netlink
import Scenarios
import Testing

@testable import Drill

/// What a fault has met: never our own datagrams, or a fault that bit nothing would look as if it did.
@Suite struct HeldFaultsTests {
  /// A node that has counted so many packets; or one on which the fault is not held any more.
  private struct Node: Agent {
    let node: String
    var counters: FaultCounters?

    func perform(_ request: AgentRequest) async throws -> AgentReply {
      guard case .count(let fault) = request else { throw FaultError(.notHeld, fault: "", node: node) }
      guard let counters else { throw FaultError(.notHeld, fault: fault, node: node) }
      return .counted(counters)
    }
  }

  private let ends: [ReachabilityProbe.End] = [
    .init(node: "a", address: .v4(1), port: 1001), .init(node: "b", address: .v4(2), port: 2001),
  ]

  private func cut(on node: String, from peer: IPAddress) -> Fault {
    Fault(
      id: "f", run: "r", node: node, inbound: .drop, outbound: nil, targets: .init(peers: [peer]),
      timing: .init(lease: .seconds(5)))
  }

  private func dropped(_ packets: UInt64) -> FaultCounters {
    FaultCounters(inbound: .init(v4: .init(stopped: .init(packets: packets, bytes: 60 * packets))))
  }

  /// Five datagrams each way, of which none arrived at a.
  private let seen = Reachability(
    fromNanoseconds: 0, untilNanoseconds: 1,
    paths: [
      .init(from: "b", to: "a", family: .v4, sent: 5, arrived: 0, refused: 0, errno: nil, delays: []),
      .init(from: "a", to: "b", family: .v4, sent: 5, arrived: 5, refused: 0, errno: nil, delays: []),
    ])

  private func planned() throws -> PlannedFault {
    try #require(
      try resolvePlan(
        scenario("Tests/Fixtures/quick-blackout.yaml"), tool: "t", features: NodeProfile.unknown.features
      ).faults.first)
  }

  private func met(_ held: HeldFaults, _ id: String, _ nodes: Node...) async throws -> [String: UInt64] {
    let agents: [String: any Agent] = Dictionary(uniqueKeysWithValues: nodes.map { ($0.node, $0) })
    let met = try await held.met(id, agents)
    return Dictionary(uniqueKeysWithValues: met.map { ($0.key.words, $0.value) })
  }

  @Test func ourOwnDatagramsAreNotWhatAFaultHasMet() async throws {
    let planned = try planned()
    let held = HeldFaults()
    held.add(planned, [cut(on: "a", from: .v4(2))])
    #expect(try await met(held, planned.id, Node(node: "a", counters: dropped(5))) == ["a": 5])
    held.count(seen, between: ends)
    #expect(try await met(held, planned.id, Node(node: "a", counters: dropped(5))) == ["a": 0])
    #expect(try await met(held, planned.id, Node(node: "a", counters: dropped(7))) == ["a": 2])
    held.count(seen, between: ends)
    #expect(try await met(held, planned.id, Node(node: "a", counters: dropped(7))) == ["a": 0])
  }

  @Test func whoseFaultEndedByItselfHasMetNothing() async throws {
    let planned = try planned()
    let held = HeldFaults()
    held.add(planned, [cut(on: "a", from: .v4(2)), cut(on: "b", from: .v4(1))])
    #expect(try await met(held, planned.id, Node(node: "a"), Node(node: "b", counters: dropped(3))) == ["b": 3])
    #expect(try await met(held, planned.id) == [:])
    #expect(try await met(held, "another", Node(node: "b", counters: dropped(3))) == [:])
  }

  @Test func brokenConnectionsCountOnTheirNode() async throws {
    let planned = try planned()
    let held = HeldFaults()
    held.add(planned, [cut(on: "a", from: .v4(2))])
    var counters = dropped(1)
    counters.connectionsDestroyed = 4
    #expect(try await met(held, planned.id, Node(node: "a", counters: counters)) == ["a": 5])
  }

  @Test func whatIsNotInForceIsForgotten() async throws {
    let planned = try planned()
    let held = HeldFaults()
    #expect(held.faults(of: planned.id) == nil)
    held.add(planned, [cut(on: "a", from: .v4(2))])
    #expect(held.faults(of: planned.id)?.map(\.node) == ["a"])
    #expect(held.remove(planned.id) == [])
    #expect(held.faults(of: planned.id) == nil)
    #expect(try await met(held, planned.id, Node(node: "a", counters: dropped(7))) == [:])
  }
}
