/// A field of an operation in a history file, format 2: its bit in an operation's mask of surprises, and its column.
@usableFromInline
enum OperationField: UInt8, CaseIterable {
  // The first seven differ most often, so that most masks are one byte.
  case partition = 0
  case position, producer, sequence, key, checksum, call
  case presence, keySequence, outcome, committed, token, transaction
  case node, region, origin, group, member, generation, incarnation, leaderEpoch, producerEpoch
  case keyHash, keyClass, lease, ttl, leaseEnd, value, expected, wall, wallUncertainty

  @inlinable var bit: UInt32 { 1 << UInt32(rawValue) }

  /// The column's number in the file.
  var column: UInt8 { rawValue + 16 }

  /// Columns that every operation has a value in.
  enum Every {
    static let kind: UInt8 = 1
    static let process: UInt8 = 2
    static let mask: UInt8 = 3
    /// When it ended; for one that never did, when it began.
    static let time: UInt8 = 4
    /// How long it took, for one that ended.
    static let duration: UInt8 = 5
    /// The upper half of checksums and hashes, so that short ones cost nothing.
    static let upper: UInt8 = 6

    static let all = [kind, process, mask, time, duration, upper]
  }
}
