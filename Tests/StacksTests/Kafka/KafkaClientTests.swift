import Glibc
import Support
import TestSupport
import Testing

@testable import Stacks

/// The clients against a real broker.
@Suite(.serialized, .enabled(if: KafkaServers.available, KafkaServers.reason), SharedBroker())
struct KafkaClientTests {
  let broker: SharedBroker.Running
  var properties: KafkaProperties { broker.properties }

  init() throws { broker = try #require(SharedBroker.running) }

  /// Runs `body` with a topic of its own.
  private func withTopic(
    _ name: String, partitions: Int = 1, configuration: [String: String] = [:],
    _ body: (KafkaAdmin, KafkaPartition) async throws -> Void
  ) async throws {
    let admin = try await KafkaAdmin(properties, name: "test")
    try await admin.createTopics([
      KafkaTopicSpecification(name, partitions: partitions, configuration: configuration)
    ])
    try await body(admin, KafkaPartition(name, 0))
    await admin.close()
  }

  /// Everything that a reader sees of a partition from its beginning to its end.
  private func everything(
    of partition: KafkaPartition, _ isolation: KafkaProperties.Isolation = .readCommitted
  ) async throws -> [KafkaMessage] {
    let consumer = try await KafkaConsumer(
      properties, name: "dump", group: "dump", isolation: isolation, reportsEnds: true)
    try await consumer.assign([partition: .beginning])
    let messages = try await withDeadline(.seconds(20), "the end of \(partition)") {
      var found: [KafkaMessage] = []
      while true {
        for reading in try await consumer.read(within: .milliseconds(200)) {
          switch reading {
          case .message(let message): found.append(message)
          case .end: return found
          }
        }
      }
    }
    await consumer.close()
    return messages
  }

  private func text(_ messages: [KafkaMessage]) -> [String] {
    messages.map { String(decoding: $0.value ?? [], as: UTF8.self) }
  }

  private func send(_ producer: KafkaProducer, _ text: String, to partition: KafkaPartition) async -> KafkaDelivery {
    await producer.send(
      KafkaRecord(topic: partition.topic, partition: partition.number, value: Array(text.utf8)))
  }

  @Test func aRecordComesBackAsItWasSent() async throws {
    // Its time is of 1970, and the broker looks each second for what is too old.
    try await withTopic("whole", configuration: ["retention.ms": "-1"]) { admin, partition in
      let producer = try await KafkaProducer(properties, name: "test")
      let headers = [
        KafkaHeader("id", "7"), KafkaHeader("id", "8"), KafkaHeader("empty", []), KafkaHeader("null", nil),
      ]
      let delivery = await producer.send(
        KafkaRecord(
          topic: "whole", key: Array("k".utf8), value: [0, 255], headers: headers, timestampMilliseconds: 1234))
      #expect(delivery == .acknowledged(partition, offset: 0))
      #expect(
        await producer.send(KafkaRecord(topic: "whole", key: nil, value: nil)) == .acknowledged(partition, offset: 1))
      await producer.close()
      let messages = try await everything(of: partition)
      try #require(messages.count == 2)
      #expect(messages[0].key == Array("k".utf8) && messages[0].value == [0, 255])
      #expect(messages[0].headers == headers)
      #expect(messages[0].timestampMilliseconds == 1234)
      #expect(messages[1].key == nil && messages[1].value == nil && messages[1].offset == 1)
      #expect(try await admin.watermarks(partition) == KafkaWatermarks(low: 0, high: 2))
    }
  }

