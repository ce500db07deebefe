// Decoders of nf_tables dumps.

extension NFTables {
  /// `struct nfgenmsg` and the attributes behind it. `nil` for a family that this file does not know.
  private static func open(_ message: Message) throws(WireError) -> (family: Family?, attributes: [Attribute]) {
    var reader = MessageReader(message.payload)
    let family = try reader.host(UInt8.self, "nfgen_family")
    _ = try reader.take(3, "nfgenmsg")
    return (Family(rawValue: family), try Attribute.list(reader.rest))
  }

  private static func identify(
    _ family: Family?, _ attributes: [Attribute]
  ) throws(WireError) -> TableID {
    guard let family else { throw .missing(field: "nfgen_family") }
    return TableID(family, try attributes.require(1, "table name").text("table name"))
  }

  static func decodeGeneration(_ message: Message) throws(WireError) -> UInt32 {
    try open(message).attributes.require(1, "NFTA_GEN_ID").big(UInt32.self, "NFTA_GEN_ID")
  }

  static func decodeTable(_ message: Message) throws(WireError) -> Table {
    let (family, attributes) = try open(message)
    return Table(
      id: try identify(family, attributes),
      flags: TableFlags(rawValue: try attributes.first(2)?.big(UInt32.self, "NFTA_TABLE_FLAGS") ?? 0),
      owner: try attributes.first(7)?.big(UInt32.self, "NFTA_TABLE_OWNER"))
  }

  static func decodeChain(_ message: Message) throws(WireError) -> Chain {
    let (family, attributes) = try open(message)
    let hook = try attributes.first(4)?.nested() ?? []
    var devices: [String] = []
    if let device = hook.first(3) { devices.append(try device.text("NFTA_HOOK_DEV")) }
    for device in try hook.first(4)?.nested() ?? [] { devices.append(try device.text("NFTA_DEVICE_NAME")) }
    return Chain(
      table: try identify(family, attributes),
      name: try attributes.require(3, "NFTA_CHAIN_NAME").text("NFTA_CHAIN_NAME"),
      hook: try hook.first(1)?.big(UInt32.self, "NFTA_HOOK_HOOKNUM"),
      priority: try hook.first(2)?.big(Int32.self, "NFTA_HOOK_PRIORITY"),
      devices: devices.count > 1 ? Array(Set(devices)).sorted() : devices,
      policy: try attributes.first(5)?.big(UInt32.self, "NFTA_CHAIN_POLICY"),
      type: try attributes.first(7)?.text("NFTA_CHAIN_TYPE"))
  }

  static func decodeSet(_ message: Message) throws(WireError) -> SetDescription {
    let (family, attributes) = try open(message)
    return SetDescription(
      table: try identify(family, attributes),
      name: try attributes.require(2, "NFTA_SET_NAME").text("NFTA_SET_NAME"),
      flags: SetFlags(rawValue: try attributes.first(3)?.big(UInt32.self, "NFTA_SET_FLAGS") ?? 0),
      keyType: try attributes.first(4)?.big(UInt32.self, "NFTA_SET_KEY_TYPE") ?? 0,
      keyLengthBytes: try attributes.first(5)?.big(UInt32.self, "NFTA_SET_KEY_LEN") ?? 0,
      size: try attributes.first(9)?.nested().first(1)?.big(UInt32.self, "NFTA_SET_DESC_SIZE"),
      timeoutMilliseconds: try attributes.first(11)?.big(UInt64.self, "NFTA_SET_TIMEOUT"))
  }

  static func decodeElements(_ message: Message) throws(WireError) -> [Element] {
    let (_, attributes) = try open(message)
    var elements: [Element] = []
    for item in try attributes.first(3)?.nested() ?? [] {
      let fields = try item.nested()
      elements.append(
        Element(
          // A catch-all element has no key.
          key: Array(try fields.first(1)?.nested().first(1)?.payload ?? []),
          timeoutMilliseconds: try fields.first(4)?.big(UInt64.self, "NFTA_SET_ELEM_TIMEOUT"),
          expirationMilliseconds: try fields.first(5)?.big(UInt64.self, "NFTA_SET_ELEM_EXPIRATION"),
          // 7 is an expression with a state of its own, such as a counter.
          rest: fields.filter { ![1, 4, 5, 7, 11].contains($0.type) }.flatMap(\.bytes)))
    }
    return elements
  }

  static func decodeRule(_ message: Message) throws(WireError) -> Rule {
    let (family, attributes) = try open(message)
    var steps: [Rule.Step] = []
    var counts: [Count] = []
    for item in try attributes.first(4)?.nested() ?? [] {
      let fields = try item.nested()
      let name = try fields.require(1, "NFTA_EXPR_NAME").text("NFTA_EXPR_NAME")
      let data = try fields.first(2)?.nested() ?? []
      if name == "counter" {
        counts.append(
          Count(
            packets: try data.first(2)?.big(UInt64.self, "NFTA_COUNTER_PACKETS") ?? 0,
            bytes: try data.first(1)?.big(UInt64.self, "NFTA_COUNTER_BYTES") ?? 0))
      }
      steps.append(Rule.Step(name: name, data: stable(data, of: name)))
    }
    return Rule(
      table: try identify(family, attributes),
      chain: try attributes.require(2, "NFTA_RULE_CHAIN").text("NFTA_RULE_CHAIN"),
      handle: try attributes.require(3, "NFTA_RULE_HANDLE").big(UInt64.self, "NFTA_RULE_HANDLE"),
      steps: steps, counts: counts)
  }

  /// A named object or a flow table as bytes, without its handle, use count and state.
  static func decodeOther(_ message: Message) throws(WireError) -> [UInt8] {
    let (family, attributes) = try open(message)
    // Flow table: 1 table, 2 name, 3 hook. Object: 1 table, 2 name, 3 type, and 4 its data with its state.
    return [family?.rawValue ?? 0, UInt8(truncatingIfNeeded: message.type)]
      + attributes.filter { (1...3).contains($0.type) }.flatMap(\.bytes)
  }

  /// The data of an expression without what packets change.
  private static func stable(_ data: [Attribute], of name: String) -> [UInt8] {
    switch name {
    case "counter", "last": []
    case "quota": data.filter { $0.type != 4 }.flatMap(\.bytes)
    default: data.flatMap(\.bytes)
    }
  }
}
