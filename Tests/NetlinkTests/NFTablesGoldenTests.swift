import Testing

@testable import Netlink

/// Bytes that the reference tools sent on this kernel, seen with
/// `strace -e trace=sendmsg -e write=all nft -f FILE` (nft 1.0.6) and, for the target,
/// `strace … iptables-nft -t mangle -A OUTPUT -j NFQUEUE --queue-num 5 --queue-bypass` (1.8.9).
@Suite struct NFTablesGoldenTests {
  struct Golden: Sendable, CustomTestStringConvertible {
    /// The words of `nft`.
    var rule: String
    var steps: [NFTables.Expression]
    /// Name and data of each step.
    var bytes: [(name: String, data: String)]

    init(_ rule: String, _ steps: [NFTables.Expression], _ bytes: [(String, String)]) {
      self.rule = rule
      self.steps = steps
      self.bytes = bytes
    }

    var testDescription: String { rule }
  }

  private static let dropVerdict = ("immediate", "0800010000000000100002800c0002800800010000000000")
  private static let acceptVerdict = ("immediate", "0800010000000000100002800c0002800800010000000001")
  private static let loadFamily = ("meta", "080002000000000f0800010000000001")
  private static let isIPv4 = ("cmp", "080001000000000108000200000000000c0003800500010002000000")
  private static let loadProtocol = ("meta", "08000200000000100800010000000001")
  private static let isTCP = ("cmp", "080001000000000108000200000000000c0003800500010006000000")
  private static let loadSource = ("payload", "08000100000000010800020000000001080003000000000c0800040000000004")

  static let rules: [Golden] = [
    .init(
      "meta l4proto tcp reject with tcp reset",
      [.load(.transportProtocol), .compare(.equal, [6]), .reject(.tcpReset)],
      [loadProtocol, isTCP, ("reject", "08000100000000010500020000000000")]),
    .init(
      "reject with icmpx type host-unreachable", [.reject(.icmp(.host))],
      [("reject", "08000100000000020500020002000000")]),
    .init(
      "meta mark set 0xb5", [.immediate([0xB5, 0, 0, 0]), .set(.mark)],
      [("immediate", "08000100000000010c00028008000100b5000000"), ("meta", "08000200000000030800030000000001")]),
    .init(
      "meta skuid 1000 counter", [.load(.socketUser), .compare(.equal, host: UInt32(1000)), .counter],
      [
        ("meta", "080002000000000a0800010000000001"),
        ("cmp", "080001000000000108000200000000000c00038008000100e8030000"), ("counter", ""),
      ]),
    .init(
      "numgen random mod 1000 < 10 drop",
      [.generate(.random, modulus: 1000), .toNetworkOrder(), .compare(.below, [0, 0, 0, 10]), .verdict(.drop)],
      [
        ("numgen", "080001000000000108000200000003e808000300000000010800040000000000"),
        ("byteorder", "08000100000000010800020000000001080003000000000108000400000000040800050000000004"),
        ("cmp", "080001000000000108000200000000020c000380080001000000000a"), dropVerdict,
      ]),
    .init(
      "numgen inc mod 10 0 drop",
      [.generate(.increment, modulus: 10), .compare(.equal, host: UInt32(0)), .verdict(.drop)],
      [
        ("numgen", "0800010000000001080002000000000a08000300000000000800040000000000"),
        ("cmp", "080001000000000108000200000000000c0003800800010000000000"), dropVerdict,
      ]),
    .init(
      "jump a", [.verdict(.jump("a"))],
      [("immediate", "0800010000000000180002801400028008000100fffffffd0600020061000000")]),
    .init(
      "return", [.verdict(.return)], [("immediate", "0800010000000000100002800c00028008000100fffffffb")]),
    .init(
      "ip saddr & 255.255.0.0 == 10.1.0.0 accept",
      [
        .load(.protocolFamily), .compare(.equal, [2]), .loadNetworkHeader(offset: 12, length: 4),
        .mask([255, 255, 0, 0], flip: [0, 0, 0, 0]), .compare(.equal, [10, 1, 0, 0]), .verdict(.accept),
      ],
      [
        loadFamily, isIPv4, loadSource,
        (
          "bitwise",
          "08000100000000010800020000000001080006000000000008000300000000040c00048008000100ffff00000c000580"
            + "0800010000000000"
        ), ("cmp", "080001000000000108000200000000000c000380080001000a010000"), acceptVerdict,
      ]),
    .init(
      "ip saddr . meta l4proto . th dport @tri drop",
      [
        .load(.protocolFamily), .compare(.equal, [2]), .loadNetworkHeader(offset: 12, length: 4),
        .load(.transportProtocol, into: .init(word: 1)),
        .loadTransportHeader(offset: 2, length: 2, into: .init(word: 2)), .isInSet("tri", id: 4), .verdict(.drop),
      ],
      [
        loadFamily, isIPv4, loadSource, ("meta", "08000200000000100800010000000009"),
        ("payload", "080001000000000a080002000000000208000300000000020800040000000002"),
        ("lookup", "080002000000000108000100747269000800040000000004"), dropVerdict,
      ]),
    .init(
      "tcp dport != 5-9 accept",
      [
        .load(.transportProtocol), .compare(.equal, [6]), .loadTransportHeader(offset: 2, length: 2),
        .isBetween([0, 5], [0, 9], inverted: true), .verdict(.accept),
      ],
      [
        loadProtocol, isTCP, ("payload", "0800010000000001080002000000000208000300000000020800040000000002"),
        ("range", "080001000000000108000200000000010c00038006000100000500000c0004800600010000090000"), acceptVerdict,
      ]),
    .init(
      "ip saddr != @nets accept",
      [
        .load(.protocolFamily), .compare(.equal, [2]), .loadNetworkHeader(offset: 12, length: 4),
        .isInSet("nets", id: 5, inverted: true), .verdict(.accept),
      ],
      [
        loadFamily, isIPv4, loadSource,
        ("lookup", "0800020000000001090001006e6574730000000008000400000000050800050000000001"), acceptVerdict,
      ]),
    .init(
      "limit rate over 100/second burst 5 packets drop",
      [.limit(.init(perSecond: 100, burst: 5, matchesExcess: true)), .verdict(.drop)],
      [
        (
          "limit",
          "0c00010000000000000000640c0002000000000000000001080003000000000508000400000000000800050000000001"
        ), dropVerdict,
      ]),
    .init(
      "meta random < 1000 drop", [.load(.random), .compare(.below, [0, 0, 3, 232]), .verdict(.drop)],
      [
        ("meta", "08000200000000180800010000000001"),
        ("cmp", "080001000000000108000200000000020c00038008000100000003e8"), dropVerdict,
      ]),
    .init(
      "meta protocol ip fwd to ifx (number 3)",
      [.load(.etherType), .compare(.equal, [8, 0]), .immediate(device: 3), .forward()],
      [
        ("meta", "08000200000000010800010000000001"),
        ("cmp", "080001000000000108000200000000000c0003800600010008000000"),
        ("immediate", "08000100000000010c0002800800010003000000"), ("fwd", "0800010000000001"),
      ]),
    .init(
      "queue num 5 bypass", [.queue(5, bypass: true)],
      [("queue", "060001000005000006000200000100000600030000010000")]),
    .init(
      "-j NFQUEUE --queue-num 5 --queue-bypass", [.compatibleQueue(5, bypass: true)],
      [("target", "0c0001004e4651554555450008000200000000030c0003000500010001000000")]),
  ]

