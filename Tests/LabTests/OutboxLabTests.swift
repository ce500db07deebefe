import Events
import Glibc
import Netlink
import Stacks
import Support
import TestSupport
import Testing

@testable import Lab

/// A lab whose store has an outbox, with a real connector.
@Suite(
  .serialized, .enabled(if: geteuid() == 0, "labs need root"),
  .enabled(
    if: environmentVariable("KAFKA_HOME") != nil && environmentVariable("CONNECT_PLUGINS") != nil,
    "KAFKA_HOME or CONNECT_PLUGINS names nothing, so no outbox was carried"))
struct OutboxLabTests {
  /// A store, a broker and a worker alone: write authority has tests of its own.
  private func storeOnly(_ id: String) -> LabSpecification {
    var settings = KafkaLabSettings(
      topics: [
        KafkaTopicSpecification(OutboxLabSettings.topic, partitions: 1),
        KafkaTopicSpecification(OutboxLabSettings.barriers, partitions: 1),
      ])
    settings.outbox = OutboxLabSettings(keepsRows: false)
    return LabSpecification(
      id: id, regions: [RegionSpecification("east", [.store]), RegionSpecification("eu", [])], preferredWriter: "east"
    ).with(settings)
  }

  private func store(_ region: RegionHandle, as user: String) async throws -> EventStore {
    let connection = try PostgresConnection(
      try #require(region.store).with(user: user), name: "test-\(user)",
      networkNamespace: region.namespace.fileDescriptor)
    try await connection.open()
    return EventStore(connection, limit: .seconds(5))
  }

  private func carries(_ lab: Lab) async throws {
    let east = try #require(lab.region("east"))
    #expect(lab.regions.map(\.connectEndpoint).compactMap(\.self).count == 1)
    try await store(east, as: EventStore.controlRole).seal(token: 7, holder: "east")
    let event = NewEvent(
      id: EventID(producer: 3, sequence: 142), aggregate: 17, aggregateSequence: 9, correlation: "flow",
      producedAt: 1_700_000_000_000_000_000, payload: "what it carries", checksum: 1)
    _ = try await store(east, as: EventStore.applicationRole).append(event, token: 7)
    var entries: [OutboxEntry] = []
    try await store(east, as: EventStore.administrator).dumpOutbox { entries += $0 }

    let consumer = try await KafkaConsumer(
      try #require(east.kafka), name: "test", group: "test", networkNamespace: east.namespace.fileDescriptor)
    try await consumer.assign([KafkaPartition(OutboxLabSettings.topic, 0): .beginning])
    var record: OutboxRecord?
    for _ in 0..<40 where record == nil {
      for case .message(let message) in try await consumer.read(within: .milliseconds(250)) {
        record = record ?? OutboxRecord(message)
        #expect(message.key == Array("17".utf8))
      }
    }
    await consumer.close()
    #expect(record == entries.first?.record && entries.count == 1 && entries.first?.isKept == false)

    // Whoever asks the worker learns no password.
    let connect = ConnectClient(
      address: try #require(east.connectEndpoint), networkNamespace: east.namespace.fileDescriptor)
    let configuration = try #require(try await connect.configuration(of: OutboxCapture.name(of: "east")))
    #expect(!configuration.values.contains { $0.contains(lab.password) })
  }

  @Test func anAppendedEventIsCarriedToTheTopicUnderItsRowsID() async throws {
    try await withTemporaryDirectory("lab", remove: { try removeTree($0) }) { directory in
      // Making the class archives takes longer than everything else, so the machine's own cache serves.
      chmod(directory, 0o755)
      let scratch = Scratch(directory: directory)
      try makeDirectory("/var/cache/blackstart")
      try makeDirectory(scratch.state)
      guard symlink("/var/cache/blackstart", "\(scratch.state)/cache") == 0 else {
        throw SystemError("symlink", directory)
      }
      let id = uniqueID()
      let lab = try await Lab.up(storeOnly(id), scratch.surroundings())
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await carries(lab)) } catch { outcome = .failure(error) }
      try await lab.down()
      try await scratch.expectNothing(of: id)
      try outcome.get()
    }
  }

  @Test func withoutPluginsNothingIsMade() {
    #expect(throws: Problem.self) { try OutboxAssembly.check(storeOnly("x")) { _ in nil } }
    #expect(throws: Never.self) { try OutboxAssembly.check(LabSpecification.kafka(id: "x")) { _ in nil } }
  }
}
