extension NFTables {
  /// One change of the rule set.
  public enum Command: Sendable, Hashable {
    /// Makes a table; refused with EEXIST if there is one of that name.
    case addTable(TableID, flags: TableFlags)
    /// Removes a table with all that is in it.
    case deleteTable(TableID)
    /// Makes a chain that the kernel calls at `hook`; of several chains the one with the lower priority comes first.
    case addChain(TableID, name: String, hook: Hook, priority: Int32)
    /// Makes a set.
    case addSet(TableID, NewSet)
    /// Adds elements, with a life of `timeout`. `expiration` starts the remaining life of present elements anew.
    case addElements(TableID, set: String, id: UInt32?, Elements)
    /// Removes elements; all of them must be there.
    case deleteElements(TableID, set: String, [IPAddress])
    /// Appends a rule to a chain.
    case addRule(TableID, chain: String, [Expression])
  }

  /// A set to be made.
  public struct NewSet: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// A number by which commands of the same batch may refer to it.
    public var id: UInt32
    /// What it holds.
    public var key: KeyType
    /// Whether its elements may time out.
    public var flags: SetFlags
    /// The largest number of elements, also the first size of its hash table; `nil` for no limit.
    public var size: UInt32?

    /// Describes a set.
    public init(_ name: String, id: UInt32, key: KeyType, flags: SetFlags, size: UInt32?) {
      self.name = name
      self.id = id
      self.key = key
      self.flags = flags
      self.size = size
    }
  }

  /// Elements to be added, all with the same life.
  public struct Elements: Sendable, Hashable {
    /// The keys.
    public var keys: [IPAddress]
    /// Milliseconds an element lives; `nil` for ever.
    public var timeoutMilliseconds: UInt64?
    /// Milliseconds that are left of this life; `nil` for all of them on a new element and no change of an old one.
    public var expirationMilliseconds: UInt64?

    /// Describes elements.
    public init(_ keys: [IPAddress], timeoutMilliseconds: UInt64? = nil, expirationMilliseconds: UInt64? = nil) {
      self.keys = keys
      self.timeoutMilliseconds = timeoutMilliseconds
      self.expirationMilliseconds = expirationMilliseconds
    }
  }
}

extension NFTables.Command {
  var object: NetlinkObject {
    switch self {
    case .addTable(let table, _), .deleteTable(let table): .table(table.name)
    case .addChain(let table, let name, _, _): .chain(table: table.name, name: name)
    case .addSet(let table, let set): .set(table: table.name, name: set.name)
    case .addElements(let table, let set, _, _), .deleteElements(let table, let set, _):
      .elements(table: table.name, set: set)
    case .addRule(let table, let chain, _): .rule(table: table.name, chain: chain)
    }
  }

  /// The name of its message.
  var call: String {
    switch self {
    case .addTable: "NFT_MSG_NEWTABLE"
    case .deleteTable: "NFT_MSG_DELTABLE"
    case .addChain: "NFT_MSG_NEWCHAIN"
    case .addSet: "NFT_MSG_NEWSET"
    case .addElements: "NFT_MSG_NEWSETELEM"
    case .deleteElements: "NFT_MSG_DELSETELEM"
    case .addRule: "NFT_MSG_NEWRULE"
    }
  }
}

extension NFTables.Command: CustomStringConvertible {
  /// What the command does, in the words of `nft`, for plans and journals.
  public var description: String {
    switch self {
    case .addTable(let table, let flags):
      "add table \(table)\(flags.contains(.owner) ? " (owned by this process's socket)" : "")"
    case .deleteTable(let table): "delete table \(table)"
    case .addChain(let table, let name, let hook, let priority):
      "add chain \(table) \(name) { type filter hook \(hook) priority \(priority); policy accept; }"
    case .addSet(let table, let set):
      "add set \(table) \(set.name) { \(set.key)\(set.flags.contains(.timeout) ? "; flags timeout" : "") }"
    case .addElements(let table, let set, _, let elements):
      "add element \(table) \(set) { \(Self.brief(elements.keys)) }"
        + (elements.timeoutMilliseconds.map { ", each for \($0) ms" } ?? "")
    case .deleteElements(let table, let set, let keys): "delete element \(table) \(set) { \(Self.brief(keys)) }"
    case .addRule(let table, let chain, let expressions):
      "add rule \(table) \(chain) \(expressions.map(\.description).joined(separator: " "))"
    }
  }

  private static func brief(_ keys: [IPAddress]) -> String {
    let shown = keys.prefix(8).map(\.description).joined(separator: ", ")
    return keys.count > 8 ? "\(shown), … \(keys.count) in all" : shown
  }
}

extension NFTables.KeyType: CustomStringConvertible {
  /// `type ipv4_addr`.
  public var description: String {
    switch self {
    case .address(.v4): "type ipv4_addr"
    case .address(.v6): "type ipv6_addr"
    }
  }
}

extension NFTables.Expression: CustomStringConvertible {
  /// One step in words near to those of `nft`.
  public var description: String {
    switch self {
    case .loadProtocolFamily: "meta nfproto"
    case .loadNetworkHeader(12, 4): "ip saddr"
    case .loadNetworkHeader(16, 4): "ip daddr"
    case .loadNetworkHeader(8, 16): "ip6 saddr"
    case .loadNetworkHeader(24, 16): "ip6 daddr"
    case .loadNetworkHeader(let offset, let length): "@nh,\(offset * 8),\(length * 8)"
    case .loadTransportProtocol: "meta l4proto"
    case .loadTransportHeader(let offset, let length): "@th,\(offset * 8),\(length * 8)"
    case .compare(.equal, let bytes): "\(Self.number(bytes))"
    case .compare(.atMost, let bytes): "<= \(Self.number(bytes))"
    case .compare(.atLeast, let bytes): ">= \(Self.number(bytes))"
    case .isInSet(let name, _): "@\(name)"
    case .counter: "counter"
    case .verdict(let verdict): "\(verdict)"
    }
  }

  private static func number(_ bytes: [UInt8]) -> String {
    bytes.count == 1
      ? "\(bytes[0])" : "0x" + bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
