extension NFTables {
  /// One change of the rule set.
  public enum Command: Sendable, Hashable {
    /// Makes a table; refused with EEXIST if there is one of that name.
    case addTable(TableID, flags: TableFlags)
    /// Removes a table with all that is in it.
    case deleteTable(TableID)
    /// Makes a chain that the kernel calls at `hook`; of several chains the one with the lower priority comes first.
    case addChain(TableID, name: String, hook: Hook, priority: Int32)
    /// Makes a chain that only verdicts of other chains call.
    case addRegularChain(TableID, name: String)
    /// Makes a set.
    case addSet(TableID, NewSet)
    /// Adds elements, with a life of `timeout`. `expiration` starts the remaining life of present elements anew.
    case addElements(TableID, set: String, id: UInt32?, Elements)
    /// Removes elements; all of them must be there.
    case deleteElements(TableID, set: String, Keys)
    /// Appends a rule to a chain.
    case addRule(TableID, chain: String, [Expression])

    /// Removes addresses; all of them must be there.
    public static func deleteElements(_ table: TableID, set: String, _ addresses: [IPAddress]) -> Command {
      .deleteElements(table, set: set, Keys.addresses(addresses))
    }
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
    public var keys: Keys
    /// Milliseconds an element lives; `nil` for ever.
    public var timeoutMilliseconds: UInt64?
    /// Milliseconds that are left of this life; `nil` for all of them on a new element and no change of an old one.
    public var expirationMilliseconds: UInt64?

    /// Describes elements.
    public init(_ keys: Keys, timeoutMilliseconds: UInt64? = nil, expirationMilliseconds: UInt64? = nil) {
      self.keys = keys
      self.timeoutMilliseconds = timeoutMilliseconds
      self.expirationMilliseconds = expirationMilliseconds
    }

    /// Describes elements that are addresses.
    public init(_ addresses: [IPAddress], timeoutMilliseconds: UInt64? = nil, expirationMilliseconds: UInt64? = nil) {
      self.init(
        .addresses(addresses), timeoutMilliseconds: timeoutMilliseconds,
        expirationMilliseconds: expirationMilliseconds)
    }
  }
}

extension NFTables.Command {
  var object: NetlinkObject {
    switch self {
    case .addTable(let table, _), .deleteTable(let table): .table(table.name)
    case .addChain(let table, let name, _, _), .addRegularChain(let table, let name):
      .chain(table: table.name, name: name)
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
    case .addChain, .addRegularChain: "NFT_MSG_NEWCHAIN"
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
    case .addRegularChain(let table, let name): "add chain \(table) \(name)"
    case .addSet(let table, let set):
      "add set \(table) \(set.name) { \(set.key)\(set.flags.words.isEmpty ? "" : "; flags \(set.flags.words)") }"
    case .addElements(let table, let set, _, let elements):
      "add element \(table) \(set) { \(elements.keys) }"
        + (elements.timeoutMilliseconds.map { ", each for \($0) ms" } ?? "")
    case .deleteElements(let table, let set, let keys): "delete element \(table) \(set) { \(keys) }"
    case .addRule(let table, let chain, let expressions):
      "add rule \(table) \(chain) \(expressions.map(\.description).joined(separator: " "))"
    }
  }
}

extension NFTables.SetFlags {
  /// `interval, timeout`
  var words: String {
    let all: [(NFTables.SetFlags, String)] = [(.interval, "interval"), (.timeout, "timeout"), (.dynamic, "dynamic")]
    return all.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
  }
}
