/// A digest of every prefix of a log: each record is mixed into the digest of all before it, and the digest is noted every
/// ``blockSize`` records. Two ends that have equal digests after n records have the same n records, in the same order.
///
/// Chained, so that once two logs have parted their digests never meet again: the first note that differs is found by binary
/// search, and the first record by reading one block of both logs once more.
public struct ParityChain: Sendable, Hashable {
  /// Records from one note to the next.
  public static let blockSize = 4096

  /// The digest of all records so far.
  public private(set) var digest: UInt64 = 0x6A09_E667_F3BC_C908
  /// How many records that are.
  public private(set) var count = 0
  /// The digest after every whole block.
  public private(set) var notes: [UInt64] = []

  /// The chain of an empty log.
  public init() {}

  /// Adds the next record by its content.
  public mutating func append(key: UInt64, checksum: UInt64) {
    digest = Self.mix(Self.mix(digest, key), checksum)
    count += 1
    if count % Self.blockSize == 0 { notes.append(digest) }
  }

  // The finaliser of SplitMix64 (Steele, Lea, Flood 2014) over the sum; not commutative in its arguments.
  private static func mix(_ state: UInt64, _ value: UInt64) -> UInt64 {
    var z = (state &* 0x9E37_79B9_7F4A_7C15) &+ value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The place of the first record, from 0, in which two logs differ, as far as both reach.
  ///
  /// - Parameters:
  ///   - content: reads the block of ``blockSize`` records that begins at a place from the one and the other log, as far as both
  ///     reach; it is asked for one block only.
  /// - Returns: `nil` when the shorter log is the beginning of the longer one, by all that the digests and that block tell.
  public static func firstDifference<Content: Equatable>(
    _ one: ParityChain, _ other: ParityChain, content: (_ start: Int) -> (one: [Content], other: [Content])
  ) -> Int? {
    var low = 0
    var high = min(one.notes.count, other.notes.count)
    while low < high {
      let middle = (low + high) / 2
      if one.notes[middle] == other.notes[middle] { low = middle + 1 } else { high = middle }
    }
    let start = low * blockSize
    guard start < min(one.count, other.count) else { return nil }
    let blocks = content(start)
    return zip(blocks.one, blocks.other).enumerated().first { $1.0 != $1.1 }.map { start + $0.offset }
  }
}