  @Test func onlyCommittedTransactionsAreSeenAndMarkersTakeOffsets() async throws {
    try await withTopic("transactions") { admin, partition in
      let producer = try await KafkaProducer(properties, name: "test", transactionalID: "transactions")
      try await producer.initTransactions()
      try await producer.beginTransaction()
      _ = await send(producer, "committed", to: partition)
      #expect(try await everything(of: partition) == [])
      #expect(await producer.commitTransaction() == .committed)
      try await producer.beginTransaction()
      _ = await send(producer, "aborted", to: partition)
      try await producer.abortTransaction()
      #expect(text(try await everything(of: partition)) == ["committed"])
      #expect(text(try await everything(of: partition, .readUncommitted)) == ["committed", "aborted"])
      // Two records and two markers.
      #expect(try await admin.watermarks(partition).high == 4)
      await producer.close()
    }
  }

  @Test func aFencedProducersCommitIsKnownNotToHaveHappened() async throws {
    try await withTopic("fencing") { _, partition in
      let old = try await KafkaProducer(properties, name: "old", transactionalID: "fencing")
      try await old.initTransactions()
      try await old.beginTransaction()
      _ = await send(old, "zombie", to: partition)
      let new = try await KafkaProducer(properties, name: "new", transactionalID: "fencing")
      try await new.initTransactions()
      guard case .aborted(let why) = await old.commitTransaction() else {
        Issue.record("the old producer's commit was not refused")
        return
      }
      #expect(why.kind == .fenced && why.isFatal)
      try await new.beginTransaction()
      _ = await send(new, "owner", to: partition)
      #expect(await new.commitTransaction() == .committed)
      #expect(text(try await everything(of: partition)) == ["owner"])
      await old.close()
      await new.close()
    }
  }

  @Test func whatIsReadAndWhatIsWrittenCommitTogether() async throws {
    try await withTopic("pipeline", partitions: 2) { admin, input in
      let output = KafkaPartition("pipeline", 1)
      let producer = try await KafkaProducer(properties, name: "test", transactionalID: "pipeline")
      try await producer.initTransactions()
      try await producer.beginTransaction()
      _ = await send(producer, "in", to: input)
      #expect(await producer.commitTransaction() == .committed)
      let consumer = try await KafkaConsumer(properties, name: "test", group: "pipeline")
      try await consumer.assign([input: .beginning])
      for keep in [false, true] {
        try await producer.beginTransaction()
        _ = await send(producer, keep ? "kept" : "dropped", to: output)
        try await producer.sendOffsets([input: 1], of: consumer)
        if keep {
          #expect(await producer.commitTransaction() == .committed)
        } else {
          try await producer.abortTransaction()
        }
        // The commit is acknowledged before its markers are written.
        try await eventually("the group's position") {
          try await admin.offsets(ofGroup: "pipeline") == (keep ? [input: 1] : [:])
        }
      }
      #expect(text(try await everything(of: output)) == ["kept"])
      await consumer.close()
      await producer.close()
    }
  }

  @Test func aGroupGoesOnWhereItCommittedAndCanBeMovedWhenEmpty() async throws {
    try await withTopic("group") { admin, partition in
      let producer = try await KafkaProducer(properties, name: "test")
      for number in 0..<5 { _ = await send(producer, "\(number)", to: partition) }
      await producer.close()
      func next() async throws -> KafkaMessage? {
        let consumer = try await KafkaConsumer(properties, name: "member", group: "movers")
        try await consumer.subscribe(to: ["group"])
        let found = try await withDeadline(.seconds(20), "a record for the group") {
          while true {
            for case .message(let message) in try await consumer.read(within: .milliseconds(200), atMost: 1) {
              return message
            }
          }
        }
        try await consumer.commit([partition: found.offset + 1])
        // A group that has a member is not moved.
        await #expect(throws: KafkaFailure.self) { try await admin.setOffsets(ofGroup: "movers", [partition: 4]) }
        #expect(try await admin.groups(["movers"]).map(\.state) == [.stable])
        await consumer.close()
        return found
      }
      #expect(try await next()?.offset == 0)
      #expect(try await next()?.offset == 1)
      let exported = KafkaGroupOffsets(group: "movers", try await admin.offsets(ofGroup: "movers"))
      #expect(exported.offsets == [partition: 2])
      #expect(exported.digest != KafkaGroupOffsets(group: "movers", [partition: 3]).digest)
      try await admin.setOffsets(ofGroup: "movers", [partition: 4])
      #expect(try await next()?.offset == 4)
      #expect(try await admin.groups(["movers"]) == [KafkaGroup(name: "movers", state: .empty, members: [])])
      #expect(try await admin.groupNames().contains("movers"))
      try await admin.deleteGroup("movers")
      #expect(try await admin.offsets(ofGroup: "movers") == [:])
    }
  }

