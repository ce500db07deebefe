import Scenarios
import Support
import Testing

@testable import Drill
@testable import Stacks

/// What the steps of a runbook do on Kafka, as far as it is pure.
struct KafkaVerbTests {
  private func offset(_ topic: String, _ number: Int32, _ last: Int64) -> ConnectOffset {
    .mirrored(KafkaPartition(topic, number), of: "east", lastOffset: last)
  }

  private var file: MirrorOffsetsFile {
    MirrorOffsetsFile(
      connector: "east-to-eu-source", taken: "t",
      [offset("orders", 1, 20), offset("heartbeats", 0, 900), offset("orders", 0, 600)])
  }

  @Test func exportedOffsetsOfAMirrorAreWholeOrKnownNotToBe() throws {
    #expect(file.isWhole && "\(file)" == "east-to-eu-source at heartbeats-0 900, orders-0 600, orders-1 20")
    let read = try decodeJSON(MirrorOffsetsFile.self, from: encodeJSON(file))
    #expect(read == file && read.isWhole)
    var altered = file
    altered.entries[1].last = 599
    #expect(!altered.isWhole)
    altered = file
    altered.connector = "eu-to-east-source"
    #expect(!altered.isWhole)
    // What Connect has of other connectors, or took away, is no place of a mirror.
    var gone = offset("orders", 2, 3)
    gone.offset = .null
    #expect(MirrorOffsetsFile(connector: "c", taken: "t", [gone]).entries.isEmpty)
  }

  @Test func aMirrorGoesBackInEachPartitionAndNotBeyondItsBeginning() {
    let places = file.before(by: 500)
    #expect(places == [KafkaPartition("orders", 0): 100, KafkaPartition("orders", 1): nil])
    #expect(file.before(by: 20)[KafkaPartition("orders", 1)] == .some(0))
    #expect(places[KafkaPartition("heartbeats", 0)] == nil, "heartbeats that came twice would say what never was")
  }

  private let declared = DeclaredTopic(
    name: "bills", partitions: 2, replicas: 2, retention: .seconds(60), brokers: [1, 2],
    configuration: ["cleanup.policy": "delete"])

  private func partition(_ number: Int32, _ replicas: [Int32]) -> KafkaMetadata.Partition {
    KafkaMetadata.Partition(number: number, leader: replicas.first, replicas: replicas, inSync: replicas)
  }

  private func entry(_ value: String) -> KafkaConfigurationEntry { KafkaConfigurationEntry(value: value, isOwn: true) }

  @Test func aTopicAsDeclaredHasNoDrift() {
    #expect(
      declared.drift(
        [partition(0, [1, 2]), partition(1, [2, 1])],
        ["retention.ms": entry("60000"), "cleanup.policy": entry("delete"), "segment.ms": entry("5")]) == [])
    #expect(declared.specification.configuration == ["retention.ms": "60000", "cleanup.policy": "delete"])
  }

  @Test func eachDifferenceOfATopicIsNamed() {
    #expect(
      declared.drift(
        [partition(0, [1]), partition(1, [2, 3]), partition(2, [1, 2])], ["retention.ms": entry("604800000")])
        == [
          "bills has 3 partitions, not 2", "partition 0 of bills has 1 replicas, not 2",
          "partition 1 of bills stands on 3, which is not declared", "cleanup.policy of bills is not set, not delete",
          "retention.ms of bills is 604800000, not 60000",
        ])
    var anywhere = declared
    anywhere.brokers = []
    #expect(anywhere.drift([partition(0, [7, 8]), partition(1, [9, 7])], [:]).count == 2)
  }

  private func write(_ name: String, by principal: String = "User:a", isPrefix: Bool = false) -> KafkaACL {
    KafkaACL(.topic, name, isPrefix: isPrefix, principal: principal, .write)
  }

  @Test func whoStillMayWriteIsFoundBehindPrefixesAndForEverybody() {
    #expect(write("bills").letsWrite("User:a", to: ["orders", "bills"]))
    #expect(write("bi", isPrefix: true).letsWrite("User:a", to: ["bills"]))
    #expect(write("*", by: "User:*").letsWrite("User:a", to: ["bills"]))
    #expect(KafkaACL(.topic, "bills", principal: "User:a", .all).letsWrite("User:a", to: ["bills"]))
    #expect(!write("bill").letsWrite("User:a", to: ["bills"]))
    #expect(!write("bills", by: "User:b").letsWrite("User:a", to: ["bills"]))
    #expect(!KafkaACL(.topic, "bills", principal: "User:a", .read).letsWrite("User:a", to: ["bills"]))
    #expect(!KafkaACL(.topic, "bills", principal: "User:a", .write, allows: false).letsWrite("User:a", to: ["bills"]))
    #expect(!KafkaACL(.group, "bills", principal: "User:a", .all).letsWrite("User:a", to: ["bills"]))
  }

  @Test func accessRulesAreWrittenDownWithADigestAndComparedRuleByRule() {
    let rules: Set<KafkaACL> = [write("bills"), KafkaACL(.group, "g", principal: "User:b", .read)]
    var file = AccessFile(region: "east", taken: "t", rules)
    #expect(file.isWhole && Set(file.rules) == rules)
    file.rules.removeLast()
    #expect(!file.isWhole)
    let difference = KafkaACLDifference(from: rules, to: [write("bills"), write("orders")])
    #expect(
      difference.text(in: "eu")
        == "not in eu: group g: User:b from * allow read; only in eu: topic orders: User:a from * allow write")
  }
}
