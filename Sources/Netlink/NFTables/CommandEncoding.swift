// The wire form of each command. Attributes stand in the order in which libnftnl writes them, so that its bytes can be
// compared with ours.

extension NFTables.Command {
  /// The command as messages: one, or as many as its elements need.
  var messages: [NFTables.BatchMessage] {
    switch self {
    case .addElements(let table, let set, let id, let elements):
      return Self.split(elements.keys, bytesPerElement: elements.bytesPerElement).map { keys in
        var part = elements
        part.keys = Array(keys)
        return NFTables.BatchMessage(.addElements(table, set: set, id: id, part))
      }
    case .deleteElements(let table, let set, let keys):
      return Self.split(keys, bytesPerElement: 28).map {
        NFTables.BatchMessage(.deleteElements(table, set: set, Array($0)))
      }
    default: return [NFTables.BatchMessage(self)]
    }
  }

  /// The length of an attribute has 16 bits, so one list of elements holds less than 64 KiB.
  private static func split(_ keys: [IPAddress], bytesPerElement: Int) -> [ArraySlice<IPAddress>] {
    let most = 65_000 / bytesPerElement
    return stride(from: 0, to: keys.count, by: most).map { keys[$0..<min($0 + most, keys.count)] }
  }
}

extension NFTables.Elements {
  /// An upper bound: the nest, the key in its two attributes, and two times.
  var bytesPerElement: Int {
    28 + (timeoutMilliseconds == nil ? 0 : 12) + (expirationMilliseconds == nil ? 0 : 12)
  }
}

extension NFTables {
  /// One message of a batch.
  struct BatchMessage: Sendable {
    let command: Command

    init(_ command: Command) {
      self.command = command
    }

    var label: NetlinkSocket.Label { .init(call: command.call, object: command.object) }

    /// Writes the message. `flags` are added to those that the command needs.
    func write(to writer: inout MessageWriter, sequence: UInt32, flags: UInt16) throws(WireError) {
      try writer.message(type: 10 << 8 | number, flags: 1 | createFlags | flags, sequence: sequence) {
        (writer) throws(WireError) in
        // struct nfgenmsg: family, version, and a resource number that only batch markers use
        writer.raw([table.family.rawValue, 0, 0, 0])
        try writeBody(to: &writer)
      }
    }

    private var table: TableID {
      switch command {
      case .addTable(let table, _), .deleteTable(let table), .addChain(let table, _, _, _), .addSet(let table, _),
        .addElements(let table, _, _, _), .deleteElements(let table, _, _), .addRule(let table, _, _):
        table
      }
    }

    /// `NFT_MSG_…`
    private var number: UInt16 {
      switch command {
      case .addTable: 0
      case .deleteTable: 2
      case .addChain: 3
      case .addRule: 6
      case .addSet: 9
      case .addElements: 12
      case .deleteElements: 14
      }
    }

    /// NLM_F_EXCL 0x200, so that a table that is there already is never taken over; NLM_F_CREATE 0x400, NLM_F_APPEND 0x800.
    private var createFlags: UInt16 {
      switch command {
      case .deleteTable, .deleteElements: 0
      case .addRule: 0xC00
      case .addTable: 0x600
      case .addChain, .addSet, .addElements: 0x400
      }
    }

    private func writeBody(to writer: inout MessageWriter) throws(WireError) {
      switch command {
      case .addTable(let table, let flags):
        try writer.text(1, table.name)
        try writer.big(2, flags.rawValue)
      case .deleteTable(let table):
        try writer.text(1, table.name)
      case .addChain(let table, let name, let hook, let priority):
        try writer.text(1, table.name)
        try writer.text(3, name)
        try writer.nest(4) { (writer) throws(WireError) in
          try writer.big(1, hook.rawValue)
          try writer.big(2, priority)
        }
        try writer.big(5, Verdict.accept.rawValue)  // the policy
        try writer.text(7, "filter")
      case .addSet(let table, let set):
        try writeSet(set, of: table, to: &writer)
      case .addElements(let table, let set, let id, let elements):
        try writer.text(2, set)
        if let id { try writer.big(4, id) }
        try writer.text(1, table.name)
        try writer.nest(3) { (writer) throws(WireError) in
          try writeElements(elements, to: &writer)
        }
      case .deleteElements(let table, let set, let keys):
        try writer.text(2, set)
        try writer.text(1, table.name)
        try writer.nest(3) { (writer) throws(WireError) in
          try writeElements(Elements(keys), to: &writer)
        }
      case .addRule(let table, let chain, let expressions):
        try writer.text(1, table.name)
        try writer.text(2, chain)
        try writer.nest(4) { (writer) throws(WireError) in
          for expression in expressions { try expression.write(to: &writer) }
        }
      }
    }

