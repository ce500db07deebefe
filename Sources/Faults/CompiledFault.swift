public import Netlink

/// A fault as kernel objects: the one batch that makes it, the one that prolongs it, the one that ends it.
public struct CompiledFault: Sendable, Hashable {
  /// The fault.
  public let fault: Fault
  /// The table that holds all of it. Deleting it, or the death of its owner's socket, removes everything.
  public let table: NFTables.TableID
  /// The sets of peers, at most one a family.
  public let sets: [PeerSet]

  /// The peers of one family.
  public struct PeerSet: Sendable, Hashable {
    /// Their family.
    public var family: IPAddress.Family
    /// The set's name.
    public var name: String
    /// The set's number within a batch.
    public var id: UInt32
    /// The peers, sorted, each once.
    public var peers: [IPAddress]
  }

  /// How a live element's remaining time is started anew.
  public enum RefreshMethod: String, Sendable, Hashable, Codable {
    /// By its expiration attribute. Kernel 6.12 and later.
    case expiration
    /// By deleting and adding it in one transaction: no packet sees a gap.
    case replacement
  }

  /// The chain of each table.
  static let chain = "in"

  /// Before connection tracking (−200), so that a dropped packet leaves no trace in it and moves none of its timers: to
  /// both ends the drop looks like a cut cable. `NF_IP_PRI_RAW`.
  static let priority: Int32 = -300

  /// Makes the fault: everything, or nothing.
  ///
  /// - Parameter lifeMilliseconds: how long the peers are cut without a refresh.
  public func arm(lifeMilliseconds: UInt64) -> NFTables.Batch {
    var commands: [NFTables.Command] = [
      .addTable(table, flags: .owner),
      .addChain(table, name: Self.chain, hook: .prerouting, priority: Self.priority),
    ]
    for set in sets {
      // Twice the number as size: the kernel then lays out a hash table that need not grow (2.5 times faster at 100,000),
      // and a replacement, which holds old and new elements for a moment, has room.
      let size = UInt32(clamping: max(16, 2 * set.peers.count))
      commands.append(
        .addSet(table, .init(set.name, id: set.id, key: .address(set.family), flags: .timeout, size: size)))
      commands.append(
        .addElements(table, set: set.name, id: set.id, .init(set.peers, timeoutMilliseconds: lifeMilliseconds)))
    }
    commands += rules.map { .addRule(table, chain: Self.chain, $0.steps) }
    return NFTables.Batch(commands)
  }

  /// Gives all elements `lifeMilliseconds` from now.
  public func refresh(lifeMilliseconds: UInt64, _ method: RefreshMethod) -> NFTables.Batch {
    switch method {
    case .expiration:
      NFTables.Batch(
        sets.map { set in
          .addElements(
            table, set: set.name, id: nil,
            .init(
              set.peers, timeoutMilliseconds: lifeMilliseconds, expirationMilliseconds: lifeMilliseconds))
        })
    case .replacement:
      NFTables.Batch(
        sets.flatMap { set -> [NFTables.Command] in
          [
            .deleteElements(table, set: set.name, set.peers),
            .addElements(table, set: set.name, id: nil, .init(set.peers, timeoutMilliseconds: lifeMilliseconds)),
          ]
        })
    }
  }

  /// Ends the fault.
  public var disarm: NFTables.Batch { NFTables.Batch([.deleteTable(table)]) }

  /// One rule, and the family whose drops it counts; `nil` if it drops nothing.
  struct Rule: Sendable {
    var counts: IPAddress.Family?
    var steps: [NFTables.Expression]
  }

  /// The rules of the chain, in order.
  var rules: [Rule] {
    sets.flatMap { set -> [Rule] in
      let drop = Rule(counts: set.family, steps: Self.drop(set))
      return set.family == .v4 ? [drop] : [Rule(counts: nil, steps: Self.passNeighbourDiscovery), drop]
    }
  }

  /// `ip saddr @peers counter drop`, in either family.
  private static func drop(_ set: PeerSet) -> [NFTables.Expression] {
    let (number, offset): (UInt8, UInt32) = set.family == .v4 ? (2, 12) : (10, 8)
    return [
      .loadProtocolFamily, .compare(.equal, [number]),
      .loadNetworkHeader(offset: offset, length: UInt32(set.family.bits / 8)), .isInSet(set.name, id: set.id),
      .counter, .verdict(.drop),
    ]
  }

  /// Lets ICMPv6 types 133 to 137 pass (RFC 4861), which are to IPv6 what ARP is to IPv4: part of the link and not of what
  /// runs over it. Without them a node that is deaf to a neighbour soon cannot send to it either, and a one-way cut would
  /// turn into a full one.
  private static let passNeighbourDiscovery: [NFTables.Expression] = [
    .loadProtocolFamily, .compare(.equal, [10]), .loadTransportProtocol, .compare(.equal, [58]),
    .loadTransportHeader(offset: 0, length: 1), .compare(.atLeast, [133]), .compare(.atMost, [137]), .verdict(.accept),
  ]
}

extension Fault {
  /// The prefix of the names of all tables that this tool makes.
  public static let tablePrefix = "bs_"

  /// Checks the fault and lays out its kernel objects. Touches nothing.
  ///
  /// - Throws: ``FaultError``: a bad name, no peer, a peer that no packet can come from, the control channel, or an effect
  ///   that this node cannot have.
  public func compile() throws(FaultError) -> CompiledFault {
    try validate()
    guard outbound == nil, inbound == .drop else {
      throw FaultError(
        .unsupported("packets are dropped where they arrive; cut the outbound side by an inbound fault on the peers"),
        fault: id, node: node)
    }
    let peers = Array(Set(targets.peers)).sorted()
    let sets = IPAddress.Family.allCases.enumerated().compactMap { index, family -> CompiledFault.PeerSet? in
      let own = peers.filter { $0.family == family }
      guard !own.isEmpty else { return nil }
      return CompiledFault.PeerSet(family: family, name: "peers_\(family)", id: UInt32(index + 1), peers: own)
    }
    return CompiledFault(
      fault: self, table: NFTables.TableID(.inet, "\(Self.tablePrefix)\(run)_\(id)"), sets: sets)
  }
}

extension CompiledFault {
  /// The life an element gets: the silence it must survive, but never more than what is left of the lease.
  func lifeMilliseconds(leftOfLease: Int64) -> UInt64 {
    UInt64(max(1, min(fault.timing.silenceMilliseconds, leftOfLease)))
  }
}
