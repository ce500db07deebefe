extension NFTables {
  /// A table as the kernel lists it.
  public struct Table: Sendable, Hashable {
    /// Its family and name.
    public var id: TableID
    /// Its flags.
    public var flags: TableFlags
    /// The port of the socket that owns it, if it is owned.
    public var owner: UInt32?
  }

  /// A chain as the kernel lists it.
  public struct Chain: Sendable, Hashable {
    /// Its table.
    public var table: TableID
    /// Its name.
    public var name: String
    /// Where it is called; `nil` for one that only other chains call.
    public var hook: UInt32?
    /// Its place among the chains of a hook.
    public var priority: Int32?
    /// Its devices, in the netdev family.
    public var devices: [String]
    /// What happens to packets that no rule decides on; 0 drops, 1 accepts.
    public var policy: UInt32?
    /// `filter`, `nat` or `route`.
    public var type: String?
  }

  /// A set or map as the kernel lists it, without its elements.
  public struct SetDescription: Sendable, Hashable {
    /// Its table.
    public var table: TableID
    /// Its name.
    public var name: String
    /// Its flags.
    public var flags: SetFlags
    /// What `nft` prints its keys as.
    public var keyType: UInt32
    /// Bytes of a key.
    public var keyLengthBytes: UInt32
    /// The most elements, if limited.
    public var size: UInt32?
    /// The life of its elements if they state none, milliseconds.
    public var timeoutMilliseconds: UInt64?
  }

  /// An element of a set.
  public struct Element: Sendable, Hashable {
    /// Its key, in network order.
    public var key: [UInt8]
    /// Its life, milliseconds.
    public var timeoutMilliseconds: UInt64?
    /// What is left of it, milliseconds.
    public var expirationMilliseconds: UInt64?
    /// Everything else of it that does not change by itself, as bytes.
    public var rest: [UInt8]
  }

  /// Packets and bytes that a rule counted.
  public struct Count: Sendable, Hashable, Codable {
    /// Packets. One packet may be up to 64 KiB where offloads bundle them.
    public var packets: UInt64
    /// Bytes.
    public var bytes: UInt64

    /// Packets and bytes.
    public init(packets: UInt64 = 0, bytes: UInt64 = 0) {
      self.packets = packets
      self.bytes = bytes
    }

    /// The sum of two counts.
    public static func + (left: Count, right: Count) -> Count {
      Count(packets: left.packets &+ right.packets, bytes: left.bytes &+ right.bytes)
    }
  }

  /// A rule as the kernel lists it.
  public struct Rule: Sendable, Hashable {
    /// Its table.
    public var table: TableID
    /// Its chain.
    public var chain: String
    /// Its number in the table.
    public var handle: UInt64
    /// Its steps: name and encoded data, without what changes by itself.
    public var steps: [Step]
    /// The counts of its counters, in order.
    public var counts: [Count]

    /// One step of a rule.
    public struct Step: Sendable, Hashable {
      /// The expression's name.
      public var name: String
      /// Its attributes as bytes.
      public var data: [UInt8]
    }
  }

  /// All that nf_tables does in a namespace, at one generation.
  public struct Ruleset: Sendable, Hashable {
    /// All tables, those of other owners included.
    public var tables: [Table]
    /// All chains.
    public var chains: [Chain]
    /// All sets and maps.
    public var sets: [SetDescription]
    /// The elements of the sets that do not change by themselves.
    public var elements: [[Element]]
    /// All rules.
    public var rules: [Rule]
    /// Named objects and flow tables, as bytes without what changes by itself.
    public var others: [[UInt8]]

    /// The rule set as text, one line an object, for comparison of two moments.
    ///
    /// Left out is what changes without anybody's doing: counts, handles, use counts, the port of an owner, and the
    /// elements of sets that packets or time may change.
    public var canonicalLines: [String] {
      var lines = tables.map { "table \($0.id) flags \($0.flags.rawValue)" }
      lines += chains.map { chain in
        let place = chain.hook.map { " hook \($0) priority \(chain.priority ?? 0)" } ?? ""
        let policy = chain.policy.map { " policy \($0)" } ?? ""
        return "chain \(chain.table) \(chain.name) \(chain.type ?? "-")\(place)\(policy) \(chain.devices)"
      }
      for (set, elements) in zip(sets, elements) {
        let head = "set \(set.table) \(set.name)"
        lines.append(
          "\(head) flags \(set.flags.rawValue) key \(set.keyType):\(set.keyLengthBytes) size \(set.size ?? 0) "
            + "timeout \(set.timeoutMilliseconds ?? 0)")
        lines += elements.map { "element \(head) \(hex($0.key)) \(hex($0.rest))" }
      }
      // The order of rules in a chain is part of their meaning.
      var places: [String: Int] = [:]
      for rule in rules {
        let chain = "\(rule.table) \(rule.chain)"
        let place = places[chain, default: 0]
        places[chain] = place + 1
        let steps = rule.steps.map { "\($0.name)(\(hex($0.data)))" }.joined(separator: " ")
        lines.append("rule \(chain) #\(place) \(steps)")
      }
      lines += others.map { "object \(hex($0))" }
      return lines.sorted()
    }
  }
}
