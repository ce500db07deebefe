import Glibc
import Netlink
import Support
import Testing

@testable import Faults

/// Both controllers of one namespace.
private struct Controllers {
  let links: LinkController
  let traffic: TrafficController

  static func with<R>(_ namespace: NetworkNamespace, _ body: (Controllers) throws -> R) throws -> R {
    let controllers = Controllers(
      links: try LinkController(in: namespace), traffic: try TrafficController(in: namespace))
    defer {
      controllers.links.close()
      controllers.traffic.close()
    }
    return try body(controllers)
  }
}

/// Whether this kernel has the network emulator: asked by doing, in a namespace of its own.
private let hasNetem: Bool = {
  guard isRoot else { return false }
  let name = "bst-\(getpid())-netem"
  guard let node = try? NetworkNamespace.create(named: name) else { return false }
  defer { try? NetworkNamespace.delete(named: name) }
  let added: Void? = try? Controllers.with(node) { controllers in
    try controllers.links.createIFB("probe")
    guard let link = try controllers.links.link(named: "probe") else { throw SystemError("probe", number: ENODEV) }
    try controllers.traffic.add(.netem(Netem(limitPackets: 10)), to: link, handle: .init(major: 1))
  }
  return added != nil
}()

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct ScaffoldTests {
  private func scaffold(
    _ fault: Fault, _ discipline: Discipline?, _ role: ScaffoldRequest.Role = .outbound
  ) -> Scaffold {
    Scaffold(
      ScaffoldRequest(
        role: role, name: ScaffoldName(fault, role: role.rawValue), discipline: discipline, what: "for a test"))
  }

  private let bucket = Discipline.tokenBucket(
    TokenBucket(bytesPerSecond: 125_000, burstBytes: 20_000, queueBytes: 50_000))

  @Test(arguments: [true, false])
  func aDeviceIsMadeVerifiedAndTakenAwayWithoutATrace(_ isHole: Bool) async throws {
    try await UndoScratch.with { scratch in
      let before = try NodeSnapshot(of: scratch.node)
      let scaffold = scaffold(scratch.fault(), isHole ? nil : bucket, isHole ? .hole : .outbound)
      try Controllers.with(scratch.node) { node in
        let link = try scaffold.make(node.links, node.traffic)
        #expect(link.name == scaffold.request.name.interface)
        let found = try #require(try node.links.link(named: link.name))
        #expect(found.isUp == !isHole)
        #expect(try scaffold.missing(node.links, node.traffic) == nil)
        #expect(try scaffold.statistics(node.links, node.traffic)?.packets == (isHole ? nil : 0))
        #expect(throws: NetlinkError.self, "a second one of that name") { try scaffold.make(node.links, node.traffic) }
        #expect(try scaffold.remove(node.links) == .removed)
        #expect(try scaffold.remove(node.links) == .absent)
        #expect(try scaffold.missing(node.links, node.traffic) == "device \(link.name)")
      }
      #expect(try NodeSnapshot(of: scratch.node).difference(from: before) == [])
    }
  }

  @Test func everyMeddlingIsNamed() async throws {
    try await UndoScratch.with { scratch in
      let scaffold = scaffold(scratch.fault(), bucket)
      let hole = self.scaffold(scratch.fault(), nil, .hole)
      try Controllers.with(scratch.node) { node in
        let link = try scaffold.make(node.links, node.traffic)
        try node.links.setDown(link.name)
        #expect(try scaffold.missing(node.links, node.traffic)?.contains("switched it off") == true)
        try node.links.setUp(link.name)
        let other = TokenBucket(bytesPerSecond: 1_000_000, burstBytes: 20_000, queueBytes: 50_000)
        try node.traffic.replace(.tokenBucket(other), on: link, handle: .init(major: 1))
        #expect(try scaffold.missing(node.links, node.traffic)?.contains("other parameters") == true)
        try node.traffic.delete(from: link, handle: .init(major: 1))
        #expect(try scaffold.missing(node.links, node.traffic) == "the queue of device \(link.name)")
        try node.links.deleteLink(link.name)
        try node.links.createIFB(link.name, alias: "mine")
        #expect(try scaffold.missing(node.links, node.traffic)?.contains("somebody else made") == true)
        guard case .foreign = try scaffold.remove(node.links) else {
          Issue.record("somebody else's device was removed")
          return
        }
        _ = try hole.make(node.links, node.traffic)
        try node.links.setUp(hole.request.name.interface)
        #expect(try hole.missing(node.links, node.traffic)?.contains("switched it on") == true)
      }
    }
  }

  @Test func aDeviceThatCannotGetItsQueueIsTakenAwayAgain() async throws {
    try await UndoScratch.with { scratch in
      // A distribution of more numbers than netem takes; a kernel without netem takes none.
      var netem = Netem(limitPackets: 10)
      netem.distribution = [Int16](repeating: 1, count: 16_385)
      let scaffold = scaffold(scratch.fault(), .netem(netem))
      try Controllers.with(scratch.node) { node in
        _ = #expect(throws: NetlinkError.self) { try scaffold.make(node.links, node.traffic) }
      }
      #expect(try scratch.devices() == [])
    }
  }

  /// Without the table no packet meets the device; with it they pass through it and arrive; and the table goes with its
  /// owner.
  @Test func packetsMeetTheDeviceOnlyWhileATableSteersThemIntoIt() async throws {
    try await Wire.with { wire in
      let scaffold = scaffold(wire.deaf(), bucket, .inbound)
      let probe = try wire.probe()
      let links = try LinkController(in: wire.b)
      let traffic = try TrafficController(in: wire.b)
      func passed() throws -> UInt64? { try scaffold.statistics(links, traffic)?.packets }

      let link = try scaffold.make(links, traffic)
      expectNothing(try await probe.measure().contradictions { _, _ in true })
      #expect(try passed() == 0, "inert")

      let owner = try NFTables.Connection(in: wire.b)
      let table = NFTables.TableID(.netdev, "bs_test_cut")
      try owner.commit(
        .init([
          .addTable(table, flags: .owner),
          .addChain(table, name: "in", hook: .ingress(device: "wire"), priority: 0),
          .addRule(table, chain: "in", [.immediate(device: link.index), .forward()]),
        ]))
      expectNothing(try await probe.measure().contradictions { _, _ in true })
      let during = try #require(try passed())
      #expect(during > 0)

      owner.close()
      expectNothing(try await probe.measure().contradictions { _, _ in true })
      #expect(try passed() == during, "inert again, whoever ended how")
      #expect(try scaffold.remove(links) == .removed)
      expectNothing(try await probe.measure().contradictions { _, _ in true })
    }
  }

  @Test(.enabled(if: hasNetem, "this kernel has no netem"))
  func theEmulatorIsAsAskedFor() async throws {
    try await UndoScratch.with { scratch in
      let effect = Fault.Effect(
        delay: .init(.milliseconds(50), jitter: .milliseconds(5), distribution: .normal, correlation: 0.25),
        reorder: .init(0.1, gap: 3), duplicate: .init(0.01), corrupt: .init(0.02),
        rate: .init(bytesPerSecond: 1_000_000))
      var netem = effect.netem(seed: 7)
      netem.limitPackets = 4321
      let scaffold = scaffold(scratch.fault(), .netem(netem))
      try Controllers.with(scratch.node) { node in
        let link = try scaffold.make(node.links, node.traffic)
        #expect(try scaffold.missing(node.links, node.traffic) == nil)
        let shown = try #require(try node.traffic.disciplines(of: link).first { $0.parent == .root }?.netem())
        #expect(shown.delayNanoseconds == 50_000_000 && shown.limitPackets == 4321 && shown.reorderGap == 3)
        #expect(try scaffold.isSeeded(node.links, node.traffic) == (shown.seed == 7))
        #expect(try scaffold.remove(node.links) == .removed)
      }
    }
  }
}
