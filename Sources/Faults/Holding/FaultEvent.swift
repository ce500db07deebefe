public import Netlink

/// Something that happened to a held fault, for the journal.
public struct FaultEvent: Sendable, Hashable, Codable {
  /// The fault.
  public var fault: String
  /// Its node.
  public var node: String
  /// When, nanoseconds on CLOCK_MONOTONIC.
  public var atNanoseconds: Int64
  /// What.
  public var kind: Kind

  /// What can happen.
  public enum Kind: Sendable, Hashable, Codable {
    /// The kernel applied it.
    case armed
    /// It did something to its first packet.
    case biting(FaultCounters)
    /// A flapping fault's turn in force is over. Nanoseconds on CLOCK_MONOTONIC: it was surely in force between the two.
    case turn(fromNanoseconds: Int64, untilNanoseconds: Int64)
    /// One of its names stands for other addresses now, and its sets hold them.
    case nameChanged(NameChange)
    /// One of its names could not be asked about, or its sets not be changed; they hold what they held. The text says why.
    case nameNotFollowed(String, String)
    /// A heartbeat failed; the fault still lives until the kernel's time is out.
    case heartbeatFailed(String)
    /// It ended.
    case ended(FaultOutcome)
  }

  /// Describes an event.
  public init(fault: String, node: String, atNanoseconds: Int64, kind: Kind) {
    self.fault = fault
    self.node = node
    self.atNanoseconds = atNanoseconds
    self.kind = kind
  }
}

/// What a fault did to packets until now.
public struct FaultCounters: Sendable, Hashable, Codable {
  /// What it did to the packets of one family in one direction. What it does not do is `nil`.
  public struct Tally: Sendable, Hashable, Codable {
    /// Packets that were looked at: a loss was drawn for them, lost or not, or they may be answers that are to change.
    public var drawn: NFTables.Count?
    /// Packets that were thrown away, swallowed or refused.
    public var stopped: NFTables.Count?
    /// Packets that were handed to a queue of ours, to be held back, counted out or changed.
    public var shaped: NFTables.Count?

    /// Counts by fate.
    public init(drawn: NFTables.Count? = nil, stopped: NFTables.Count? = nil, shaped: NFTables.Count? = nil) {
      self.drawn = drawn
      self.stopped = stopped
      self.shaped = shaped
    }

    /// What something happened to; a packet that was held back and then lost counts twice.
    public var hit: NFTables.Count { (stopped ?? .init()) + (shaped ?? .init()) }
  }

  /// One direction by family; `nil` for a family that the fault does not touch.
  public struct Side: Sendable, Hashable, Codable {
    /// IPv4.
    public var v4: Tally?
    /// IPv6.
    public var v6: Tally?

    /// Both families.
    public init(v4: Tally? = nil, v6: Tally? = nil) {
      self.v4 = v4
      self.v6 = v6
    }

    /// Packets of both families that something happened to.
    public var packets: UInt64 { (v4?.hit.packets ?? 0) &+ (v6?.hit.packets ?? 0) }
  }

  /// What happened to packets that arrived; `nil` if nothing was to happen to them.
  public var inbound: Side?
  /// What happened to packets that left.
  public var outbound: Side?

  /// What the delay line did to packets that arrived; `nil` without one.
  public var inboundLine: DelayLine.Counters?
  /// What the delay line did to packets that left.
  public var outboundLine: DelayLine.Counters?

  /// Connections that were destroyed at arming; `nil` if none were to be.
  public var connectionsDestroyed: Int?

  /// What an inner fault did; `nil` for one on packets.
  public var inner: InnerCounters?

  /// Counts of both directions, or of an inner fault.
  public init(inbound: Side? = nil, outbound: Side? = nil, inner: InnerCounters? = nil) {
    self.inbound = inbound
    self.outbound = outbound
    self.inner = inner
  }

  /// IPv4 packets of both directions that something happened to; `nil` if none can.
  public var v4: NFTables.Count? { sum(\.v4) }
  /// IPv6 packets of both directions that something happened to; `nil` if none can.
  public var v6: NFTables.Count? { sum(\.v6) }

  /// Packets of both families and directions that something happened to.
  public var packets: UInt64 {
    (inbound?.packets ?? 0) &+ (outbound?.packets ?? 0) &+ (inboundLine?.answers?.hit ?? 0)
  }

  private func sum(_ family: KeyPath<Side, Tally?>) -> NFTables.Count? {
    let tallies = [inbound, outbound].compactMap { $0?[keyPath: family] }
    return tallies.isEmpty ? nil : tallies.map(\.hit).reduce(NFTables.Count(), +)
  }

