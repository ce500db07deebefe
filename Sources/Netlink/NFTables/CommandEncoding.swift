// The wire form of each command. Attributes stand in the order in which libnftnl writes them, so that its bytes can be
// compared with ours.

extension NFTables.Command {
  /// The command as messages: one, or as many as its elements need.
  var messages: [NFTables.BatchMessage] {
    switch self {
    case .addElements(let table, let set, let id, let elements):
      return elements.parts.map { NFTables.BatchMessage(.addElements(table, set: set, id: id, $0)) }
    case .deleteElements(let table, let set, let keys):
      return NFTables.Elements(keys).parts.map { NFTables.BatchMessage(.deleteElements(table, set: set, $0.keys)) }
    default: return [NFTables.BatchMessage(self)]
    }
  }
}

extension NFTables.Elements {
  /// The length of an attribute has 16 bits, so one list of elements holds less than 64 KiB.
  var parts: [Self] {
    let most = 65_000 / bytesPerElement
    let count = keys.count
    if count <= most { return count == 0 ? [] : [self] }
    return stride(from: 0, to: count, by: most).map { start in
      var part = self
      part.keys = keys[start..<min(start + most, count)]
      return part
    }
  }

  /// An upper bound: the nest, the key in its two attributes, and two times.
  var bytesPerElement: Int {
    let times = (timeoutMilliseconds == nil ? 0 : 12) + (expirationMilliseconds == nil ? 0 : 12)
    switch keys {
    case .addresses: return 28 + times
    case .packed(let type, _): return 12 + (type.lengthBytes + 3) / 4 * 4 + times
    // A range is two elements, and the second one has flags and no times.
    case .ranges(let type, _): return 2 * (12 + (type.lengthBytes + 3) / 4 * 4) + 8 + times
    }
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
      case .addTable(let table, _), .deleteTable(let table), .addChain(let table, _, _, _),
        .addRegularChain(let table, _), .addSet(let table, _), .addElements(let table, _, _, _),
        .deleteElements(let table, _, _), .addRule(let table, _, _):
        table
      }
    }

    /// `NFT_MSG_…`
    private var number: UInt16 {
      switch command {
      case .addTable: 0
      case .deleteTable: 2
      case .addChain, .addRegularChain: 3
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
      case .addChain, .addRegularChain, .addSet, .addElements: 0x400
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
          try writer.big(1, hook.number)
          try writer.big(2, priority)
          if let device = hook.device { try writer.text(3, device) }
        }
        try writer.big(5, Verdict.accept.code)  // the policy
        try writer.text(7, "filter")
      case .addRegularChain(let table, let name):
        try writer.text(1, table.name)
        try writer.text(3, name)
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
      try writer.big(5, UInt32(set.key.lengthBytes))
      try writer.big(10, set.id)
      if let size = set.size {
        try writer.nest(9) { (writer) throws(WireError) in try writer.big(1, size) }
      }
      // A note for `nft` list, which takes keys for numbers in network order otherwise (NFTNL_UDATA_SET_KEYBYTEORDER).
      if set.key.isHostOrder { try writer.raw(13, [0, 4, 1, 0, 0, 0]) }
    }

    /// Elements of one kind differ in their last bytes only, the key: the rest is laid out once.
    private func writeElements(_ elements: Elements, to writer: inout MessageWriter) throws(WireError) {
      switch elements.keys {
      case .addresses(let addresses):
        let heads = (v4: try head(keyBytes: 4, elements), v6: try head(keyBytes: 16, elements))
        for address in addresses {
          switch address {
          case .v4(let value):
            writer.raw(heads.v4)
            writer.big(value)
          case .v6(let high, let low):
            writer.raw(heads.v6)
            writer.big(high)
            writer.big(low)
          }
        }
      case .packed(let type, let bytes):
        let length = type.lengthBytes
        guard length > 0 else { throw .badLength(field: "NFTA_SET_KEY_LEN", length: length) }
        let head = try head(keyBytes: length, elements)
        for start in stride(from: 0, through: bytes.count - length, by: length) {
          writer.raw(head)
          writer.padded(bytes[start..<(start + length)])
        }
      case .ranges(let type, let ranges):
        let first = try head(keyBytes: type.lengthBytes, elements)
        let end = try head(keyBytes: type.lengthBytes, Elements(elements.keys), flags: 1)  // INTERVAL_END
        for range in ranges {
          writer.raw(first)
          writer.padded(range.first[...])
          // A range up to the highest key has no end.
          guard let behind = range.end else { continue }
          writer.raw(end)
          writer.padded(behind[...])
        }
      }
    }

    /// An element without its key.
    private func head(keyBytes: Int, _ elements: Elements, flags: UInt32? = nil) throws(WireError) -> [UInt8] {
      var writer = MessageWriter()
      try writer.nest(1) { (writer) throws(WireError) in
        if let flags { try writer.big(3, flags) }
        if let timeout = elements.timeoutMilliseconds { try writer.big(4, timeout) }
        if let expiration = elements.expirationMilliseconds { try writer.big(5, expiration) }
        try writer.nest(1) { (writer) throws(WireError) in
          try writer.raw(1, [UInt8](repeating: 0, count: keyBytes))
        }
      }
      return Array(writer.finish().dropLast((keyBytes + 3) / 4 * 4))
    }
  }
}
