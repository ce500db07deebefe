import Glibc
import Testing

@testable import Netlink

/// What the kernel does with rules of ours, counted packet by packet on the loopback of a namespace.
@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct NFTablesBehaviourTests {
  private static let table = NFTables.TableID(.inet, "bs_behaviour")

  /// Sends `count` datagrams to a port of `127.0.0.1` or `::1`, where nobody listens.
  private func send(_ count: Int, to address: IPAddress, port: UInt16) throws {
    let isV4 = address.family == .v4
    let fd = socket(isV4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
    try #require(fd >= 0)
    defer { close(fd) }
    // struct sockaddr_in, or sockaddr_in6 with flow information before and scope behind the address
    var target = [UInt8(isV4 ? AF_INET : AF_INET6), 0, UInt8(port >> 8), UInt8(port & 255)]
    target += isV4 ? address.bytes + [UInt8](repeating: 0, count: 8) : [0, 0, 0, 0] + address.bytes + [0, 0, 0, 0]
    for _ in 0..<count {
      let sent = target.withUnsafeMutableBytes { raw in
        raw.withMemoryRebound(to: sockaddr.self) { sendto(fd, "x", 1, 0, $0.baseAddress, socklen_t(raw.count)) }
      }
      #expect(sent == 1)
    }
  }

  @Test func everyMatchCountsExactlyThePacketsThatItMeans() throws {
    let isUDP: [NFTables.Expression] = [.loadTransportProtocol, .compare(.equal, [17])]
    let toIPv4 = isUDP + [.loadProtocolFamily, .compare(.equal, [2]), .loadNetworkHeader(offset: 16, length: 4)]
    let toPort = isUDP + [.loadTransportHeader(offset: 2, length: 2)]
    let flow: [NFTables.Expression] = [
      .load(.transportProtocol, into: .init(word: 1)),
      .loadTransportHeader(offset: 2, length: 2, into: .init(word: 2)), .isInSet("flows", id: 4),
    ]
    let user = UInt32(geteuid())
    // 8 datagrams to 127.0.0.1:5435, then 4 to 127.0.0.1:7777, then 2 to [::1]:5435: 14 in all.
    let expected: [(what: String, steps: [NFTables.Expression], packets: UInt64)] = [
      ("all datagrams", isUDP, 14),
      ("IPv4", toIPv4, 12),
      ("a network", toIPv4 + [.isInSet("nets", id: 1)], 12),
      ("not in the network", toIPv4 + [.isInSet("nets", id: 1, inverted: true)], 0),
      ("masked bits", toIPv4 + [.mask([255, 0, 0, 0], flip: [0, 0, 0, 0]), .compare(.equal, [127, 0, 0, 0])], 12),
      ("flipped bits", toIPv4 + [.mask([255, 0, 0, 0], flip: [1, 0, 0, 0]), .compare(.equal, [126, 0, 0, 0])], 12),
      ("ports between", toPort + [.isBetween([0x15, 0x38], [0x15, 0x40])], 10),
      ("ports not between", toPort + [.isBetween([0x15, 0x38], [0x15, 0x40], inverted: true)], 4),
      ("ranges of ports", toPort + [.isInSet("ports", id: 2)], 10),
      ("below", toPort + [.compare(.below, [0x1E, 0x61])], 10),
      ("at least", toPort + [.compare(.atLeast, [0x1E, 0x61])], 4),
      ("not equal", toPort + [.compare(.notEqual, [0x1E, 0x61])], 10),
      ("address, protocol and port at once", toIPv4 + flow, 4),
      (
        "every fourth and the one after the next",
        isUDP + [.generate(.increment, modulus: 4), .isInSet("hits", id: 3)], 7
      ),
      ("the counter as a number", isUDP + [.generate(.increment, modulus: 7), .compare(.equal, host: UInt32(6))], 2),
      (
        "a random number below what it is always below",
        isUDP + [.generate(.random, modulus: 10), .toNetworkOrder(), .compare(.below, [0, 0, 0, 10])], 14
      ),
      ("random bits above what they never are", isUDP + [.load(.random), .compare(.below, [0, 0, 0, 0])], 0),
      ("the sender's user", isUDP + [.load(.socketUser), .compare(.equal, host: user)], 14),
      ("another user", isUDP + [.load(.socketUser), .compare(.equal, host: user + 1)], 0),
      ("the device", isUDP + [.load(.outputName), .compare(.equal, Array("lo".utf8) + [0])], 14),
      ("a mark set before", isUDP + [.load(.mark), .compare(.equal, host: UInt32(0xB5))], 14),
    ]
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      let types: [NFTables.KeyType] = [.address(.v4), .transportProtocol, .port]
      let networks = [try #require(IPPrefix("127.0.0.0/8"))]
      func set(_ name: String, _ id: UInt32, _ key: NFTables.KeyType, _ keys: NFTables.Keys) -> [NFTables.Command] {
        let flags: NFTables.SetFlags = if case .ranges = keys { .interval } else { [] }
        return [
          .addSet(Self.table, .init(name, id: id, key: key, flags: flags, size: nil)),
          .addElements(Self.table, set: name, id: id, .init(keys)),
        ]
      }
      let marking: [NFTables.Expression] = [.immediate([0xB5, 0, 0, 0]), .set(.mark)]
      try connection.commit(
        .init(
          [.addTable(Self.table, flags: .owner), .addChain(Self.table, name: "o", hook: .output, priority: 0)]
            + set("nets", 1, .address(.v4), .networks(networks, of: .v4))
            + set("ports", 2, .port, .portRanges([5432...5440])) + set("hits", 3, .mark, .marks([1, 3]))
            + set(
              "flows", 4, .concatenation(types), .concatenations(types, [[[127, 0, 0, 1], [17], [0x1E, 0x61]]]))
            + [.addRule(Self.table, chain: "o", marking)]
            + expected.map { .addRule(Self.table, chain: "o", $0.steps + [.counter]) }))
      try made[0].run {
        try send(8, to: .v4(0x7F00_0001), port: 5435)
        try send(4, to: .v4(0x7F00_0001), port: 7777)
        try send(2, to: .v6(0, 1), port: 5435)
      }
      let rules = try connection.rules(of: Self.table).dropFirst()
      try #require(rules.count == expected.count)
      for (rule, (what, _, packets)) in zip(rules, expected) {
        #expect(rule.counts.first?.packets == packets, "\(what)")
      }
    }
  }

  @Test func chainsCallEachOtherAsTheirVerdictsSay() throws {
    let isUDP: [NFTables.Expression] = [.loadTransportProtocol, .compare(.equal, [17])]
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      func rule(_ chain: String, _ steps: [NFTables.Expression]) -> NFTables.Command {
        .addRule(Self.table, chain: chain, isUDP + steps)
      }
      try connection.commit(
        .init([
          .addTable(Self.table, flags: .owner), .addRegularChain(Self.table, name: "sub"),
          .addRegularChain(Self.table, name: "end"),
          .addChain(Self.table, name: "o", hook: .output, priority: 0),
          rule("sub", [.counter, .verdict(.return)]), rule("sub", [.counter]),
          rule("end", [.counter]),
          rule("o", [.verdict(.jump("sub"))]), rule("o", [.counter]), rule("o", [.verdict(.goto("end"))]),
          rule("o", [.counter]),
        ]))
      try made[0].run { try send(3, to: .v4(0x7F00_0001), port: 9) }
      let counts = try connection.rules(of: Self.table).reduce(into: [String: [UInt64]]()) { counts, rule in
        counts[rule.chain, default: []] += rule.counts.map(\.packets)
      }
      #expect(counts == ["sub": [3, 0], "end": [3], "o": [3, 0]])
    }
  }

  /// A limit of one packet a second with a bucket of five lets six of a hundred pass at most, the last if the second ends.
  @Test func aLimitLetsItsBurstPassAndMatchesTheExcess() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      let isUDP: [NFTables.Expression] = [.loadTransportProtocol, .compare(.equal, [17])]
      try connection.commit(
        .init([
          .addTable(Self.table, flags: .owner), .addChain(Self.table, name: "o", hook: .output, priority: 0),
          .addRule(
            Self.table, chain: "o",
            isUDP + [.limit(.init(perSecond: 1, burst: 5, matchesExcess: true)), .counter, .verdict(.accept)]),
          .addRule(Self.table, chain: "o", isUDP + [.counter]),
        ]))
      try made[0].run { try send(100, to: .v4(0x7F00_0001), port: 9) }
      let counts = try connection.rules(of: Self.table).map { $0.counts.first?.packets ?? 0 }
      #expect(counts.reduce(0, +) == 100)
      #expect((5...8).contains(counts[1]), "\(counts)")
    }
  }

  /// The table dies with its socket; the packet then comes through again.
  @Test func whatIsForwardedToADeviceThatIsDownIsGoneUntilTheTableIs() throws {
    try withNamespaces(2) { made in
      let near = try LinkController(in: made[0])
      let far = try LinkController(in: made[1])
      try near.createVeth("va", peer: "vb", in: made[1])
      try near.createVeth("hole", peer: "hole2")
      for (links, name, text) in [(near, "va", "10.8.0.1/24"), (far, "vb", "10.8.0.2/24")] {
        try links.setUp(name)
        try links.addAddress(#require(IPPrefix(text)), to: name)
      }
      // A new link lets packets out a moment after it was switched on, and a busy machine takes its time.
      for _ in 0..<1000 where try !(near.link(named: "va")?.isRunning ?? false) { usleep(10_000) }
      let listener = try NFTables.Connection(in: made[1])
      try listener.commit(
        .init([
          .addTable(Self.table, flags: .owner), .addChain(Self.table, name: "i", hook: .prerouting, priority: -300),
          .addRule(Self.table, chain: "i", [.loadTransportProtocol, .compare(.equal, [17]), .counter]),
        ]))
      func arrived() throws -> UInt64 { try listener.rules(of: Self.table).first?.counts.first?.packets ?? 0 }
      func sendFive() throws { try made[0].run { try send(5, to: .v4(0x0A08_0002), port: 9) } }
      // The first of them wait for the neighbour's address and follow it.
      try sendFive()
      let before = try settled(arrived)
      #expect(before == 5)

      let holder = try NFTables.Connection(in: made[0])
      let device = NFTables.TableID(.netdev, "bs_behaviour")
      try holder.commit(
        .init([
          .addTable(device, flags: .owner), .addChain(device, name: "e", hook: .egress(device: "va"), priority: 0),
          .addRule(
            device, chain: "e",
            [
              .load(.etherType), .compare(.equal, [8, 0]), .loadNetworkHeader(offset: 16, length: 4),
              .compare(.equal, [10, 8, 0, 2]), .counter, .immediate(device: try near.index(of: "hole")), .forward(),
            ]),
        ]))
      try sendFive()
      #expect(try holder.rules(of: device).first?.counts.first?.packets == 5)
      #expect(try settled(arrived) == before)
      holder.close()
      try sendFive()
      #expect(try settled(arrived) == before + 5)
    }
  }

  /// A number once it has not changed for a while; packets need a moment to the other end.
  private func settled(_ read: () throws -> UInt64) throws -> UInt64 {
    var last = try read()
    var quiet = 0
    while quiet < 10 {
      usleep(10_000)
      let now = try read()
      quiet = now == last ? quiet + 1 : 0
      last = now
    }
    return last
  }
}
