import Faults
import Netlink
import Testing

/// Where a disturbance between two groups is made.
@Suite struct DisturbanceTests {
  private let one = Disturbance.Node("one", addresses: [.v4(1)])
  private let others = [Disturbance.Node("two", addresses: [.v4(2)]), Disturbance.Node("three", addresses: [.v4(3)])]

  private func peers(_ disturbance: Disturbance) -> [String: [IPAddress]] {
    let faults = disturbance.faults(id: "c", run: "r", timing: .init(lease: .seconds(1)))
    return Dictionary(uniqueKeysWithValues: faults.map { ($0.node, $0.targets.peers) })
  }

  @Test func aCutIsMadeAtAllReceivers() {
    #expect(
      peers(.cut([one], from: others)) == ["one": [.v4(2), .v4(3)], "two": [.v4(1)], "three": [.v4(1)]])
  }

  @Test func oneDirectionIsMadeAtItsReceiversOnly() {
    #expect(peers(Disturbance([one], and: others, inbound: .drop)) == ["one": [.v4(2), .v4(3)]])
    #expect(peers(Disturbance([one], and: others, outbound: .drop)) == ["two": [.v4(1)], "three": [.v4(1)]])
  }

  @Test func connectionsAreKilledAtOneEnd() {
    let faults = Disturbance([one], and: others, killsConnections: true)
      .faults(id: "k", run: "r", timing: .init(lease: .seconds(1)))
    #expect(faults.map(\.node) == ["one"])
    #expect(faults.allSatisfy { $0.killsConnections })
  }

  /// The group's ports are this end's at the group, and the other end's at the others.
  @Test func portsAreSeenFromEachEnd() {
    let faults = Disturbance(
      [one], and: others, inbound: .drop, outbound: .drop, ports: [PortRange(1)], otherPorts: [PortRange(2)],
      protocols: [.tcp]
    ).faults(id: "p", run: "r", timing: .init(lease: .seconds(1)))
    for fault in faults {
      let isInGroup = fault.node == "one"
      #expect(fault.targets.localPorts == [PortRange(isInGroup ? 1 : 2)])
      #expect(fault.targets.remotePorts == [PortRange(isInGroup ? 2 : 1)])
      #expect(fault.targets.protocols == [.tcp])
    }
  }

  @Test func exceptionsAreSeenFromEachEnd() {
    var disturbance = Disturbance.cut([one], from: others)
    disturbance.exceptPorts = [PortRange(1)]
    disturbance.exceptOtherPorts = [PortRange(2)]
    for fault in disturbance.faults(id: "p", run: "r", timing: .init(lease: .seconds(1))) {
      let isInGroup = fault.node == "one"
      #expect(fault.targets.except.localPorts == [PortRange(isInGroup ? 1 : 2)])
      #expect(fault.targets.except.remotePorts == [PortRange(isInGroup ? 2 : 1)])
    }
  }

  @Test func eachNodeDrawsFromASeedOfItsOwn() {
    let faults = Disturbance.cut([one], from: others).faults(
      id: "c", run: "r", timing: .init(lease: .seconds(1)), seed: 7)
    #expect(faults.first?.seed == 7)
    #expect(Set(faults.map(\.seed)).count == 3)
  }
}
