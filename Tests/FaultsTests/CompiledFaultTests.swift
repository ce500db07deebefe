import Netlink
import Testing

@testable import Faults

@Suite struct CompiledFaultTests {
  private func fault(
    id: String = "f", run: String = "r", peers: [String] = ["10.0.0.2", "10.0.0.1", "fd00::1", "10.0.0.2"],
    exempt: [String] = [], inbound: Fault.Effect? = .drop, outbound: Fault.Effect? = nil,
    timing: Fault.Timing = .init(lease: .seconds(60))
  ) throws -> Fault {
    Fault(
      id: id, run: run, node: "n", inbound: inbound, outbound: outbound,
      targets: .init(
        peers: try peers.map { try #require(IPAddress($0)) }, exempt: try exempt.map { try #require(IPAddress($0)) }),
      timing: timing)
  }

  private let table = NFTables.TableID(.inet, "bs_r_f")

  /// The set that says whether the fault is in force.
  private func alive(_ milliseconds: UInt64) -> [NFTables.Command] {
    [
      .addSet(table, .init("alive", id: 1, key: .protocolFamily, flags: .timeout, size: 16)),
      .addElements(
        table, set: "alive", id: 1, .init(.protocolFamilies([.ipv4, .ipv6]), timeoutMilliseconds: milliseconds)),
    ]
  }

  private let gate = NFTables.Command.addRule(
    NFTables.TableID(.inet, "bs_r_f"), chain: "in",
    [.loadProtocolFamily, .isInSet("alive", id: 1, inverted: true), .verdict(.accept)])

  @Test func theBatchOfAPartitionIsThis() throws {
    let compiled = try fault().compile()
    let commands: [NFTables.Command] =
      [
        .addTable(table, flags: .owner), .addChain(table, name: "in", hook: .prerouting, priority: -300),
      ] + alive(1500) + [
        .addSet(table, .init("peers_v4", id: 2, key: .address(.v4), flags: [], size: 16)),
        .addElements(table, set: "peers_v4", id: 2, .init([.v4(0x0A00_0001), .v4(0x0A00_0002)])),
        .addSet(table, .init("peers_v6", id: 3, key: .address(.v6), flags: [], size: 16)),
        .addElements(table, set: "peers_v6", id: 3, .init([.v6(0xFD00_0000_0000_0000, 1)])),
        .addRule(
          table, chain: "in",
          [
            .loadProtocolFamily, .compare(.equal, [2]), .loadNetworkHeader(offset: 12, length: 4),
            .isInSet("peers_v4", id: 2, inverted: true), .verdict(.accept),
          ]),
        .addRule(
          table, chain: "in",
          [
            .loadProtocolFamily, .compare(.equal, [10]), .loadNetworkHeader(offset: 8, length: 16),
            .isInSet("peers_v6", id: 3, inverted: true), .verdict(.accept),
          ]),
        gate,
        .addRule(
          table, chain: "in",
          [
            .loadProtocolFamily, .compare(.equal, [10]), .loadTransportProtocol, .compare(.equal, [58]),
            .loadTransportHeader(offset: 0, length: 1), .compare(.atLeast, [133]), .compare(.atMost, [137]),
            .verdict(.accept),
          ]),
        .addRule(
          table, chain: "in",
          [
            .loadProtocolFamily, .compare(.equal, [2]), .loadNetworkHeader(offset: 12, length: 4),
            .isInSet("peers_v4", id: 2), .counter, .verdict(.drop),
          ]),
        .addRule(
          table, chain: "in",
          [
            .loadProtocolFamily, .compare(.equal, [10]), .loadNetworkHeader(offset: 8, length: 16),
            .isInSet("peers_v6", id: 3), .counter, .verdict(.drop),
          ]),
      ]
    #expect(compiled.arm(lifeMilliseconds: 1500).commands == commands)
    #expect(compiled.disarm.commands == [.deleteTable(table)])
    #expect(compiled.scaffolds.isEmpty && compiled.lines.isEmpty)
    #expect(compiled.mechanisms.map(\.mechanism) == [.dropAtArrival])
  }

  /// The bytes of the smallest partition. Their parts are compared with libnftnl's in the tests of Netlink.
  @Test func theBytesOfAPartitionAreThese() throws {
    let bytes = try fault(peers: ["10.0.0.1"]).compile().arm(lifeMilliseconds: 1500).encoded(firstSequence: 1)
    #expect(bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == goldenPartition)
  }

  @Test func aRefreshTouchesOnlyTheTwoElementsOfLife() throws {
    let compiled = try fault(peers: ["10.0.0.1"]).compile()
    let life = NFTables.Keys.protocolFamilies([.ipv4, .ipv6])
    #expect(
      compiled.refresh(lifeMilliseconds: 900, .expiration).commands == [
        .addElements(
          table, set: "alive", id: nil, .init(life, timeoutMilliseconds: 900, expirationMilliseconds: 900))
      ])
    let addition = NFTables.Command.addElements(
      table, set: "alive", id: nil, .init(life, timeoutMilliseconds: 900))
    #expect(
      compiled.refresh(lifeMilliseconds: 900, .replacement).commands == [
        .deleteElements(table, set: "alive", life), addition,
      ])
    #expect(
      compiled.refresh(lifeMilliseconds: 900, .replacement, isInForce: false).commands == [addition],
      "what is dead cannot be deleted")
  }

  @Test func theLifeOfAnElementNeverOutlivesTheLease() throws {
    let compiled = try fault(timing: .init(lease: .seconds(1))).compile()
    #expect(compiled.lifeMilliseconds(leftOfLease: 1000) == 1000)
    #expect(compiled.lifeMilliseconds(leftOfLease: 5000) == 1500)
    #expect(compiled.lifeMilliseconds(leftOfLease: -5) == 1)
  }

  @Test func whatCannotBeMadeIsRefused() throws {
    let long = String(repeating: "x", count: 65)
    let cases: [(Fault, String)] = [
      (try fault(id: ""), "id \"\""), (try fault(id: long), "id \"xxx"), (try fault(run: "a b"), "run \"a b\""),
      (try fault(id: "a\0b"), "id"), (try fault(id: "ü"), "id"),
      (try fault(peers: []), "no peers"), (try fault(peers: ["::ffff:10.0.0.1"]), "write it as IPv4"),
      (try fault(peers: ["0.0.0.0"]), "unspecified"), (try fault(peers: ["::"]), "unspecified"),
      (try fault(exempt: ["10.0.0.1"]), "control channel"),
      (try fault(inbound: nil), "no effect"),
      (try fault(timing: .init(lease: .zero)), "lease of 0 ms"),
      (try fault(timing: .init(lease: .seconds(60), heartbeat: .milliseconds(5))), "heartbeat of 5 ms"),
      (
        try fault(timing: .init(lease: .seconds(60), heartbeat: .milliseconds(500), silence: .milliseconds(900))),
        "900 ms of silence"
      ),
    ]
    for (fault, words) in cases {
      let failure = #expect(throws: FaultError.self) { try fault.compile() }
      #expect(failure?.description.contains(words) == true, "\(String(describing: failure)) lacks \(words)")
      #expect(failure?.description.hasSuffix("nothing was changed") == true)
    }
  }

  @Test func thePlanNamesEveryKernelObject() throws {
    let plan = try FaultPlan(fault())
    #expect(plan.table == "inet bs_r_f")
    #expect(
      plan.changes == [
        "add table inet bs_r_f (owned by this process's socket)",
        "add chain inet bs_r_f in { type filter hook prerouting priority -300; policy accept; }",
        "add set inet bs_r_f alive { type nf_proto; flags timeout }",
        "add element inet bs_r_f alive { ipv4, ipv6 }, each for 1500 ms",
        "add set inet bs_r_f peers_v4 { type ipv4_addr }",
        "add element inet bs_r_f peers_v4 { 10.0.0.1, 10.0.0.2 }",
        "add set inet bs_r_f peers_v6 { type ipv6_addr }",
        "add element inet bs_r_f peers_v6 { fd00::1 }",
        "add rule inet bs_r_f in meta nfproto 2 ip saddr != @peers_v4 accept",
        "add rule inet bs_r_f in meta nfproto 10 ip6 saddr != @peers_v6 accept",
        "add rule inet bs_r_f in meta nfproto != @alive accept",
        "add rule inet bs_r_f in meta nfproto 10 meta l4proto 58 @th,0,8 >= 133 <= 137 accept",
        "add rule inet bs_r_f in meta nfproto 2 ip saddr @peers_v4 counter drop",
        "add rule inet bs_r_f in meta nfproto 10 ip6 saddr @peers_v6 counter drop",
      ])
  }
}

