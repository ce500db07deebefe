import KafkaWire
import Testing

@Suite("Ids of topics, and what Connect says of its connectors")
struct TopicIDsTests {
  private static let id: [UInt8] = [0xfb, 0xff, 0xfe] + Array(1...13)

  /// Metadata version 12, written by hand from the protocol guide.
  private func response(_ topics: [(name: String?, error: Int16)], correlation: Int32 = 5) -> [UInt8] {
    var body = WireWriter()
    func text(_ value: String?) {
      guard let value else { return body.unsignedVarint(0) }
      body.unsignedVarint(UInt32(value.utf8.count) + 1)
      body.raw(value.utf8)
    }
    body.integer(correlation)
    body.unsignedVarint(0)
    body.integer(Int32(0))
    body.unsignedVarint(2)
    body.integer(Int32(1))
    text("10.91.1.1")
    body.integer(Int32(9092))
    text(nil)
    body.unsignedVarint(0)
    text("cluster")
    body.integer(Int32(1))
    body.unsignedVarint(UInt32(topics.count) + 1)
    for topic in topics {
      body.integer(topic.error)
      text(topic.name)
      body.raw(Self.id)
      body.integer(UInt8(0))
      body.unsignedVarint(2)
      for _ in 0..<2 { body.integer(Int16(0)) }
      body.integer(Int16(0))
      body.integer(Int32(1))
      body.integer(Int32(7))
      for _ in 0..<3 {
        body.unsignedVarint(2)
        body.integer(Int32(1))
      }
      body.unsignedVarint(0)
      body.integer(Int32(-1))
      // A field of a later version is stepped over.
      body.unsignedVarint(1)
      body.unsignedVarint(9)
      body.unsignedVarint(2)
      body.raw([1, 2])
    }
    body.unsignedVarint(0)
    return body.bytes
  }

  @Test("A request says whom it is for, and asks for nothing to be made")
  func request() throws {
    let bytes = TopicIDs.request(["orders", "east.orders"], correlationID: 5, clientID: "x")
    var reader = WireReader(bytes)
    #expect(try Int(reader.integer(Int32.self)) == bytes.count - 4)
    let header = try RequestHeader(&reader)
    #expect(header == RequestHeader(apiKey: 3, apiVersion: 12, correlationID: 5, clientID: "x"))
    try reader.skipTags()
    #expect(try reader.unsignedVarint() == 3)
    for topic in ["orders", "east.orders"] {
      #expect(try Array(reader.take(16)) == [UInt8](repeating: 0, count: 16))
      #expect(try reader.compactNullableString() == topic)
      try reader.skipTags()
    }
    #expect(try reader.boolean() == false)
    #expect(try reader.boolean() == false)
    try reader.skipTags()
    #expect(reader.remaining == 0)
  }

  @Test("Ids are read as Kafka prints them; a topic that is not there has none")
  func ids() throws {
    let bytes = response([("orders", 0), ("missing", 3), (nil, 0)])
    #expect(try TopicIDs.response(bytes, correlationID: 5) == ["orders": "-__-AQIDBAUGBwgJCgsMDQ"])
    #expect(throws: WireError.self) { try TopicIDs.response(bytes, correlationID: 6) }
  }

  @Test("A response that is cut off anywhere is an error, and one with absurd lengths is not walked through")
  func truncated() throws {
    let bytes = response([("orders", 0)])
    for count in 0..<bytes.count - 1 {
      #expect(throws: WireError.self, "\(count)") {
        try TopicIDs.response(Array(bytes.prefix(count)), correlationID: 5)
      }
    }
    var absurd = bytes
    absurd.replaceSubrange(9..<10, with: [0xff, 0xff, 0xff, 0xff, 0x0f])
    #expect(throws: WireError.self) { try TopicIDs.response(absurd, correlationID: 5) }
  }

  @Test("States of connectors and tasks are told apart; what is about something else is none")
  func states() throws {
    func read(_ key: String, _ value: String?) throws -> ConnectStatusRecord? {
      try ConnectStatusRecord(key: Array(key.utf8)[...], value: value.map { Array($0.utf8)[...] })
    }
    let running = #"{"state":"RUNNING","trace":null,"worker_id":"10.91.2.1:8083","generation":3}"#
    let connector = try #require(try read("status-connector-east-to-eu-source", running))
    #expect(connector.connector == "east-to-eu-source" && connector.task == nil)
    #expect(connector.state == "RUNNING" && connector.worker == "10.91.2.1:8083")
    let task = try #require(try read("status-task-east-to-eu-source-12", running))
    #expect(task.connector == "east-to-eu-source" && task.task == 12)
    let gone = try #require(try read("status-task-east-to-eu-source-0", nil))
    #expect(gone.state == nil && gone.worker == nil)
    #expect(try read("status-topic-orders:connector-east-to-eu-source", "{}") == nil)
    #expect(throws: WireError.self) { try read("status-task-nonumber", running) }
    #expect(throws: WireError.self) { try read("status-connector-a", "RUNNING") }
  }
}