    private func writeSet(_ set: NewSet, of table: TableID, to writer: inout MessageWriter) throws(WireError) {
      try writer.text(1, table.name)
      try writer.text(2, set.name)
      try writer.big(3, set.flags.rawValue)
      try writer.big(4, set.key.number)
      try writer.big(5, set.key.length)
      try writer.big(10, set.id)
      if let size = set.size {
        try writer.nest(9) { (writer) throws(WireError) in try writer.big(1, size) }
      }
    }

    /// Elements of one family differ in their last bytes only, the key: the rest is laid out once.
    private func writeElements(_ elements: Elements, to writer: inout MessageWriter) throws(WireError) {
      var heads: [IPAddress.Family: [UInt8]] = [:]
      for key in elements.keys {
        if let head = heads[key.family] {
          writer.raw(head)
        } else {
          let head = try head(of: key.family, elements)
          heads[key.family] = head
          writer.raw(head)
        }
        switch key {
        case .v4(let value): writer.big(value)
        case .v6(let high, let low):
          writer.big(high)
          writer.big(low)
        }
      }
    }

    /// An element without its key.
    private func head(of family: IPAddress.Family, _ elements: Elements) throws(WireError) -> [UInt8] {
      let keyLength = family.bits / 8
      var writer = MessageWriter()
      try writer.nest(1) { (writer) throws(WireError) in
        if let timeout = elements.timeoutMilliseconds { try writer.big(4, timeout) }
        if let expiration = elements.expirationMilliseconds { try writer.big(5, expiration) }
        try writer.nest(1) { (writer) throws(WireError) in
          try writer.raw(1, [UInt8](repeating: 0, count: keyLength))
        }
      }
      return Array(writer.finish().dropLast(keyLength))
    }
  }
}

extension NFTables.Expression {
  private var name: String {
    switch self {
    case .loadProtocolFamily, .loadTransportProtocol: "meta"
    case .loadNetworkHeader, .loadTransportHeader: "payload"
    case .compare: "cmp"
    case .isInSet: "lookup"
    case .counter: "counter"
    case .verdict: "immediate"
    }
  }

  /// Writes a list element with the expression's name and data.
  fileprivate func write(to writer: inout MessageWriter) throws(WireError) {
    let register: UInt32 = 1  // NFT_REG_1
    try writer.nest(1) { (writer) throws(WireError) in
      try writer.text(1, name)
      try writer.nest(2) { (writer) throws(WireError) in
        switch self {
        case .loadProtocolFamily:
          try writer.big(2, UInt32(15))  // NFT_META_NFPROTO
          try writer.big(1, register)
        case .loadTransportProtocol:
          try writer.big(2, UInt32(16))  // NFT_META_L4PROTO
          try writer.big(1, register)
        case .loadNetworkHeader(let offset, let length):
          try Self.writePayload(base: 1, offset, length, register, to: &writer)  // NFT_PAYLOAD_NETWORK_HEADER
        case .loadTransportHeader(let offset, let length):
          try Self.writePayload(base: 2, offset, length, register, to: &writer)  // NFT_PAYLOAD_TRANSPORT_HEADER
        case .compare(let comparison, let bytes):
          try writer.big(1, register)
          try writer.big(2, comparison.rawValue)
          try writer.nest(3) { (writer) throws(WireError) in try writer.raw(1, bytes) }
        case .isInSet(let name, let id):
          try writer.big(2, register)
          try writer.text(1, name)
          try writer.big(4, id)
        case .counter: break
        case .verdict(let verdict):
          try writer.big(1, UInt32(0))  // NFT_REG_VERDICT
          try writer.nest(2) { (writer) throws(WireError) in
            try writer.nest(2) { (writer) throws(WireError) in try writer.big(1, verdict.rawValue) }
          }
        }
      }
    }
  }

  private static func writePayload(
    base: UInt32, _ offset: UInt32, _ length: UInt32, _ register: UInt32, to writer: inout MessageWriter
  ) throws(WireError) {
    try writer.big(1, register)
    try writer.big(2, base)
    try writer.big(3, offset)
    try writer.big(4, length)
  }
}
