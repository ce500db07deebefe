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

  // MARK: What the group's nodes alone know

  @Test func whatLeavesForANetworkIsMetAtItsSender() throws {
    for part in [\Disturbance.networks, \Disturbance.exceptNetworks] {
      var disturbance = Disturbance([one], and: others, inbound: .drop, outbound: .init(loss: .everyNth(2)))
      disturbance[keyPath: part] = [try #require(IPPrefix("10.0.0.0/8"))]
      let faults = disturbance.faults(id: "n", run: "r", timing: .init(lease: .seconds(1)), seed: 5)
      let fault = try #require(faults.first)
      #expect(faults.count == 1 && fault.node == "one" && fault.seed == 5)
      #expect(fault.inbound == .drop && fault.outbound == .init(loss: .everyNth(2)))
      #expect(fault.targets.peers == [.v4(2), .v4(3)])
    }
  }

  @Test func anOwnerOrANameOrAnAddressIsKnownAtTheGroupAlone() {
    var byOwner = Disturbance.cut([one], from: others)
    byOwner.owner = SocketOwner(user: "u")
    var byName = Disturbance.cut([one], from: [])
    byName.names = ["db.test"]
    var byAddress = Disturbance.cut([one], from: others)
    byAddress.addresses = [.v4(9)]
    for disturbance in [byOwner, byName, byAddress] {
      #expect(disturbance.isMadeAtGroupAlone)
      #expect(disturbance.faults(id: "n", run: "r", timing: .init(lease: .seconds(1))).map(\.node) == ["one"])
    }
    #expect(!Disturbance.cut([one], from: others).isMadeAtGroupAlone)
  }

  /// However wide a network is, a node's own talk and its region's are not meant, nor is the control channel.
  @Test func theInsideIsNeverMeant() throws {
    var disturbance = Disturbance.cut([one], from: [])
    disturbance.networks = [.everything(.v4), .everything(.v6)]
    disturbance.inside = [one, Disturbance.Node("mate", addresses: [.v4(7)])]
    let fault = try #require(
      disturbance.faults(id: "n", run: "r", exempt: [.v4(8)], timing: .init(lease: .seconds(1))).first)
    func meaning(_ address: IPAddress) -> Fault.Meaning {
      fault.meansDatagram(.inbound, remote: address, remotePort: 1, localPort: 2, sentBy: 0)
    }
    for address in [.v4(1), .v4(7), .v4(8), .v4(0x7F00_0001), .v6(0, 1)] as [IPAddress] {
      #expect(meaning(address) == .never, "\(address)")
    }
    #expect(meaning(.v4(9)) == .always && meaning(.v6(0xFD00 << 48, 1)) == .always)
  }

  // MARK: What a probe knows of its own datagrams

  @Test func aDatagramIsMeantOrNotOrPerhaps() throws {
    func meaning(
      _ direction: Fault.Direction = .inbound, user: UInt32 = 0, _ change: (inout Fault.Targets) -> Void
    ) -> Fault.Meaning {
      var targets = Fault.Targets(peers: [.v4(9)])
      change(&targets)
      let fault = Fault(
        id: "f", run: "r", node: "n", inbound: .drop, outbound: .drop, targets: targets,
        timing: .init(lease: .seconds(1)))
      return fault.meansDatagram(direction, remote: .v4(9), remotePort: 100, localPort: 200, sentBy: user)
    }
    #expect(meaning { _ in } == .always)
    #expect(meaning { $0.peers = [.v4(8)] } == .never)
    #expect(
      meaning {
        $0.peers = []
        $0.names = ["a"]
      } == .perhaps)
    #expect(meaning { $0.exempt = [.v4(9)] } == .never)
    #expect(meaning { $0.except.peers = [.v4(9)] } == .never)
    #expect(meaning { $0.protocols = [.tcp] } == .never)
    #expect(meaning { $0.protocols = [.tcp, .udp] } == .always)
    #expect(meaning { $0.remotePorts = [PortRange(100)] } == .always)
    #expect(meaning { $0.remotePorts = [PortRange(200)] } == .never)
    #expect(meaning { $0.localPorts = [PortRange(100)] } == .never)
    #expect(meaning { $0.eitherPorts = [PortRange(200)] } == .always)
    #expect(meaning { $0.eitherPorts = [PortRange(201)] } == .never)
    #expect(meaning { $0.except.localPorts = [PortRange(150, 250)] } == .never)
    #expect(meaning { $0.except.remotePorts = [PortRange(150, 250)] } == .always)
    #expect(meaning(.outbound, user: 7) { $0.user = 7 } == .always)
    #expect(meaning(.outbound, user: 8) { $0.user = 7 } == .never)
    #expect(meaning(.inbound, user: 7) { $0.user = 7 } == .never)
    #expect(meaning(.outbound) { $0.owner = SocketOwner(user: "u") } == .perhaps)
    #expect(meaning { $0.cgroup = CgroupID(id: 5, level: 1) } == .perhaps)
  }

  // MARK: Overlap

  @Test func portsAtEitherEndMayMeetThoseOfOneEnd() {
    func targets(_ change: (inout Fault.Targets) -> Void) -> Fault.Targets {
      var targets = Fault.Targets(peers: [.v4(9)])
      change(&targets)
      return targets
    }
    let either = targets { $0.eitherPorts = [PortRange(5432)] }
    #expect(either.overlaps(targets { $0.localPorts = [PortRange(5432)] }))
    #expect(either.overlaps(targets { $0.localPorts = [PortRange(1)] }), "the other end may have it")
    #expect(
      !either.overlaps(
        targets {
          $0.localPorts = [PortRange(1)]
          $0.remotePorts = [PortRange(2)]
        }))
    #expect(either.overlaps(targets { $0.eitherPorts = [PortRange(1)] }), "a packet has two ports")
    #expect(!targets { $0.owner = SocketOwner(user: "1") }.overlaps(targets { $0.owner = SocketOwner(user: "2") }))
    #expect(targets { $0.owner = SocketOwner(user: "a") }.overlaps(targets { $0.owner = SocketOwner(user: "2") }))
  }
}
