internal import Events

/// A set of events at a bit an event: identities are dense, so most of a chunk is used before the next one is made.
struct EventSet: Sendable {
  private struct Chunk: Hashable {
    var producer: UInt32
    var number: UInt64
  }

  private static let chunkBits: UInt64 = 4096
  private var chunks: [Chunk: [UInt64]] = [:]
  /// How many events are in it.
  private(set) var count = 0

  /// Adds an event. Returns whether it is new.
  mutating func insert(_ event: EventID) -> Bool {
    let chunk = Chunk(producer: event.producer, number: event.sequence / Self.chunkBits)
    let bit = event.sequence % Self.chunkBits
    let mask: UInt64 = 1 << (bit % 64)
    let word = Int(bit / 64)
    let isNew = chunks[chunk].map { $0[word] & mask == 0 } ?? true
    guard isNew else { return false }
    chunks[chunk, default: [UInt64](repeating: 0, count: Int(Self.chunkBits) / 64)][word] |= mask
    count += 1
    return true
  }

  func contains(_ event: EventID) -> Bool {
    let bit = event.sequence % Self.chunkBits
    let chunk = Chunk(producer: event.producer, number: event.sequence / Self.chunkBits)
    guard let words = chunks[chunk] else { return false }
    return words[Int(bit / 64)] & (1 << (bit % 64)) != 0
  }
}