/// One message after the other; a change of any byte is a change of what reaches the kernel.
private let goldenPartition = [
  // batch begin
  "140000001000010001000000000000000000000a",
  // NEWTABLE inet bs_r_f, owner
  "28000000000a01060200000000000000010000000b00010062735f725f6600000800020000000002",
  // NEWCHAIN in, prerouting, -300, filter
  "50000000030a01040300000000000000010000000b00010062735f725f66000007000300696e00001400048008000100",
  "0000000008000200fffffed408000500000000010b00070066696c7465720000",
  // NEWSET alive, timeout, 1-byte keys, size 16
  "58000000090a01040400000000000000010000000b00010062735f725f6600000a000200616c69766500000008000300",
  "000000100800040000000002080005000000000108000a00000000010c0009800800010000000010",
  // NEWSETELEM 2 and 10, 1500 ms each
  "700000000c0a01040500000000000000010000000a000200616c69766500000008000400000000010b00010062735f72",
  "5f6600003c0003801c0001800c00040000000000000005dc0c00018005000100020000001c0001800c00040000000000",
  "000005dc0c000180050001000a000000",
  // NEWSET peers_v4, 4-byte keys, size 16
  "5c000000090a01040600000000000000010000000b00010062735f725f6600000d00020070656572735f763400000000",
  "08000300000000000800040000000007080005000000000408000a00000000020c0009800800010000000010",
  // NEWSETELEM 10.0.0.1
  "4c0000000c0a01040700000000000000010000000d00020070656572735f76340000000008000400000000020b000100",
  "62735f725f66000014000380100001800c000180080001000a000001",
  // NEWRULE ip saddr != @peers_v4 accept
  "1c010000060a010c0800000000000000010000000b00010062735f725f66000007000200696e0000f400048024000180",
  "090001006d6574610000000014000280080002000000000f08000100000000012c00018008000100636d700020000280",
  "080001000000000108000200000000000c0003800500010002000000340001800c0001007061796c6f61640024000280",
  "08000100000000010800020000000001080003000000000c08000400000000043c0001800b0001006c6f6f6b75700000",
  "2c00028008000200000000010d00010070656572735f7634000000000800040000000002080005000000000130000180",
  "0e000100696d6d6564696174650000001c0002800800010000000000100002800c0002800800010000000001",
  // NEWRULE meta nfproto != @alive accept
  "b8000000060a010c0900000000000000010000000b00010062735f725f66000007000200696e00009000048024000180",
  "090001006d6574610000000014000280080002000000000f0800010000000001380001800b0001006c6f6f6b75700000",
  "2800028008000200000000010a000100616c69766500000008000400000000010800050000000001300001800e000100",
  "696d6d6564696174650000001c0002800800010000000000100002800c0002800800010000000001",
  // NEWRULE ip saddr @peers_v4 counter drop, acknowledged
  "28010000060a050c0a00000000000000010000000b00010062735f725f66000007000200696e00000001048024000180",
  "090001006d6574610000000014000280080002000000000f08000100000000012c00018008000100636d700020000280",
  "080001000000000108000200000000000c0003800500010002000000340001800c0001007061796c6f61640024000280",
  "08000100000000010800020000000001080003000000000c0800040000000004340001800b0001006c6f6f6b75700000",
  "2400028008000200000000010d00010070656572735f7634000000000800040000000002140001800c000100636f756e",
  "7465720004000280300001800e000100696d6d6564696174650000001c0002800800010000000000100002800c000280",
  "0800010000000000",
  // batch end
  "14000000110001000b000000000000000000000a",
].joined()
