extension NFTables {
  /// A socket to the nf_tables of one namespace. Tables made with the owner flag through it live as long as it does.
  public final class Connection: Sendable {
    private let socket: NetlinkSocket

    /// Opens a connection to `namespace`. Its send buffer takes a batch of 1.5 million elements in one piece.
    ///
    /// - Parameter openedByThisThread: the calling thread has entered the namespace for good and opens the socket itself;
    ///   with a descriptor table of its own it must also be the one that uses and closes it.
    /// - Throws: ``NetlinkError`` with EPERM without CAP_NET_ADMIN.
    public init(in namespace: NetworkNamespace, openedByThisThread: Bool = false) throws(NetlinkError) {
      socket = try NetlinkSocket(
        .netfilter, in: namespace, openedByThisThread: openedByThisThread, bufferBytes: 64 << 20,
        limit: .seconds(10))
    }

    /// Closes the socket; its owned tables have no effect from this moment.
    public func close() {
      socket.close()
    }

    /// The number by which the kernel names this socket as an owner.
    public var port: UInt32 { socket.port }

    /// Applies a batch as one transaction.
    ///
    /// - Throws: the first of the kernel's refusals; nothing of the batch was applied then.
    public func commit(_ batch: Batch) throws(NetlinkError) {
      let messages = batch.commands.flatMap(\.messages)
      guard !messages.isEmpty else { return }
      try socket.transaction(Batch.labels(messages)) { (writer, first) throws(WireError) in
        try Batch.write(messages, to: &writer, firstSequence: first)
      }
    }

    /// A number that changes with every change of the rule set by anybody.
    public func generation() throws(NetlinkError) -> UInt32 {
      let label = NetlinkSocket.Label(call: "NFT_MSG_GETGEN", object: .dump("generation"))
      let message = try socket.get(label) { (writer, sequence) throws(WireError) in
        try writer.message(type: 10 << 8 | 16, flags: 1, sequence: sequence) { $0.raw([0, 0, 0, 0]) }
      }
      return try decoded(label) { () throws(WireError) in try NFTables.decodeGeneration(message) }
    }

    /// The table of that name, or `nil` if there is none.
    public func table(_ id: TableID) throws(NetlinkError) -> Table? {
      let label = NetlinkSocket.Label(call: "NFT_MSG_GETTABLE", object: .table(id.name))
      do {
        let message = try socket.get(label) { (writer, sequence) throws(WireError) in
          try writer.message(type: 10 << 8 | 1, flags: 1, sequence: sequence) { (writer) throws(WireError) in
            writer.raw([id.family.rawValue, 0, 0, 0])
            try writer.text(1, id.name)
          }
        }
        return try decoded(label) { () throws(WireError) in try NFTables.decodeTable(message) }
      } catch {
        if error.errno == 2 { return nil }  // ENOENT
        throw error
      }
    }

    /// All tables of all families.
    public func tables() throws(NetlinkError) -> [Table] {
      try list("NFT_MSG_GETTABLE", "tables", type: 1, NFTables.decodeTable)
    }

    /// The rules of a table, or of all tables.
    public func rules(of table: TableID? = nil) throws(NetlinkError) -> [Rule] {
      try list("NFT_MSG_GETRULE", "rules", type: 7, family: table?.family, table: table?.name, NFTables.decodeRule)
        .filter { table == nil || $0.table == table }
    }

    /// The elements of a set.
    ///
    /// The kernel lists a hash set in pieces and finds its place again by counting. When the table is laid out anew
    /// between two pieces, some elements come twice and others not at all, without any sign of it but the double ones;
    /// such a list is asked for again. A list that fits one piece (some 300 elements) is always right.
    public func elements(of set: String, in table: TableID) throws(NetlinkError) -> [Element] {
      let what = "elements of \(table) \(set)"
      let tries = 20
      for _ in 0..<tries {
        let elements = try list(
          "NFT_MSG_GETSETELEM", what, type: 13, family: table.family, table: table.name, set: set,
          NFTables.decodeElements
        ).flatMap { $0 }
        // The two ends of a range have one key each, and differ in their flags.
        if Set(elements.map { $0.key + [0] + $0.rest }).count == elements.count { return elements }
      }
      throw NetlinkError(
        .unstable(tries: tries), call: "NFT_MSG_GETSETELEM", object: .dump(what), namespace: socket.namespaceName)
    }

    /// Everything, read again until nobody changed it meanwhile.
    public func ruleset() throws(NetlinkError) -> Ruleset {
      let tries = 20
      for _ in 0..<tries {
        let before = try generation()
        do {
          let ruleset = try readRuleset()
          if try generation() == before { return ruleset }
        } catch {
          // A set that was deleted between its listing and that of its elements; the generation tells.
          if try generation() == before { throw error }
        }
      }
      throw NetlinkError(
        .unstable(tries: tries), call: "dump", object: .dump("ruleset"), namespace: socket.namespaceName)
    }

    private func readRuleset() throws(NetlinkError) -> Ruleset {
      let sets = try list("NFT_MSG_GETSET", "sets", type: 10, NFTables.decodeSet)
      var elements: [[Element]] = []
      for set in sets {
        let changesByItself = !set.flags.isDisjoint(with: [.timeout, .dynamic])
        elements.append(changesByItself ? [] : try self.elements(of: set.name, in: set.table))
      }
      return Ruleset(
        tables: try tables(),
        chains: try list("NFT_MSG_GETCHAIN", "chains", type: 4, NFTables.decodeChain),
        sets: sets, elements: elements, rules: try rules(),
        others: try list("NFT_MSG_GETOBJ", "objects", type: 19, NFTables.decodeOther)
          + list("NFT_MSG_GETFLOWTABLE", "flow tables", type: 23, NFTables.decodeOther))
    }

    private func list<T>(
      _ call: String, _ what: String, type: UInt16, family: Family? = nil, table: String? = nil, set: String? = nil,
      _ decode: (Message) throws(WireError) -> T
    ) throws(NetlinkError) -> [T] {
      let label = NetlinkSocket.Label(call: call, object: .dump(what))
      let messages = try socket.dump(label) { (writer, sequence) throws(WireError) in
        try writer.message(type: 10 << 8 | type, flags: 0x301, sequence: sequence) { (writer) throws(WireError) in
          writer.raw([family?.rawValue ?? 0, 0, 0, 0])
          if let table { try writer.text(1, table) }
          if let set { try writer.text(2, set) }
        }
      }
      return try decoded(label) { () throws(WireError) in try messages.map(decode) }
    }

    private func decoded<T>(
      _ label: NetlinkSocket.Label, _ decode: () throws(WireError) -> T
    ) throws(NetlinkError) -> T {
      do { return try decode() } catch {
        throw NetlinkError(
          .malformed(error), call: label.call, object: label.object, namespace: socket.namespaceName)
      }
    }
  }
}
