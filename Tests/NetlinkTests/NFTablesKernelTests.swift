import Glibc
import Testing

@testable import Netlink

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct NFTablesKernelTests {
  private let table = NFTables.TableID(.inet, "bs_test")

  private func partition(_ keys: [IPAddress], timeout: UInt64 = 60_000) -> NFTables.Batch {
    NFTables.Batch([
      .addTable(table, flags: .owner), .addChain(table, name: "in", hook: .prerouting, priority: -300),
      .addSet(table, .init("p4", id: 1, key: .address(.v4), flags: .timeout, size: UInt32(2 * keys.count))),
      .addElements(table, set: "p4", id: 1, .init(keys, timeoutMilliseconds: timeout)),
      .addRule(
        table, chain: "in",
        [
          .loadProtocolFamily, .compare(.equal, [2]), .loadNetworkHeader(offset: 12, length: 4), .isInSet("p4", id: 1),
          .counter, .verdict(.drop),
        ]),
    ])
  }

  @Test func aBatchIsAppliedListedAndRemoved() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      let empty = try connection.ruleset()
      #expect(empty.canonicalLines.isEmpty)
      let generation = try connection.generation()
      try connection.commit(partition([.v4(0x0A00_0001)]))
      #expect(try connection.generation() == generation + 1, "one transaction")
      let table = try #require(try connection.table(table))
      #expect(table.flags.contains(.owner) && table.owner == connection.port)
      let rule = try #require(try connection.rules(of: self.table).first)
      #expect(rule.steps.map(\.name) == ["meta", "cmp", "payload", "lookup", "counter", "immediate"])
      #expect(rule.counts == [.init(packets: 0, bytes: 0)])
      let element = try #require(try connection.elements(of: "p4", in: self.table).first)
      #expect(element.key == [10, 0, 0, 1] && element.timeoutMilliseconds == 60_000)
      #expect(try connection.ruleset().canonicalLines.count == 4)
      try connection.commit(.init([.deleteTable(self.table)]))
      #expect(try connection.table(self.table) == nil)
      #expect(try connection.ruleset().canonicalLines == empty.canonicalLines)
    }
  }

  @Test func nothingIsAppliedWhenOneCommandIsRefused() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      var batch = partition([.v4(1)])
      batch.commands.append(.addRule(table, chain: "nowhere", [.counter]))
      let failure = #expect(throws: NetlinkError.self) { try connection.commit(batch) }
      #expect(failure?.errno == ENOENT)
      #expect(failure?.object == .rule(table: "bs_test", chain: "nowhere"))
      #expect(failure?.call == "NFT_MSG_NEWRULE")
      #expect(try connection.tables().isEmpty)
    }
  }

  @Test func anotherSocketMayLookAtAnOwnedTableButNotTouchIt() throws {
    try withNamespaces { made in
      let owner = try NFTables.Connection(in: made[0])
      try owner.commit(partition([.v4(1)]))
      let stranger = try NFTables.Connection(in: made[0])
      #expect(try stranger.tables().map(\.id) == [table])
      for attempt: NFTables.Command in [
        .deleteTable(table), .addElements(table, set: "p4", id: nil, .init([.v4(2)])),
        .deleteElements(table, set: "p4", [.v4(1)]), .addRule(table, chain: "in", [.counter]),
      ] {
        let failure = #expect(throws: NetlinkError.self) { try stranger.commit(.init([attempt])) }
        #expect(failure?.errno == EPERM)
      }
      #expect(try owner.elements(of: "p4", in: table).count == 1)
    }
  }

  @Test func anOwnedTableGoesWithItsSocket() throws {
    try withNamespaces { made in
      let owner = try NFTables.Connection(in: made[0])
      try owner.commit(partition([.v4(1)]))
      owner.close()
      #expect(try NFTables.Connection(in: made[0]).tables().isEmpty)
    }
  }

  @Test func aHundredThousandPeersGoInAtOnceAndComeBack() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      let keys = (0..<100_000).map { IPAddress.v4(0x0A00_0000 + UInt32($0)) }
      try connection.commit(partition(keys))
      let back = try connection.elements(of: "p4", in: table).compactMap { IPAddress(bytes: $0.key) }
      #expect(back.count == keys.count && Set(back) == Set(keys))
      try connection.commit(.init([.deleteTable(table)]))
    }
  }

  @Test func aSetThatIsTooSmallIsRefusedByItsErrno() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      var batch = partition([.v4(1)])
      batch.commands.append(.addElements(table, set: "p4", id: 1, .init([.v4(2), .v4(3)])))
      let failure = #expect(throws: NetlinkError.self) { try connection.commit(batch) }
      #expect(failure?.errno == ENFILE)
      #expect(failure?.object == .elements(table: "bs_test", set: "p4"))
    }
  }

  /// `nft`, the reference tool, reads what we wrote.
  @Test func anotherToolsTableIsListedAndLeftAlone() throws {
    try withNamespaces { made in
      let other = try NFTables.Connection(in: made[0])
      let foreign = NFTables.TableID(.ipv4, "filter")
      try other.commit(
        .init([.addTable(foreign, flags: []), .addChain(foreign, name: "INPUT", hook: .input, priority: 0)]))
      let before = try other.ruleset().canonicalLines
      let ours = try NFTables.Connection(in: made[0])
      try ours.commit(partition([.v4(1)]))
      #expect(try ours.ruleset().canonicalLines != before)
      try ours.commit(.init([.deleteTable(table)]))
      #expect(try other.ruleset().canonicalLines == before)
    }
  }

  /// Messages as this kernel makes them: each decodes, each of its truncations is an error, and no change of a byte does
  /// more than that.
  @Test func everyTruncationOfTheKernelsOwnMessagesThrows() throws {
    try withNamespaces { made in
      let connection = try NFTables.Connection(in: made[0])
      try connection.commit(partition([.v4(1), .v4(2)]))
      let socket = try NetlinkSocket(.netfilter, in: made[0])
      let decoders: [(UInt16, (Message) throws(WireError) -> Void)] = [
        (1, { (message) throws(WireError) in _ = try NFTables.decodeTable(message) }),
        (4, { (message) throws(WireError) in _ = try NFTables.decodeChain(message) }),
        (7, { (message) throws(WireError) in _ = try NFTables.decodeRule(message) }),
        (10, { (message) throws(WireError) in _ = try NFTables.decodeSet(message) }),
        (13, { (message) throws(WireError) in _ = try NFTables.decodeElements(message) }),
      ]
      var random = SystemRandomNumberGenerator()
      for (type, decode) in decoders {
        let messages = try socket.dump(.init(call: "dump", object: .dump("test"))) {
          (writer, sequence) throws(WireError) in
          try writer.message(type: 10 << 8 | type, flags: 0x301, sequence: sequence) { (writer) throws(WireError) in
            writer.raw([1, 0, 0, 0])
            if type == 13 {
              try writer.text(1, "bs_test")
              try writer.text(2, "p4")
            }
          }
        }
        let message = try #require(messages.first)
        try decode(message)
        var writer = MessageWriter()
        try writer.message(type: message.type, flags: 0, sequence: 0) { $0.raw(Array(message.payload)) }
        let bytes = writer.finish()
        try decode(#require(try Message.split(bytes[...]).first))
        for length in 1..<bytes.count {
          #expect(throws: WireError.self) { try Message.split(bytes[..<length]) }
        }
        for _ in 0..<2000 {
          var wrong = bytes
          wrong[Int.random(in: 16..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
          // Either it decodes or it throws; a trap would end the test run.
          do { for message in try Message.split(wrong[...]) { try decode(message) } } catch is WireError {}
        }
      }
    }
  }

  /// A change that asks for no acknowledgement gets none: nobody may wait for it for ever.
  @Test func anAnswerThatDoesNotComeIsWaitedForOnlySoLong() throws {
    try withNamespaces { made in
      let socket = try NetlinkSocket(.route, in: made[0], limit: .milliseconds(50))
      let label = NetlinkSocket.Label(call: "RTM_GETLINK", object: .link("lo"))
      let start = ContinuousClock.now
      let failure = #expect(throws: NetlinkError.self) {
        try socket.get(label) { (writer, sequence) throws(WireError) in
          // NLMSG_NOOP is taken without a word.
          try writer.message(type: 1, flags: 1, sequence: sequence) { _ in }
        }
      }
      #expect(failure?.reason == .timedOut(afterMilliseconds: 50))
      #expect(ContinuousClock.now - start < .seconds(5))
      let links = try socket.dump(label) { (writer, sequence) throws(WireError) in
        try writer.message(type: 18, flags: 0x301, sequence: sequence) { $0.raw([UInt8](repeating: 0, count: 16)) }
      }
      #expect(links.count == 1, "the socket is good for the next request")
    }
  }
}