  private func bytes(of body: (inout MessageWriter) throws(WireError) -> Void) throws -> ArraySlice<UInt8> {
    var writer = MessageWriter()
    try body(&writer)
    return writer.finish()[...]
  }

  @Test(arguments: rules) func stepsAreWrittenAsTheReferenceToolWritesThem(_ golden: Golden) throws {
    try #require(golden.steps.count == golden.bytes.count)
    for (step, expected) in zip(golden.steps, golden.bytes) {
      let list = try Attribute.list(bytes { (writer) throws(WireError) in try step.write(to: &writer) })
      let fields = try #require(list.first).nested()
      #expect(try fields.require(1, "name").text("name") == expected.name)
      // A nest without content keeps no trace of how its type was flagged; the rest is compared byte for byte.
      #expect(hex(fields.first(2)?.payload ?? []) == expected.data, "\(step)")
    }
  }

  private func payload(of command: NFTables.Command) throws -> [Attribute] {
    let messages = command.messages
    try #require(messages.count == 1)
    var writer = MessageWriter()
    try messages[0].write(to: &writer, sequence: 0, flags: 0)
    let message = try #require(try Message.split(writer.finish()[...]).first)
    return try Attribute.list(message.payload.dropFirst(4))
  }

  /// `nft` numbers the members of a list and starts a range set with an end at zero; neither means anything.
  private func elements(_ keys: NFTables.Keys, timeout: UInt64? = nil) throws -> String {
    let command = NFTables.Command.addElements(
      .init(.inet, "t"), set: "s", id: 1, .init(keys, timeoutMilliseconds: timeout))
    return try hex(payload(of: command).require(3, "elements").nested().flatMap { [0, 0] + $0.payload })
  }

