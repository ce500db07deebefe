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
    /// It dropped its first packet.
    case biting(FaultCounters)
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

/// What a fault dropped.
public struct FaultCounters: Sendable, Hashable, Codable {
  /// IPv4 packets and bytes; `nil` if it has no IPv4 peer.
  public var v4: NFTables.Count?
  /// IPv6 packets and bytes; `nil` if it has no IPv6 peer.
  public var v6: NFTables.Count?

  /// Counts of both families.
  public init(v4: NFTables.Count? = nil, v6: NFTables.Count? = nil) {
    self.v4 = v4
    self.v6 = v6
  }

  /// Packets of both families.
  public var packets: UInt64 { (v4?.packets ?? 0) &+ (v6?.packets ?? 0) }
}

/// How a fault ended, and the time during which it was surely in force.
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
  /// What it dropped, as last read.
  public var counters: FaultCounters

  /// Describes an end.
  public init(
    end: End, provenFromNanoseconds: Int64, provenUntilNanoseconds: Int64, goneAtNanoseconds: Int64,
    counters: FaultCounters
  ) {
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
  /// The table that will hold all of it.
  public var table: String
  /// The changes, one line each, in the words of `nft`.
  public var changes: [String]
  /// How it is undone by hand, should all else fail.
  public var undo: String

  /// Lays out what arming would do. Touches nothing.
  public init(_ fault: Fault) throws(FaultError) {
    let compiled = try fault.compile()
    self.fault = fault
    table = "\(compiled.table)"
    changes = compiled.arm(lifeMilliseconds: compiled.lifeMilliseconds(leftOfLease: fault.timing.leaseMilliseconds))
      .commands.map(\.description)
    undo =
      "end the process that owns the table, or wait \(fault.timing.silenceMilliseconds) ms: the kernel removes \(table)"
  }
}

/// That a fault is armed: when, and as what.
public struct ArmReceipt: Sendable, Hashable, Codable {
  /// The fault.
  public var fault: String
  /// The table that holds it.
  public var table: String
  /// When the batch was sent; before this moment the fault was surely not in force.
  public var sentAtNanoseconds: Int64
  /// When the kernel had applied it; from this moment it was surely in force.
  public var armedAtNanoseconds: Int64
  /// How its elements are kept alive on this kernel.
  public var refresh: CompiledFault.RefreshMethod
}
