internal import Checks
internal import Support

/// Events of 64 producers, 64 logs and a reader each, made on the fly: every send is acknowledged and read soon after.
struct CheckLoad {
  private struct Record {
    var producer: UInt32 = 0
    var sequence: UInt64 = 0
    var key: UInt32 = 0
    var keySequence: UInt32 = 0
    var checksum: UInt32 = 0
  }

  static let width = 64
  private static let kept = 256

  /// Operations made so far: a send with its acknowledgement is one, and a record read is one.
  private(set) var operations = 0
  private let isOpaque: Bool
  private var random: SeededRandom
  private var sequences = [UInt64](repeating: 0, count: width)
  private var keySequences = [UInt32](repeating: 0, count: width * width)
  private var ends = [Int64](repeating: 0, count: width)
  private var positions = [Int64](repeating: 0, count: width)
  private var records = [Record](repeating: Record(), count: width * kept)
  private var call: UInt32 = 0

  init(isOpaque: Bool, seed: UInt64) {
    self.isOpaque = isOpaque
    random = SeededRandom(seed: seed, for: "check load")
  }

  /// Replaces `events` by the next ones, `count` or some more.
  mutating func fill(_ events: inout [LogEvent], _ count: Int) {
    events.removeAll(keepingCapacity: true)
    while events.count < count { step(&events) }
  }

  private mutating func step(_ events: inout [LogEvent]) {
    let draw = random.next()
    let producer = Int(draw % 64)
    // Each producer has 64 keys, one a log.
    let log = Int(draw >> 8 % 64)
    let key = producer * Self.width + log
    call &+= 1
    keySequences[key] += 1
    var record = Record()
    record.producer = isOpaque ? LogEvent.opaque : UInt32(producer)
    record.sequence = sequences[producer]
    if isOpaque { record.sequence = (UInt64(producer) << 40 | record.sequence) &* 0x9E37_79B9_7F4A_7C15 }
    sequences[producer] += 1
    record.key = UInt32(key)
    record.keySequence = keySequences[key]
    record.checksum = UInt32(truncatingIfNeeded: draw >> 24) | 1
    let offset = ends[log]
    ends[log] += 1
    records[log * Self.kept + Int(offset) % Self.kept] = record
    var event = event(.sendInvoked, record, log, offset: LogEvent.unmeasured, process: UInt32(producer))
    events.append(event)
    event.kind = .sendAcknowledged
    event.offset = offset
    events.append(event)
    operations += 1
    if draw >> 56 % 16 == 0 || ends[log] - positions[log] > 100 { read(log, behind: Int64(draw >> 60), &events) }
  }

  private mutating func read(_ log: Int, behind: Int64, _ events: inout [LogEvent]) {
    call &+= 1
    while positions[log] < ends[log] - behind {
      let offset = positions[log]
      let record = records[log * Self.kept + Int(offset) % Self.kept]
      events.append(event(.polled, record, log, offset: offset, process: UInt32(Self.width + log)))
      positions[log] += 1
      operations += 1
    }
  }

  private func event(
    _ kind: LogEvent.Kind, _ record: Record, _ log: Int, offset: Int64, process: UInt32
  ) -> LogEvent {
    LogEvent(
      kind, log: UInt16(log), process: process, operation: max(1, call), producer: record.producer,
      sequence: record.sequence, offset: offset, key: record.key, keySequence: record.keySequence,
      checksum: record.checksum)
  }
}
