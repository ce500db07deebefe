import Glibc
import Testing

@testable import Netlink

/// What we write, as the kernel takes it and as `nft`, the reference tool, reads it back.
@Suite(.enabled(if: isRoot && canRun("nft"), "needs root for namespaces, and nft")) struct NFTablesVocabularyTests {
  private func listing(_ namespace: NetworkNamespace) throws -> String {
    try namespace.run { try output(of: "nft --stateless --numeric list ruleset") }
  }

  @Test func theReferenceToolReadsEveryStepAsItWasMeant() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      let table = NFTables.TableID(.inet, "t")
      let networks = try ["10.0.0.0/8", "192.168.1.0/24"].map { try #require(IPPrefix($0)) }
      let wide = try ["::/0", "fd00::/8"].map { try #require(IPPrefix($0)) }
      func isIPv4(_ rest: [NFTables.Expression]) -> NFTables.Command {
        .addRule(
          table, chain: "o",
          [.loadProtocolFamily, .compare(.equal, [2]), .loadNetworkHeader(offset: 16, length: 4)] + rest)
      }
      func rule(_ steps: [NFTables.Expression]) -> NFTables.Command { .addRule(table, chain: "o", steps) }
      try connection.commit(
        .init([
          .addTable(table, flags: []), .addRegularChain(table, name: "a"),
          .addChain(table, name: "o", hook: .output, priority: 5),
          .addSet(table, .init("nets", id: 1, key: .address(.v4), flags: .interval, size: nil)),
          .addElements(table, set: "nets", id: 1, .init(.networks(networks, of: .v4))),
          .addSet(table, .init("wide", id: 2, key: .address(.v6), flags: .interval, size: nil)),
          .addElements(table, set: "wide", id: 2, .init(.networks(wide, of: .v6))),
          .addSet(table, .init("ports", id: 3, key: .port, flags: .interval, size: nil)),
          .addElements(table, set: "ports", id: 3, .init(.portRanges([5432...5440, 60000...65535]))),
          .addSet(table, .init("hits", id: 4, key: .mark, flags: [], size: nil)),
          .addElements(table, set: "hits", id: 4, .init(.marks([1, 77, 65535]))),
          .addSet(
            table,
            .init(
              "flows", id: 5, key: .concatenation([.address(.v4), .transportProtocol, .port]), flags: [], size: nil)),
          .addElements(
            table, set: "flows", id: 5,
            .init(.concatenations([.address(.v4), .transportProtocol, .port], [[[10, 0, 0, 1], [6], [0, 80]]]))),
          isIPv4([.isInSet("nets", id: 1, inverted: true), .verdict(.jump("a"))]),
          isIPv4([
            .load(.transportProtocol, into: .init(word: 1)),
            .loadTransportHeader(offset: 2, length: 2, into: .init(word: 2)), .isInSet("flows", id: 5), .counter,
          ]),
          isIPv4([
            .mask([255, 255, 0, 0], flip: [0, 0, 0, 0]), .compare(.notEqual, [10, 1, 0, 0]), .verdict(.return),
          ]),
          rule([
            .loadTransportProtocol, .compare(.equal, [6]), .loadTransportHeader(offset: 2, length: 2),
            .isInSet("ports", id: 3), .reject(.tcpReset),
          ]),
          rule([.reject(.icmp(.prohibited))]),
          rule([.generate(.increment, modulus: 65536), .isInSet("hits", id: 4), .verdict(.drop)]),
          rule([
            .generate(.random, modulus: 1000), .toNetworkOrder(), .compare(.below, [0, 0, 0, 10]), .verdict(.drop),
          ]),
          rule([.load(.random), .compare(.below, [0, 0, 3, 232]), .verdict(.drop)]),
          rule([.load(.socketUser), .compare(.equal, host: UInt32(1000)), .immediate([0xB5, 0, 0, 0]), .set(.mark)]),
          rule([
            .load(.outputName), .compare(.equal, Array("lo".utf8) + [UInt8](repeating: 0, count: 14)),
            .verdict(.goto("a")),
          ]),
          rule([.limit(.init(perSecond: 100, burst: 5, matchesExcess: true)), .verdict(.drop)]),
          rule([.limit(.init(perSecond: 1000, burst: 2000, countsBytes: true)), .verdict(.accept)]),
        ]))
      let text = try listing(made[0])
      for line in [
        "type ipv4_addr", "elements = { 10.0.0.0/8, 192.168.1.0/24 }", "elements = { ::/0 }",
        "elements = { 5432-5440, 60000-65535 }", "elements = { 0x00000001, 0x0000004d,", "0x0000ffff }",
        "type ipv4_addr . inet_proto . inet_service", "elements = { 10.0.0.1 . 6 . 80 }",
        "type filter hook output priority 5; policy accept;", "ip daddr != @nets jump a",
        "ip daddr . meta l4proto . th dport @flows counter", "ip daddr != 10.1.0.0/16 return",
        "tcp dport @ports reject with tcp reset", "reject with icmpx 3", "numgen inc mod 65536 @hits drop",
        "numgen random mod 1000 < 10 drop", "meta random < 1000 drop", "meta skuid 1000 meta mark set 0x000000b5",
        "oifname \"lo\" goto a", "limit rate over 100/second drop",
        "limit rate 1000 bytes/second burst 2000 bytes accept",
      ] {
        #expect(text.contains(line), "\(line)\nis not in\n\(text)")
      }
      // What we read back is what a second reading says, and nothing of it counts or ages.
      #expect(try connection.ruleset().canonicalLines == connection.ruleset().canonicalLines)
    }
  }

  @Test func theReferenceToolReadsTheChainsOfDevices() throws {
    try withNamespaces { made in
      let links = try LinkController(in: made[0])
      try links.createVeth("va", peer: "vb")
      let connection = try NFTables.Connection(in: made[0])
      let table = NFTables.TableID(.netdev, "d")
      let other = try links.index(of: "vb")
      let before = try connection.ruleset().canonicalLines
      try connection.commit(
        .init([
          .addTable(table, flags: .owner), .addChain(table, name: "i", hook: .ingress(device: "va"), priority: -5),
          .addChain(table, name: "e", hook: .egress(device: "va"), priority: 0),
          .addSet(table, .init("alive", id: 1, key: .etherType, flags: .timeout, size: 4)),
          .addElements(
            table, set: "alive", id: 1, .init(.etherTypes([.ipv4, .ipv6]), timeoutMilliseconds: 60_000)),
          .addRule(
            table, chain: "e",
            [
              .load(.etherType), .isInSet("alive", id: 1), .loadNetworkHeader(offset: 16, length: 4),
              .compare(.equal, [10, 0, 0, 1]), .counter, .immediate(device: other), .forward(),
            ]),
        ]))
      let text = try listing(made[0])
      for line in [
        "type filter hook ingress device \"va\" priority -5;", "type filter hook egress device \"va\" priority 0;",
        "fwd to \"vb\"", "meta protocol @alive",
      ] {
        #expect(text.contains(line), "\(line)\nis not in\n\(text)")
      }
      let chains = try connection.ruleset().chains
      #expect(chains.map(\.devices) == [["va"], ["va"]])
      // Prolonging the gate moves nothing that a snapshot compares.
      let armed = try connection.ruleset().canonicalLines
      try connection.commit(
        .init([
          .addElements(
            table, set: "alive", id: nil,
            .init(.etherTypes([.ipv4, .ipv6]), timeoutMilliseconds: 60_000, expirationMilliseconds: 60_000))
        ]))
      #expect(try connection.ruleset().canonicalLines == armed)
      connection.close()
      #expect(try NFTables.Connection(in: made[0]).ruleset().canonicalLines == before)
    }
  }

  /// Older kernels refuse it; from 6.16 on the chain waits for the device. Never is it silently left out.
  @Test func aChainOfADeviceThatIsNotThereIsRefusedOrWaitsForIt() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      let table = NFTables.TableID(.netdev, "d")
      let batch = NFTables.Batch([
        .addTable(table, flags: .owner), .addChain(table, name: "e", hook: .egress(device: "va"), priority: 0),
      ])
      do {
        try connection.commit(batch)
        #expect(try connection.ruleset().chains.map(\.devices) == [["va"]])
      } catch let error as NetlinkError {
        #expect(error.errno == ENOENT)
        #expect(error.object == .chain(table: "d", name: "e"))
        #expect(try connection.tables().isEmpty)
      }
    }
  }

  @Test func rangesAreAddedAndRemovedAndOverlapsAreRefused() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      let table = NFTables.TableID(.inet, "t")
      func networks(_ texts: [String]) throws -> NFTables.Keys {
        .networks(try texts.map { try #require(IPPrefix($0)) }, of: .v4)
      }
      try connection.commit(
        .init([
          .addTable(table, flags: .owner),
          .addSet(table, .init("n", id: 1, key: .address(.v4), flags: .interval, size: nil)),
          .addElements(table, set: "n", id: 1, .init(try networks(["10.0.0.0/9", "10.128.0.0/9", "11.1.0.0/16"]))),
        ]))
      #expect(try connection.elements(of: "n", in: table).count == 4, "10/8 in one, two ends a range")
      let failure = #expect(throws: NetlinkError.self) {
        try connection.commit(
          .init([.addElements(table, set: "n", id: nil, .init(try networks(["10.200.0.0/16"])))]))
      }
      #expect(failure?.errno == EEXIST)
      try connection.commit(.init([.deleteElements(table, set: "n", try networks(["11.1.0.0/16"]))]))
      #expect(try connection.elements(of: "n", in: table).count == 2)
    }
  }

  /// The list of a long set of ranges goes over many messages.
  @Test func tenThousandNetworksGoInAtOnceAndComeBack() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      let table = NFTables.TableID(.inet, "t")
      let networks = try (0..<10_000).map { try #require(IPPrefix(.v4(0x0A00_0000 + UInt32($0) * 512), length: 24)) }
      try connection.commit(
        .init([
          .addTable(table, flags: .owner),
          .addSet(table, .init("n", id: 1, key: .address(.v4), flags: .interval, size: nil)),
          .addElements(table, set: "n", id: 1, .init(.networks(networks, of: .v4))),
        ]))
      #expect(try connection.elements(of: "n", in: table).count == 20_000)
    }
  }
}
