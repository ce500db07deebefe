internal import Support
internal import Synchronization

/// What is known of the records that a mirror carries: when each was sent to the source, and when and how often it was seen
/// at the target. A record's identity is its number.
final class MirrorWatch: Sendable {
  private struct Contents {
    /// By number: when it was sent (ns, monotonic).
    var sent: [Int64] = []
    /// By number: whether the source acknowledged it.
    var acknowledged: [Bool] = []
    /// By number: how often the target showed it.
    var times: [UInt8] = []
    var seen = 0
    /// Of the records seen, the one that was sent last.
    var newest: (sent: Int64, seen: Int64)?
    /// By partition of the target: whether what is read there is a repetition, and how long it has been so far.
    var repeating: [Int32: (from: Int, length: Int)] = [:]
    var stretches: [String] = []
    var isProducing = true
    var isReading = true
  }

  private let contents = Mutex(Contents())

  /// The number of the next record, which is sent now.
  func next(at time: Int64) -> Int {
    contents.withLock { contents in
      contents.sent.append(time)
      contents.acknowledged.append(false)
      contents.times.append(0)
      return contents.times.count - 1
    }
  }

  /// The source has it.
  func acknowledge(_ number: Int) { contents.withLock { $0.acknowledged[number] = true } }

  /// The target shows it, in this partition.
  func see(_ number: Int, in partition: Int32, at time: Int64) {
    contents.withLock { contents in
      guard contents.times.indices.contains(number) else { return }
      contents.times[number] &+= 1
      if contents.times[number] > 1 {
        contents.repeating[partition, default: (number, 0)].length += 1
        return
      }
      close(partition, &contents)
      contents.seen += 1
      if contents.sent[number] > contents.newest?.sent ?? .min { contents.newest = (contents.sent[number], time) }
    }
  }

  private func close(_ partition: Int32, _ contents: inout Contents) {
    guard let (first, length) = contents.repeating.removeValue(forKey: partition) else { return }
    contents.stretches.append("partition \(partition), \(length) records from \(first) on")
  }

  /// When a record was seen at the target that was sent only after `moment`; `nil`: none was yet.
  func progress(after moment: Int64) -> Int64? {
    contents.withLock { $0.newest.flatMap { $0.sent > moment ? $0.seen : nil } }
  }

  /// Nothing is written any more.
  func endProduction() { contents.withLock { $0.isProducing = false } }

  /// Nothing is read any more.
  func endReading() { contents.withLock { $0.isReading = false } }

  var isProducing: Bool { contents.withLock(\.isProducing) }
  var isReading: Bool { contents.withLock(\.isReading) }

  /// How many different records the target has shown.
  var seen: Int { contents.withLock(\.seen) }

  /// How many records the source has.
  var acknowledged: Int { contents.withLock { $0.acknowledged.count { $0 } } }

  /// How many of those the target never showed.
  var lost: Int {
    contents.withLock { contents in
      contents.acknowledged.indices.count { contents.acknowledged[$0] && contents.times[$0] == 0 }
    }
  }

  /// Whether all that was written is at the target.
  var isComplete: Bool { !isProducing && lost == 0 }

  /// The records that the target has shown more than once.
  var duplicates: [String] {
    contents.withLock { contents in
      contents.times.indices.filter { contents.times[$0] > 1 }.map(MirrorStream.identity)
    }
  }

  /// Each time that the mirror went back.
  var stretches: [String] {
    contents.withLock { contents in
      for partition in contents.repeating.keys.sorted() { close(partition, &contents) }
      return contents.stretches
    }
  }
}
