import Glibc
import Netlink
import Stacks
import Support
import TestSupport
import Testing

@testable import Lab

/// A lab with real brokers, real workers and real mirrors.
@Suite(
  .serialized, .enabled(if: geteuid() == 0, "labs need root"),
  .enabled(
    if: environmentVariable("KAFKA_HOME") != nil,
    "KAFKA_HOME names no Kafka distribution, so no lab with Kafka was made"))
struct KafkaLabTests {
  /// Brokers and mirrors alone: etcd, stores and control planes have tests of their own.
  private func brokersOnly(_ id: String) -> LabSpecification {
    var specification = LabSpecification(
      id: id,
      regions: [RegionSpecification("east", [.broker, .mirror]), RegionSpecification("eu", [.broker, .mirror])],
      preferredWriter: "east")
    specification.kafka = KafkaLabSettings(topics: [KafkaTopicSpecification("orders.us", partitions: 1)])
    return specification
  }

  /// The first record of a partition at or after `offset`, if there is one soon.
  private func look(
    _ consumer: KafkaConsumer, _ partition: KafkaPartition, _ offset: Int64
  ) async throws(KafkaFailure) -> KafkaMessage? {
    try await consumer.assign([partition: .offset(offset)])
    for reading in try await consumer.read(within: .milliseconds(500)) {
      if case .message(let message) = reading { return message }
    }
    return nil
  }

  /// The first record of a topic at or after `offset`; fails the test if none comes.
  private func first(of topic: String, in region: RegionHandle, after offset: Int64 = 0) async throws -> KafkaMessage {
    let consumer = try await KafkaConsumer(
      try #require(region.kafka), name: "test", group: "test", networkNamespace: region.namespace.fileDescriptor)
    var found: KafkaMessage?
    for _ in 0..<40 where found == nil {
      do {
        found = try await look(consumer, KafkaPartition(topic, 0), offset)
      } catch {
        if error.kind != .notFound { throw error }  // the mirror has not made the topic yet
      }
    }
    await consumer.close()
    return try #require(found)
  }

  private func send(_ producer: KafkaProducer, _ text: String) async throws {
    let delivery = await producer.send(
      KafkaRecord(topic: "orders.us", value: Array(text.utf8), headers: [KafkaHeader("bs-id", text)]))
    guard case .acknowledged = delivery else { throw Problem(.fail, "\(delivery)") }
  }

  private func mirrorsRecords(_ lab: Lab) async throws {
    let status = try await lab.status()
    #expect(status.servers.allSatisfy { $0.alive && $0.ready }, "\(status)")
    #expect(status.servers.map(\.kind) == [.broker, .worker, .broker, .worker])
    let east = try #require(lab.region("east"))
    let eu = try #require(lab.region("eu"))
    let producer = try await KafkaProducer(
      try #require(east.kafka), name: "test", networkNamespace: east.namespace.fileDescriptor)
    try await send(producer, "one")
    let mirrored = try await first(of: "east.orders.us", in: eu)
    #expect(mirrored.header("bs-id") == Array("one".utf8))

    let connect = ConnectClient(
      address: try #require(eu.connectEndpoint), networkNamespace: eu.namespace.fileDescriptor)
    let name = try #require(lab.specification.mirrorLinks().first { $0.target.alias == "eu" }).name(.source)
    try await connect.pause(name)
    let paused = try await connect.waitUntil(name, is: .paused)
    #expect(paused.isAll(.paused))
    // Offsets are not to be touched before it is stopped, and Connect says so.
    await #expect(throws: Problem.self) {
      try await connect.resetOffsets(of: name, .everythingIsMirroredAgain)
    }
    try await send(producer, "two")
    try await connect.resume(name)
    try await connect.waitUntil(name, is: .running)
    let second = try await first(of: "east.orders.us", in: eu, after: mirrored.offset + 1)
    #expect(second.header("bs-id") == Array("two".utf8))

    try await connect.stop(name)
    try await connect.waitUntil(name, is: .stopped)
    let offsets = try await connect.offsets(of: name)
    #expect(
      offsets.contains { $0.mirrored?.partition == KafkaPartition("orders.us", 0) && $0.mirrored?.lastOffset == 1 })
    try await connect.setOffsets(of: name, [.mirrored(KafkaPartition("orders.us", 0), of: "east", lastOffset: 0)])
    try await connect.resume(name)
    // What was copied after that offset is copied again.
    let again = try await first(of: "east.orders.us", in: eu, after: second.offset + 1)
    #expect(again.header("bs-id") == Array("two".utf8))
    await producer.close()
  }

  @Test func recordsAreMirroredAsOrderedAndDownLeavesNothing() async throws {
    try await withKafkaScratch { scratch in
      let id = uniqueID()
      let lab = try await Lab.up(brokersOnly(id), scratch.surroundings())
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await mirrorsRecords(lab)) } catch { outcome = .failure(error) }
      try await lab.down()
      try await scratch.expectNothing(of: id)
      try outcome.get()
    }
  }

  @Test func withoutKafkaHomeNothingIsMade() async throws {
    let problem = await #expect(throws: Problem.self) { try await KafkaAssembly.check(brokersOnly("x")) { _ in nil } }
    #expect(problem?.code == .usage && problem?.place == "KAFKA_HOME")
  }
}

/// What a lab with Kafka may be; needs no Kafka.
struct KafkaLabSpecificationTests {
  private func refusal(_ change: (inout LabSpecification) -> Void) -> String? {
    var specification = LabSpecification.kafka(id: "k")
    change(&specification)
    do throws(Problem) {
      try specification.check()
      return nil
    } catch {
      return error.what
    }
  }

  @Test func theKafkaLabIsPossible() {
    #expect(refusal { _ in } == nil)
    let links = LabSpecification.kafka(id: "k").mirrorLinks()
    #expect(links.map { $0.name(.source) } == ["eu-to-east-source", "east-to-eu-source"])
    #expect(links.map(\.target.bootstrap) == [["10.91.1.1:9092"], ["10.91.2.1:9092"]])
  }

  @Test func impossibleOnesAreRefused() {
    #expect(refusal { $0.kafka = nil }?.contains("nothing says which topics") == true)
    #expect(refusal { $0.kafka?.topics = [] }?.contains("carries no topic") == true)
    #expect(refusal { $0.kafka?.topics[0].name = "orders us" }?.contains("cannot name a topic") == true)
    #expect(refusal { $0.kafka?.topics[0].partitions = 0 }?.contains("0 partitions") == true)
    #expect(refusal { $0.kafka?.policy = .identity }?.contains("copies for ever") == true)
    #expect(refusal { $0.ports.connect = $0.ports.kafka }?.contains("same port") == true)
    #expect(refusal { $0.regions[2] = RegionSpecification("ap", [.mirror]) }?.contains("no broker") == true)
  }
}