  @Test func elementsOfEveryKindAreWrittenAsTheReferenceToolWritesThem() throws {
    // set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.1.0/24 }; }
    let networks = try ["192.168.1.0/24", "10.0.0.0/8"].map { try #require(IPPrefix($0)) }
    #expect(
      try elements(.networks(networks, of: .v4))
        == "0000" + "0c000180080001000a000000" + "0000" + "08000300000000010c000180080001000b000000"
        + "0000" + "0c00018008000100c0a80100" + "0000" + "08000300000000010c00018008000100c0a80200")
    // set ports { type inet_service; flags interval; elements = { 5432-5440, 60000-65535 }; }
    #expect(
      try elements(.portRanges([60000...65535, 5432...5440]))
        == "0000" + "0c000180060001001538" + "0000" + "0000" + "08000300000000010c00018006000100154100" + "00"
        + "0000" + "0c00018006000100ea600000")
    // set al { type nf_proto; flags timeout; elements = { ipv4 timeout 5s }; }
    #expect(
      try elements(.protocolFamilies([.ipv4]), timeout: 5000)
        == "0000" + "0c00040000000000000013880c0001800500010002000000")
    // set tri { type ipv4_addr . inet_proto . inet_service; elements = { 10.0.0.1 . tcp . 80 }; }
    #expect(
      try elements(
        .concatenations([.address(.v4), .transportProtocol, .port], [[[10, 0, 0, 1], [6], [0, 80]]]))
        == "0000" + "14000180100001000a0000010600000000500000")
  }

  @Test func setsAndChainsOfDevicesAreDescribedAsTheReferenceToolDescribesThem() throws {
    let key = NFTables.KeyType.concatenation([.address(.v4), .transportProtocol, .port])
    let set = try payload(
      of: .addSet(.init(.inet, "t"), .init("tri", id: 4, key: key, flags: [], size: nil)))
    #expect(hex(try set.require(4, "type").payload) == "0000730d")
    #expect(hex(try set.require(5, "length").payload) == "0000000c")
    // chain e { type filter hook egress device ify priority 0; policy accept; }
    let chain = try payload(
      of: .addChain(.init(.netdev, "d"), name: "e", hook: .egress(device: "ify"), priority: 0))
    #expect(hex(try chain.require(4, "hook").payload) == "080001000000000108000200000000000800030069667900")
    // chain a { }
    let regular = try payload(of: .addRegularChain(.init(.inet, "t"), name: "a"))
    #expect(regular.map(\.type) == [1, 3])
  }

  @Test func rangesAreMergedUntilAGapLiesBetweenThem() throws {
    func merged(_ texts: [String], _ family: IPAddress.Family = .v4) throws -> String {
      NFTables.Keys.networks(try texts.map { try #require(IPPrefix($0)) }, of: family).description
    }
    #expect(try merged(["10.0.0.0/9", "10.128.0.0/9", "10.1.2.0/24"]) == "10.0.0.0-10.255.255.255")
    #expect(try merged(["10.0.0.2/32", "10.0.0.0/32"]) == "10.0.0.0-10.0.0.0, 10.0.0.2-10.0.0.2")
    #expect(try merged(["10.0.0.5/24", "fd00::/8"]) == "10.0.0.0-10.0.0.255")
    #expect(try merged(["0.0.0.0/0", "10.0.0.0/8", "255.255.255.255/32"]) == "0.0.0.0-255.255.255.255")
    #expect(try merged(["fd00::/127", "fd00::2/128", "::1/128"], .v6) == "::1-::1, fd00::-fd00::2")
    #expect(try merged([]) == "")
    #expect(NFTables.Keys.portRanges([80...80, 81...90, 100...200, 150...160]).description == "80-90, 100-200")
  }

  /// Against a plain model: a bit for every one of 256 keys.
  @Test func mergedRangesHoldTheSameKeysAsBefore() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      let ranges = (0..<Int.random(in: 0...8, using: &random)).map { _ in
        let ends = [UInt8.random(in: 0...255, using: &random), .random(in: 0...255, using: &random)].sorted()
        return NFTables.KeyRange(first: [ends[0]], last: [ends[1]])
      }
      func keys(_ ranges: [NFTables.KeyRange]) -> Set<UInt8> {
        Set(ranges.flatMap { Array($0.first[0]...$0.last[0]) })
      }
      let merged = NFTables.KeyRange.merged(ranges)
      #expect(keys(merged) == keys(ranges))
      for (before, after) in zip(merged, merged.dropFirst()) { #expect(Int(before.last[0]) + 1 < Int(after.first[0])) }
    }
  }

  @Test func plansShowWhatNftWouldBeTold() {
    let table = NFTables.TableID(.netdev, "bs_r_f")
    let lines = NFTables.Batch([
      .addChain(table, name: "out", hook: .egress(device: "eth0"), priority: 0),
      .addSet(table, .init("alive", id: 1, key: .etherType, flags: .timeout, size: 2)),
      .addElements(table, set: "alive", id: 1, .init(.etherTypes([.ipv4, .ipv6]), timeoutMilliseconds: 900)),
      .addRule(
        table, chain: "out",
        [
          .load(.etherType), .isInSet("alive", id: 1), .loadTransportHeader(offset: 2, length: 2),
          .isBetween([0, 80], [0, 90]), .counter, .immediate(device: 7), .forward(),
        ]),
      .deleteElements(table, set: "x", .marks([1, 2, 3, 4, 5, 6, 7, 8, 9])),
    ]).description
    #expect(
      lines == """
        add chain netdev bs_r_f out { type filter hook egress device "eth0" priority 0; policy accept; }
        add set netdev bs_r_f alive { type ether_type; flags timeout }
        add element netdev bs_r_f alive { 0x0800, 0x86dd }, each for 900 ms
        add rule netdev bs_r_f out meta protocol @alive th dport 0x0050-0x005a counter 0x07000000 fwd to
        delete element netdev bs_r_f x { 1, 2, 3, 4, 5, 6, 7, 8, … 9 in all }
        """)
  }
}
