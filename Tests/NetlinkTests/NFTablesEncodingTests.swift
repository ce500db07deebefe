import Testing

@testable import Netlink

@Suite struct NFTablesEncodingTests {
  private static let table = NFTables.TableID(.inet, "bs_r_f")

  /// Our one message of a command, with sequence number 0 and no acknowledgement asked for.
  private func encoded(_ command: NFTables.Command) throws -> [UInt8] {
    let messages = command.messages
    try #require(messages.count == 1)
    var writer = MessageWriter()
    try messages[0].write(to: &writer, sequence: 0, flags: 0)
    return writer.finish()
  }

  @Test func tablesAreWrittenAsLibnftnlWritesThem() throws {
    #expect(try encoded(.addTable(Self.table, flags: .owner)) == Reference.table("bs_r_f", flags: 2))
    #expect(try encoded(.deleteTable(Self.table)) == Reference.deleteTable("bs_r_f"))
  }

  @Test func chainsAreWrittenAsLibnftnlWritesThem() throws {
    #expect(
      try encoded(.addChain(Self.table, name: "in", hook: .prerouting, priority: -300))
        == Reference.chain("in", table: "bs_r_f", hook: 0, priority: -300))
  }

  @Test func setsAreWrittenAsLibnftnlWritesThem() throws {
    let four = NFTables.NewSet("p4", id: 1, key: .address(.v4), flags: .timeout, size: 2)
    #expect(
      try encoded(.addSet(Self.table, four))
        == Reference.set("p4", table: "bs_r_f", id: 1, keyType: 7, keyLength: 4, flags: 0x10, size: 2))
    let six = NFTables.NewSet("p6", id: 2, key: .address(.v6), flags: .timeout, size: 4)
    #expect(
      try encoded(.addSet(Self.table, six))
        == Reference.set("p6", table: "bs_r_f", id: 2, keyType: 8, keyLength: 16, flags: 0x10, size: 4))
  }

  /// libnftnl numbers the members of a list of elements; we write NFTA_LIST_ELEM (1) on each, as the kernel's header
  /// has it. So lists of one are equal bytes, and longer ones equal content.
  @Test func listsOfElementsHaveTheContentThatLibnftnlWrites() throws {
    let keys = [IPAddress.v4(0x0A00_0001), .v4(0x0A00_0002), .v4(0x0A00_0003)]
    let ours = try Message.split(
      try encoded(.addElements(Self.table, set: "p", id: 1, .init(keys, timeoutMilliseconds: 7)))[...])
    let reference = Reference.elements(
      set: "p", table: "bs_r_f", id: 1, keys: keys.map(\.bytes), timeout: 7, expiration: nil)
    let theirs = try Message.split(reference[...])
    #expect(try NFTables.decodeElements(ours[0]) == NFTables.decodeElements(theirs[0]))
    #expect(ours[0].payload.count == theirs[0].payload.count)
  }

  @Test(
    arguments: [
      (["10.0.0.1"], nil, nil), (["10.0.0.1"], 1500, nil), (["fd00::1"], 1500, 900),
    ] as [([String], UInt64?, UInt64?)])
  func elementsAreWrittenAsLibnftnlWritesThem(_ texts: [String], _ timeout: UInt64?, _ expiration: UInt64?) throws {
    let keys = try texts.map { try #require(IPAddress($0)) }
    let elements = NFTables.Elements(keys, timeoutMilliseconds: timeout, expirationMilliseconds: expiration)
    #expect(
      try encoded(.addElements(Self.table, set: "p", id: 1, elements))
        == Reference.elements(
          set: "p", table: "bs_r_f", id: 1, keys: keys.map(\.bytes), timeout: timeout, expiration: expiration))
    #expect(
      try encoded(.deleteElements(Self.table, set: "p", keys))
        == Reference.elements(
          set: "p", table: "bs_r_f", id: nil, keys: keys.map(\.bytes), timeout: nil, expiration: nil, type: 14,
          flags: 0))
  }

  @Test(arguments: [(UInt8(2), UInt32(12), UInt32(4)), (10, 8, 16)])
  func rulesAreWrittenAsLibnftnlWritesThem(_ family: UInt8, _ offset: UInt32, _ length: UInt32) throws {
    let rule = NFTables.Command.addRule(
      Self.table, chain: "in",
      [
        .loadProtocolFamily, .compare(.equal, [family]), .loadNetworkHeader(offset: offset, length: length),
        .isInSet("p", id: 3), .counter, .verdict(.drop),
      ])
    #expect(
      try encoded(rule)
        == Reference.dropRule(
          table: "bs_r_f", chain: "in", family: family, offset: offset, length: length, set: "p", id: 3))
  }

  @Test func rulesOnTheTransportHeaderAreWrittenAsLibnftnlWritesThem() throws {
    let rule = NFTables.Command.addRule(
      Self.table, chain: "in",
      [
        .loadTransportProtocol, .compare(.equal, [58]), .loadTransportHeader(offset: 0, length: 1),
        .compare(.atLeast, [133]), .compare(.atMost, [137]), .verdict(.accept),
      ])
    #expect(try encoded(rule) == Reference.passDiscoveryRule(table: "bs_r_f", chain: "in"))
  }

  @Test func aBatchIsFramedAsLibnftnlFramesItAndAsksForOneAcknowledgement() throws {
    let batch = NFTables.Batch([.addTable(Self.table, flags: .owner), .deleteTable(Self.table)])
    let messages = try Message.split(try batch.encoded(firstSequence: 7)[...])
    #expect(messages.map(\.sequence) == [7, 8, 9, 10])
    #expect(messages.map(\.type) == [0x10, 0xA00, 0xA02, 0x11])
    #expect(messages.map { $0.flags & 4 } == [0, 0, 4, 0])
    for (index, type) in [(0, UInt16(0x10)), (3, 0x11)] {
      let reference = try #require(try Message.split(Reference.marker(type)[...]).first)
      #expect(messages[index].payload.elementsEqual(reference.payload))
      #expect(messages[index].flags == reference.flags)
    }
  }

  /// The length of an attribute has 16 bits.
  @Test(arguments: [1, 1000, 1600, 1700, 10_000])
  func longListsOfElementsAreSplitWithoutLoss(_ count: Int) throws {
    let keys = (0..<UInt32(count)).map { IPAddress.v6(0, UInt64($0)) }
    let elements = NFTables.Elements(keys, timeoutMilliseconds: 1500, expirationMilliseconds: 1500)
    let batch = NFTables.Batch([.addElements(Self.table, set: "p", id: 1, elements)])
    var seen: [IPAddress] = []
    for message in try Message.split(try batch.encoded(firstSequence: 0)[...]) where message.type == 0xA0C {
      for element in try NFTables.decodeElements(message) {
        seen.append(try #require(IPAddress(bytes: element.key)))
        #expect(element.timeoutMilliseconds == 1500 && element.expirationMilliseconds == 1500)
      }
    }
    #expect(seen == keys)
  }

  @Test func anAttributeThatIsTooLongIsAnErrorAndNotATruncatedMessage() {
    let table = NFTables.TableID(.inet, String(repeating: "x", count: 70_000))
    #expect(throws: WireError.attributeTooLong(type: 1, length: 70_005)) {
      try NFTables.Batch([.deleteTable(table)]).encoded(firstSequence: 0)
    }
  }
}
