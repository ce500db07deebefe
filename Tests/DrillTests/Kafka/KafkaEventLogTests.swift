import Events
import Stacks
import Testing

@testable import Drill
@testable import Workload

struct KafkaEventLogTests {
  private let log = KafkaEventLog(topic: "orders", partitions: 2, stores: ["east", "eu"])

  private let event = Workload.NewEvent(
    id: EventID(producer: 3, sequence: 142), key: 7, keySequence: 9, causation: EventID(producer: 3, sequence: 140),
    payload: [1, 2, 3], checksum: payloadChecksum([1, 2, 3]), wall: 1_500_000_000)

  private func message(_ record: KafkaRecord, in topic: String, at offset: Int64) -> KafkaMessage {
    KafkaMessage(
      partition: KafkaPartition(topic, record.partition ?? 0), offset: offset,
      timestampMilliseconds: record.timestampMilliseconds, key: record.key, value: record.value, headers: record.headers
    )
  }

  @Test func anEventComesBackFromItsOwnAndFromTheMirroredTopic() throws {
    let record = log.record(event, token: 12)
    #expect(record.partition == 1 && record.timestampMilliseconds == 1500)
    let own = try #require(log.row(message(record, in: "orders", at: 5), in: "east"))
    #expect(own.id == event.id && own.key == 7 && own.keySequence == 9 && own.token == 12 && own.origin == "east")
    #expect(own.checksum == event.checksum)
    let mirrored = try #require(log.row(message(record, in: "east.orders", at: 8), in: "eu"))
    #expect(mirrored.id == event.id && mirrored.origin == "east")
    // In a topic that is none of the store's, it is nobody's event.
    #expect(log.row(message(record, in: "east.orders", at: 8), in: "east") == nil)
  }

  @Test func aRecordWithoutOurIdentityIsNoEvent() {
    var record = log.record(event, token: 12)
    record.headers.removeAll { $0.name == "bs-id" }
    #expect(log.row(message(record, in: "orders", at: 5), in: "east") == nil)
    record.headers.append(KafkaHeader("bs-id", "p03-1"))
    #expect(log.row(message(record, in: "orders", at: 5), in: "east") == nil)
  }

  @Test func anAggregateKeepsToItsPartition() throws {
    for key in 0..<20 as Range<UInt32> {
      var one = event
      one.key = key
      let record = log.record(one, token: 1)
      #expect(record.partition == log.partition(of: key).number && record.topic == log.partition(of: key).topic)
      let row = try #require(log.row(message(record, in: "east.orders", at: 8), in: "eu"))
      #expect(row.partition == KafkaPartition("east.orders", Int32(key % 2)) && row.offset == 8)
    }
    #expect(Set(log.places(in: "eu")).count == 4)
  }

  @Test func aGroupsProjectionTakesAnEventOnce() {
    let state = KafkaState(log: log)
    let group = KafkaState.Group(name: "billing", store: "eu")
    #expect(state.apply(event.id, by: group))
    #expect(!state.apply(event.id, by: group))
    #expect(state.apply(event.id, by: KafkaState.Group(name: "billing", store: "east")))
    #expect(state.applied(by: group) == [event.id: 1])
  }
}
