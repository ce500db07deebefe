import Events
import Stacks
import Testing

@testable import Drill
@testable import Workload

/// A failover of topics with several partitions, as far as it is pure.
struct PartitionedFailoverTests {
  private func row(
    _ number: UInt64, _ origin: String, _ topic: String, _ partition: Int32, at offset: Int64
  ) -> KafkaEventLog.Row {
    KafkaEventLog.Row(
      id: EventID(producer: 1, sequence: number), key: UInt32(partition), keySequence: number, token: 1, origin: origin,
      partition: KafkaPartition(topic, partition), offset: offset, checksum: 7, timestamp: nil)
  }

  private var east: [KafkaEventLog.Row] {
    [
      row(1, "east", "orders", 0, at: 3), row(2, "east", "orders", 0, at: 9), row(3, "east", "orders", 1, at: 1),
      row(4, "eu", "eu.orders", 2, at: 40),
    ]
  }

  @Test func aLogOfPartitionsEndsInEachOfThem() {
    let end = KafkaStack.end(of: "east", in: east)
    #expect(end == LogEnd([0: 9, 1: 1]))
    #expect(end.covers(9, in: 0) && !end.covers(10, in: 0))
    #expect(!end.covers(2, in: 1), "the end of another partition says nothing")
    #expect(!end.covers(0, in: 2), "where nothing of its own stood, nothing had come")
    #expect(LogEnd(5).covers(5) && !LogEnd(5).covers(6) && LogEnd(5).highest == 5)
  }

  @Test func aCopyInAnotherPartitionIsADifference() {
    let wanted = ["east": Set(east.filter { $0.origin == "east" }.map(\.id))]
    var copies = [
      row(1, "east", "east.orders", 0, at: 70), row(2, "east", "east.orders", 0, at: 72),
      row(3, "east", "east.orders", 1, at: 5),
    ]
    #expect(KafkaStack.digests(east, of: wanted) == KafkaStack.digests(copies, of: wanted))
    copies[2].partition = KafkaPartition("east.orders", 2)
    let differences = StackOperator.differences([
      "east": KafkaStack.digests(east, of: wanted), "eu": KafkaStack.digests(copies, of: wanted),
    ])
    #expect(
      differences == ["bucket east/1: east 1, eu 0 events", "bucket east/2: east 0, eu 1 events"], "\(differences)")
  }
}