  /// Adds what one counter of a rule shows.
  mutating func add(_ count: NFTables.Count, to counter: CompiledFault.Counter) {
    let family: WritableKeyPath<Side, Tally?> = counter.family == .v4 ? \.v4 : \.v6
    let fate: WritableKeyPath<Tally, NFTables.Count?> =
      switch counter.fate {
      case .drawn: \.drawn
      case .stopped: \.stopped
      case .shaped: \.shaped
      }
    let direction: WritableKeyPath<Self, Side?> = counter.direction == .inbound ? \.inbound : \.outbound
    var side = self[keyPath: direction] ?? Side()
    var tally = side[keyPath: family] ?? Tally()
    tally[keyPath: fate] = (tally[keyPath: fate] ?? .init()) + count
    side[keyPath: family] = tally
    self[keyPath: direction] = side
  }
}

/// How a fault ended, and the time during which it was surely in force. Of a flapping fault that time reaches from its
/// first turn to its last, and each turn was reported by itself.
public struct FaultOutcome: Sendable, Hashable, Codable {
  /// Why it ended.
  public enum End: Sendable, Hashable, Codable {
    /// It was asked to.
    case disarmed
    /// Its lease ran out.
    case leaseExpired
    /// Its heartbeat came too late, and the kernel let it go.
    case lapsed
    /// Somebody removed it, or part of it; the text says what is missing.
    case vanished(String)
  }

  /// Why it ended.
  public var end: End
  /// In force since, nanoseconds on CLOCK_MONOTONIC.
  public var provenFromNanoseconds: Int64
  /// In force at least until then: later is not claimed.
  public var provenUntilNanoseconds: Int64
  /// When its absence was verified.
  public var goneAtNanoseconds: Int64
  /// What it did to packets, as last read.
  public var counters: FaultCounters
  /// What could not be removed and has no effect any more, in words; the guardian and `recover` go on from there.
  public var left: [String]
  /// What was seen of its absence, one line each; `nil` where the node's snapshots say it.
  public var evidence: [String]?

  /// Describes an end.
  public init(
    end: End, provenFromNanoseconds: Int64, provenUntilNanoseconds: Int64, goneAtNanoseconds: Int64,
    counters: FaultCounters, left: [String] = []
  ) {
    self.left = left
    evidence = nil
    self.end = end
    self.provenFromNanoseconds = provenFromNanoseconds
    self.provenUntilNanoseconds = provenUntilNanoseconds
    self.goneAtNanoseconds = goneAtNanoseconds
    self.counters = counters
  }
}

/// What arming a fault will do to a node, to be journalled before it is done.
public struct FaultPlan: Sendable, Hashable, Codable {
  /// The fault.
  public var fault: Fault
  /// The tables that will hold all of it, `inet bs_run_fault, netdev bs_run_fault`; empty if it needs none.
  public var table: String
  /// The changes, one line each, in the words of `nft`.
  public var changes: [String]
  /// How each part is made on that node, and why.
  public var mechanisms: [MechanismChoice]
  /// How it is undone by hand, should all else fail.
  public var undo: String

  /// Lays out what arming would do. Touches nothing.
  ///
  /// - Parameter node: what the node can do and which devices it has.
  public init(_ fault: Fault, on node: NodeProfile = .unknown) throws(FaultError) {
    let compiled = try fault.compile(for: node)
    self.fault = fault
    table = compiled.tableNames
    changes = compiled.changes
    mechanisms = compiled.mechanisms
    undo =
      compiled.tables.isEmpty
      ? "nothing stays that could be undone"
      : "end the process that owns the table, or wait \(fault.timing.silenceMilliseconds) ms: the kernel removes \(table)"
    if !compiled.scaffolds.isEmpty {
      undo +=
        "; then, without effect by now, ip link delete "
        + compiled.scaffolds.map(\.name.interface).joined(separator: ", ")
    }
  }
}

/// That a fault is armed: when, and as what.
public struct ArmReceipt: Sendable, Hashable, Codable {
  /// The fault.
  public var fault: String
  /// The tables that hold it, as in ``FaultPlan/table``.
  public var table: String
  /// When the batch was sent; before this moment the fault was surely not in force.
  public var sentAtNanoseconds: Int64
  /// When the kernel had applied it; from this moment it was surely in force.
  public var armedAtNanoseconds: Int64
  /// How its elements are kept alive on this kernel.
  public var refresh: CompiledFault.RefreshMethod
  /// How each part was made, and why.
  public var mechanisms: [MechanismChoice]
  /// How many connections were destroyed; 0 also when none were to be.
  public var connectionsDestroyed: Int
  /// What the targets' names stood for at arming.
  public var names: [ResolvedName] = []
  /// What the owner of the targets' sockets was found to be, a line each.
  public var owners: [String] = []
}