  /// The hashes are those of Kafka's own test of its hash (UtilsTest.testMurmur2).
  @Test func aKeyGoesWhereKafkasOwnClientsPutIt() async throws {
    let hashes: [(key: String, hash: Int32)] = [
      ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
      ("a-little-bit-longer-string", -1_486_304_829), ("abc", 479_470_107),
      ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
    ]
    try await withTopic("hashed", partitions: 7) { _, _ in
      func partitions(_ properties: KafkaProperties) async throws -> [Int32?] {
        let producer = try await KafkaProducer(properties, name: "test")
        var found: [Int32?] = []
        for (key, _) in hashes {
          let delivery = await producer.send(KafkaRecord(topic: "hashed", key: Array(key.utf8), value: [1]))
          guard case .acknowledged(let partition, _) = delivery else {
            found.append(nil)
            continue
          }
          found.append(partition.number)
        }
        await producer.close()
        return found
      }
      let expected = hashes.map { Int32(($0.hash & Int32.max) % 7) }
      let asKafkas = try await partitions(properties)
      #expect(asKafkas == expected)
      // librdkafka's own hash is another one, and whoever wants it gets it.
      let asTold = try await partitions(properties.with("partitioner", "consistent"))
      #expect(asTold != expected && !asTold.contains(nil))
    }
  }

  @Test func aTaskOnTheThreadOfTheReportsStaysThere() async throws {
    try await withTopic("steady") { _, partition in
      let producer = try await KafkaProducer(properties, name: "test", linger: .zero)
      let deliveries = await withTaskExecutorPreference(producer.reportExecutor) {
        let here = pthread_self()
        var deliveries: [KafkaDelivery] = []
        for _ in 0..<20 {
          deliveries.append(await send(producer, "one after the other", to: partition))
          #expect(pthread_self() == here)
        }
        // Closing blocks, so that it runs elsewhere; what waits for it still comes back.
        await producer.close()
        #expect(pthread_self() == here)
        return deliveries
      }
      #expect(deliveries == (0..<20).map { .acknowledged(partition, offset: $0) })
    }
  }

  /// Whoever waits for a report gets one when the producer is closed, also on the thread that is let go of meanwhile.
  @Test func closingTellsWhatBecameOfRecordsUnderWay() async throws {
    try await withTopic("closing") { _, partition in
      let producer = try await KafkaProducer(properties, name: "test", linger: .zero)
      #expect(await send(producer, "first", to: partition) == .acknowledged(partition, offset: 0))
      try await broker.process.standStill()
      async let sent = withTaskExecutorPreference(producer.reportExecutor) {
        await send(producer, "second", to: partition)
      }
      try await eventually("a record under way") { producer.pending > 0 }
      await producer.close()
      let delivery = await sent
      try broker.process.send(Signal.resume)
      switch delivery {
      case .unknown: break
      case .refused(let why): #expect(why.name == "_PURGE_QUEUE", "only what never left is known not to be there")
      case .acknowledged: Issue.record("a broker that stands still has acknowledged a record")
      }
    }
  }

