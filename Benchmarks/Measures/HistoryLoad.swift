internal import Events
internal import Glibc
internal import Support

/// The operations of a made-up drill of a cluster: 64 producers send to 64 partitions, and a group reads every record.
struct HistoryLoad {
  /// The names behind the operations' numbers.
  private(set) var names = NameTable()
  /// Sends and polls, in the order in which they ended.
  private(set) var operations: [Operation] = []

  private static let width = 64
  private static let keys = 1000

  /// `count` operations, drawn from `random`.
  init(count: Int, _ random: inout SeededRandom) {
    let node = names.node("east")
    let group = names.group("billing")
    let partitions = (0..<Self.width).map { names.partition("orders-\($0)") }
    var sequences = [UInt64](repeating: 0, count: Self.width)
    var ends = [Int64](repeating: 0, count: Self.width)
    var keySequences = [UInt64](repeating: 0, count: Self.keys)
    var now: Int64 = 1_000_000_000_000
    operations.reserveCapacity(count)
    while operations.count < count {
      let producer = Int.random(in: 0..<Self.width, using: &random)
      let partition = Int.random(in: 0..<Self.width, using: &random)
      let key = Int.random(in: 0..<Self.keys, using: &random)
      now += .random(in: 0..<2000, using: &random)
      var op = Operation(
        .append, process: UInt32(producer),
        event: EventID(producer: UInt32(producer), sequence: sequences[producer]), key: UInt32(key),
        keySequence: keySequences[key], node: node, region: node, position: ends[partition],
        checksum: UInt64(UInt32.random(in: 0 ... .max, using: &random)),
        invoked: now - .random(in: 1_000_000..<1_200_000, using: &random), completed: now, outcome: .ok,
        partition: partitions[partition])
      operations.append(op)
      sequences[producer] += 1
      ends[partition] += 1
      keySequences[key] += 1
      op.kind = .poll
      op.process = UInt32(1000 + partition)
      op.group = group
      op.call = UInt64(operations.count)
      op.invoked = now - 500_000
      op.completed = now + .random(in: 0..<1000, using: &random)
      operations.append(op)
    }
  }
}

/// Processor time of this process, all its threads together, in nanoseconds.
func processorTime() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
