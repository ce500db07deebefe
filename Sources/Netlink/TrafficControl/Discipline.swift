/// A queueing discipline to be made.
public enum Discipline: Sendable, Hashable, Codable {
  /// Delays, loses, doubles, damages and reorders. Not on every kernel.
  case netem(Netem)
  /// Lets a rate through.
  case tokenBucket(TokenBucket)
  /// Classes with a rate each; packets without a class go to the one with this minor number, or past all of them if 0.
  case hierarchicalTokenBucket(defaultMinor: UInt16)
  /// A queue of so many packets.
  case packetQueue(limit: UInt32)
  /// A queue of so many bytes.
  case byteQueue(limit: UInt32)

  /// The name that the kernel knows it by.
  public var kind: String {
    switch self {
    case .netem: "netem"
    case .tokenBucket: "tbf"
    case .hierarchicalTokenBucket: "htb"
    case .packetQueue: "pfifo"
    case .byteQueue: "bfifo"
    }
  }
}

/// A rate with what may pass at once beyond it, and a queue for the rest (`sch_tbf`).
public struct TokenBucket: Sendable, Hashable, Codable {
  /// Bytes a second.
  public var bytesPerSecond: UInt64
  /// Bytes that may pass at once. Longer packets can never pass: offloads make them up to 64 KiB, which the kernel splits
  /// if they are of TCP. Never below what the rate gives in one tick of the kernel.
  public var burstBytes: UInt32
  /// Bytes that wait; more are dropped.
  public var queueBytes: UInt32

  /// Describes a bucket.
  public init(bytesPerSecond: UInt64, burstBytes: UInt32, queueBytes: UInt32) {
    self.bytesPerSecond = bytesPerSecond
    self.burstBytes = burstBytes
    self.queueBytes = queueBytes
  }
}

/// A class of a hierarchical token bucket (`sch_htb`). It borrows from nobody: its rate is also its ceiling.
public struct BucketClass: Sendable, Hashable, Codable {
  /// Bytes a second.
  public var bytesPerSecond: UInt64
  /// Bytes that may pass at once.
  public var burstBytes: UInt32
  /// Bytes that are sent in one turn among equals.
  public var quantumBytes: UInt32

  /// Describes a class.
  public init(bytesPerSecond: UInt64, burstBytes: UInt32, quantumBytes: UInt32 = 60_000) {
    self.bytesPerSecond = bytesPerSecond
    self.burstBytes = burstBytes
    self.quantumBytes = quantumBytes
  }
}
