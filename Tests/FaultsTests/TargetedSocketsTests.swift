import Netlink
import Testing

@testable import Faults

@Suite struct TargetedSocketsTests {
  private func socket(
    _ remote: String = "10.0.0.2", port: UInt16 = 40_000, localPort: UInt16 = 5432,
    over transport: DiagnosedSocket.Transport = .tcp, _ state: DiagnosedSocket.State = .established,
    user: UInt32 = 0, group: UInt64? = nil
  ) throws -> DiagnosedSocket {
    try DiagnosedSocket(
      transport: transport, state: state, local: "10.0.0.1", localPort: localPort, remote: remote, remotePort: port,
      user: user, controlGroup: group)
  }

  @Test func peersNetworksAndResolvedNamesAreMeant() throws {
    let targets = Fault.Targets(
      peers: [.v4(0x0A00_0002)], networks: [try #require(IPPrefix("fd00::/16"))], names: ["db.example"])
    let selection = TargetedSockets(targets, resolved: [.v4(0x0A00_0009)])
    #expect(selection.means(try socket()))
    #expect(selection.means(try socket("fd00::5")))
    #expect(selection.means(try socket("10.0.0.9")))
    #expect(!selection.means(try socket("10.0.0.3")))
    #expect(!selection.means(try socket("fd01::5")))
    // A name that did not resolve means nobody, and not everybody.
    #expect(!TargetedSockets(.init(names: ["db.example"])).means(try socket()))
    #expect(TargetedSockets(.init(remotePorts: [.init(40_000)])).means(try socket()))
  }

  @Test func onlyConversationsAreMeant() throws {
    let selection = TargetedSockets(.init(protocols: [.tcp, .udp]))
    #expect(selection.means(try socket()))
    #expect(selection.means(try socket(over: .udp)))
    #expect(selection.means(try socket(over: .tcp, .timeWait)))
    #expect(!selection.means(try socket(over: .tcp, .listen)))
    #expect(!selection.means(try socket("0.0.0.0", port: 0, over: .udp, .closed)))
  }

  @Test func datagramSocketsOnlyWhereTheyAreAskedFor() throws {
    #expect(TargetedSockets(.init()).transports == [.tcp])
    #expect(TargetedSockets(.init(protocols: [.udp])).transports == [.udp])
    #expect(TargetedSockets(.init(protocols: [.icmp])).transports == [])
    #expect(!TargetedSockets(.init()).means(try socket(over: .udp)))
    #expect(!TargetedSockets(.init(protocols: [.udp])).means(try socket()))
    #expect(TargetedSockets(.init(protocols: [.number(6)])).means(try socket()))
  }

  @Test func portsUserAndControlGroupMustFit() throws {
    let ports = TargetedSockets(.init(remotePorts: [.init(1, 10), .init(40_000, 50_000)], localPorts: [.init(5432)]))
    #expect(ports.means(try socket()))
    #expect(!ports.means(try socket(port: 11)))
    #expect(!ports.means(try socket(localPort: 5433)))
    #expect(TargetedSockets(.init(user: 1000)).means(try socket(user: 1000)))
    #expect(!TargetedSockets(.init(user: 1000)).means(try socket(user: 0)))
    let group = Fault.Targets(cgroup: .init(id: 5, level: 1))
    #expect(TargetedSockets(group, controlGroups: [5, 6]).means(try socket(group: 6)))
    #expect(!TargetedSockets(group, controlGroups: [5, 6]).means(try socket(group: 7)))
    // What is not known is not meant.
    #expect(!TargetedSockets(group, controlGroups: [5, 6]).means(try socket(group: nil)))
    #expect(!TargetedSockets(group).means(try socket(group: 5)))
  }

  @Test func exceptionsAndTheControlChannelAreNeverMeant() throws {
    let network = try #require(IPPrefix("10.0.0.0/8"))
    func means(_ except: Fault.Exceptions = .init(), exempt: [IPAddress] = []) throws -> Bool {
      TargetedSockets(.init(networks: [network], except: except, exempt: exempt)).means(try socket())
    }
    #expect(try means())
    #expect(try !means(exempt: [.v4(0x0A00_0002)]))
    #expect(try !means(.init(peers: [.v4(0x0A00_0002)])))
    #expect(try !means(.init(networks: [#require(IPPrefix("10.0.0.0/24"))])))
    #expect(try !means(.init(remotePorts: [.init(40_000)])))
    #expect(try !means(.init(localPorts: [.init(5000, 6000)])))
    #expect(try means(.init(localPorts: [.init(6000, 7000)])))
  }
}

extension DiagnosedSocket {
  /// A socket as the kernel might show it.
  fileprivate init(
    transport: Transport, state: State, local: String, localPort: UInt16, remote: String, remotePort: UInt16,
    user: UInt32, controlGroup: UInt64?
  ) throws {
    self.init(
      transport: transport, state: state, local: try #require(IPAddress(local)), localPort: localPort,
      remote: try #require(IPAddress(remote)), remotePort: remotePort, user: user, controlGroup: controlGroup)
  }
}