  /// A broker that stands still may have taken the record: nobody here can say, and nobody here does.
  @Test func aTimeOutIsUnknownAndALocalRefusalIsNot() async throws {
    try await withTopic("outcomes") { _, partition in
      let producer = try await KafkaProducer(properties, name: "test", deliveryLimit: .seconds(2))
      #expect(await send(producer, "first", to: partition) == .acknowledged(partition, offset: 0))
      try await broker.process.standStill()
      let delivery = await send(producer, "lost or not", to: partition)
      try broker.process.send(Signal.resume)
      guard case .unknown(let why) = delivery else {
        Issue.record("\(delivery)")
        return
      }
      #expect(why.kind == .timedOut, "\(why)")
      let large = KafkaRecord(topic: "outcomes", value: [UInt8](repeating: 0, count: 2 << 20))
      guard case .refused(let why) = await producer.send(large) else {
        Issue.record("a record that librdkafka does not even queue has a known outcome")
        return
      }
      #expect(why.name == "MSG_SIZE_TOO_LARGE")
      await producer.close()
    }
  }

  @Test func aTopicsConfigurationIsChangedEntryByEntry() async throws {
    try await withTopic("settings", configuration: ["retention.ms": "60000"]) { admin, _ in
      #expect(try await admin.createTopics([KafkaTopicSpecification("settings", partitions: 1)]) == ["settings"])
      try await admin.changeConfiguration(ofTopic: "settings", ["max.message.bytes": "100000"])
      // Brokers apply changes after they acknowledged them.
      try await eventually("both of its own") {
        let changed = try await admin.configuration(ofTopic: "settings")
        return changed["retention.ms"] == KafkaConfigurationEntry(value: "60000", isOwn: true)
          && changed["max.message.bytes"] == KafkaConfigurationEntry(value: "100000", isOwn: true)
      }
      try await admin.changeConfiguration(ofTopic: "settings", ["retention.ms": nil])
      try await eventually("the default again") {
        try await admin.configuration(ofTopic: "settings")["retention.ms"]?.isOwn == false
      }
      let metadata = try await admin.metadata(topic: "settings")
      #expect(metadata.topics["settings"]?.map(\.replicas) == [[1]])
      #expect(metadata.clusterID?.count == 22)
      try await admin.deleteTopics(["settings", "never-made"])
      try await eventually("no such topic") {
        do {
          _ = try await admin.metadata(topic: "settings")
          return false
        } catch is KafkaFailure { return true }
      }
    }
  }

  @Test func accessRulesAreListedGrantedAndRevoked() async throws {
    let admin = try await KafkaAdmin(properties, name: "test")
    let read = KafkaACL(.topic, "rules", principal: "User:alice", .read)
    let write = KafkaACL(.topic, "rules", principal: "User:alice", .write)
    let prefix = KafkaACL(.group, "rules-", isPrefix: true, principal: "User:bob", .read, allows: false)
    let before = try await admin.acls()
    try await admin.createACLs([read, write, prefix])
    // Brokers apply rules after they acknowledged them.
    try await eventually("three rules") { try await admin.acls() == before.union([read, write, prefix]) }
    try await admin.deleteACLs([write, KafkaACL(.topic, "none", principal: "User:x", .read)])
    try await eventually("two rules") { try await admin.acls() == before.union([read, prefix]) }
    let difference = KafkaACLDifference(from: before, to: try await admin.acls())
    #expect(difference.added == [prefix, read] && difference.removed == [])
    try await admin.deleteACLs([read, prefix])
    await admin.close()
  }

  @Test func whatCannotBeReachedOrIsWrongSaysSo() async throws {
    let nowhere = KafkaProperties(bootstrap: ["127.0.0.1:\(try freePort())"])
    let admin = try await KafkaAdmin(nowhere, name: "test", limit: .milliseconds(500))
    let failure = await #expect(throws: KafkaFailure.self) { try await admin.metadata() }
    #expect(failure?.kind == .timedOut || failure?.kind == .unreachable)
    await admin.close()
    let wrong = await #expect(throws: KafkaFailure.self) {
      try await KafkaAdmin(nowhere.with("linger.msec", "5"), name: "test")
    }
    #expect(wrong?.kind == .property && wrong?.description.contains("linger.msec") == true)
  }
}
