import Events
import Support
import TestSupport
import Testing

@testable import Stacks

/// The outbox's rows as records: what Debezium's connector writes, byte by byte, and what is made of anything else.
@Suite struct OutboxRecordTests {
  private static let row = "fa062d51-02be-6fdc-f876-6671d8c7262c"

  /// As Debezium 3.7.0 writes it with the header converter Simple: every header is text, numbers as digits.
  private static func message(_ changes: [String: [UInt8]?] = [:]) -> KafkaMessage {
    var headers: [(String, [UInt8]?)] = [
      ("__debezium.context.connectorName", Array("postgresql".utf8)),
      (
        "id",
        [
          0x66, 0x61, 0x30, 0x36, 0x32, 0x64, 0x35, 0x31, 0x2d, 0x30, 0x32, 0x62, 0x65, 0x2d, 0x36, 0x66, 0x64, 0x63,
          0x2d, 0x66, 0x38, 0x37, 0x36, 0x2d, 0x36, 0x36, 0x37, 0x31, 0x64, 0x38, 0x63, 0x37, 0x32, 0x36, 0x32, 0x63,
        ]
      ),
      ("bs-id", [0x70, 0x33, 0x2d, 0x31, 0x34, 0x32]), ("bs-key", [0x31, 0x37]), ("bs-seq", [0x39]),
      ("bs-token", [0x32, 0x31]),
    ]
    for (name, value) in changes {
      headers.removeAll { $0.0 == name }
      if let value { headers.append((name, value)) }
    }
    return KafkaMessage(
      partition: KafkaPartition("outbox.orders", 1), offset: 7, timestampMilliseconds: 1_795_871_692_501,
      key: [0x31, 0x37], value: [0x70, 0x37], headers: headers.map { KafkaHeader($0.0, $0.1) })
  }

  @Test func aRecordOfTheConnectorIsReadByItsHeaders() throws {
    let record = try #require(OutboxRecord(Self.message()))
    #expect(record.row == Self.row && record.event == EventID(producer: 3, sequence: 142))
    #expect(record.key == 17 && record.keySequence == 9 && record.token == 21 && record.payload == [0x70, 0x37])
  }

  /// A record that was written again reads as the one that the connector would have written.
  @Test func whatIsWrittenAgainIsReadAsTheSameRow() throws {
    let record = try #require(OutboxRecord(Self.message()))
    let again = record.record(for: "outbox.orders", partition: 1)
    #expect(again.key == [0x31, 0x37] && again.partition == 1)
    let read = OutboxRecord(
      KafkaMessage(
        partition: KafkaPartition("outbox.orders", 1), offset: 8, timestampMilliseconds: nil, key: again.key,
        value: again.value, headers: again.headers))
    #expect(read == record)
  }

  @Test(arguments: ["id", "bs-id", "bs-key", "bs-seq", "bs-token"])
  func aRecordWithoutOneOfThemIsSomebodyElses(_ name: String) {
    #expect(OutboxRecord(Self.message([name: nil])) == nil)
    #expect(OutboxRecord(Self.message([name: []])) == nil)
    #expect(OutboxRecord(Self.message([name: [0xff, 0xfe]])) == nil)
    #expect(OutboxRecord(Self.message([name: Array("7 ".utf8)])) == nil)
  }

  /// Every truncation of a row's id is none.
  @Test func aRowIDIsAUUIDInPostgresOwnForm() {
    #expect(OutboxRecord.isRowID(Self.row))
    for length in 0..<Self.row.utf8.count { #expect(!OutboxRecord.isRowID(String(Self.row.prefix(length)))) }
    for text in [Self.row.uppercased(), Self.row + "0", Self.row.replacing("-", with: ""), "g" + Self.row.dropFirst()] {
      #expect(!OutboxRecord.isRowID(text), "\(text)")
    }
  }

  @Test func aTombstoneCarriesNothing() throws {
    var message = Self.message()
    message.value = nil
    #expect(try #require(OutboxRecord(message)).payload.isEmpty)
  }

  @Test func theConnectorIsToldOfThePasswordByReferenceAlone() {
    let capture = OutboxCapture(
      region: "eu", store: PostgresAddress(host: "10.91.2.1", user: "bs_app", password: "hunter2"),
      secretsFile: "/lab/worker/outbox.properties", snapshotMode: "initial")
    let configuration = capture.configuration
    #expect(capture.name == "outbox-eu")
    #expect(!configuration.values.contains { $0.contains("hunter2") })
    #expect(configuration["database.password"] == "${file:/lab/worker/outbox.properties:password}")
    #expect(configuration["database.user"] == "bs_mirror" && configuration["snapshot.mode"] == "initial")
    #expect(configuration["header.converter"] == "org.apache.kafka.connect.storage.SimpleHeaderConverter")
  }

  @Test func pluginsAreFoundWhereTheyAreNamedAndRefusedOtherwise() async throws {
    try await withTemporaryDirectory("plugins", remove: { try removeTree($0) }) { directory in
      #expect(throws: Problem.self) { try ConnectPlugins.locate { _ in nil } }
      #expect(throws: Problem.self) { try ConnectPlugins(path: "plugins") }
      #expect(throws: Problem.self) { try ConnectPlugins(path: directory) }
      let plugin = "\(directory)/debezium-connector-postgres"
      try makeDirectory(plugin)
      try writeFile("\(directory)/README.md", [])
      try writeFile("\(plugin)/debezium-connector-postgres-2.7.0.Final.jar", [])
      let old = problem { _ = try ConnectPlugins(path: directory) } ?? ""
      #expect(old.contains("2.7.0.Final"), "\(old)")
      try removeTree("\(plugin)/debezium-connector-postgres-2.7.0.Final.jar")
      try writeFile("\(plugin)/debezium-connector-postgres-3.7.0.Final.jar", [])
      let found = try ConnectPlugins.locate { $0 == "CONNECT_PLUGINS" ? "\(directory)/" : nil }
      #expect(found.path == directory && found.debeziumVersion == "3.7.0.Final")
      // The folder itself instead of the one around it.
      #expect(throws: Problem.self) { try ConnectPlugins(path: plugin) }
    }
  }

  private func problem(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch { return "\(error)" }
  }
}
