public import Events

/// One row of the outbox as a record of its topic. Pure: reads what the connector has written, and writes the same.
public struct OutboxRecord: Sendable, Hashable {
  /// The row's id.
  public var row: String
  /// The event.
  public var event: EventID
  /// Its aggregate.
  public var key: UInt32
  /// Its place in the aggregate.
  public var keySequence: UInt64
  /// The token it was written with.
  public var token: Int64
  /// What it carries.
  public var payload: [UInt8]

  /// A record from its parts.
  public init(row: String, event: EventID, key: UInt32, keySequence: UInt64, token: Int64, payload: [UInt8]) {
    self.row = row
    self.event = event
    self.key = key
    self.keySequence = keySequence
    self.token = token
    self.payload = payload
  }

  /// The headers: the row's id is Debezium's, the others are ours.
  public enum Header {
    /// The row's id.
    public static let row = "id"
    /// The event.
    public static let event = "bs-id"
    /// The aggregate.
    public static let key = "bs-key"
    /// The place in the aggregate.
    public static let keySequence = "bs-seq"
    /// The fencing token.
    public static let token = "bs-token"
  }

  /// Reads a record of the topic.
  ///
  /// - Returns: `nil` for one without a row's id or without our identity, which somebody else wrote.
  public init?(_ message: KafkaMessage) {
    func text(_ name: String) -> String? {
      message.header(name).flatMap { String(validating: $0, as: UTF8.self) }
    }
    guard let row = text(Header.row), Self.isRowID(row), let event = text(Header.event).flatMap({ EventID($0) }),
      let key = text(Header.key).flatMap({ UInt32($0) }),
      let keySequence = text(Header.keySequence).flatMap({ UInt64($0) }),
      let token = text(Header.token).flatMap({ Int64($0) })
    else { return nil }
    self.init(
      row: row, event: event, key: key, keySequence: keySequence, token: token, payload: message.value ?? [])
  }

  /// The record as it is written again where the connector has not written it.
  ///
  /// - Parameter partition: where its aggregate's other records stand; `nil` leaves it to the key's hash.
  public func record(for topic: String, partition: Int32?) -> KafkaRecord {
    KafkaRecord(
      topic: topic, partition: partition, key: Array("\(key)".utf8), value: payload,
      headers: [
        KafkaHeader(Header.row, row), KafkaHeader(Header.event, "\(event)"), KafkaHeader(Header.key, "\(key)"),
        KafkaHeader(Header.keySequence, "\(keySequence)"), KafkaHeader(Header.token, "\(token)"),
      ])
  }

  /// Whether `text` is a UUID in PostgreSQL's own form: lower-case digits in groups of 8, 4, 4, 4 and 12.
  static func isRowID(_ text: String) -> Bool {
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return false }
    return groups.joined().utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
  }
}

extension OutboxEntry {
  /// The row as a record of the topic.
  public var record: OutboxRecord {
    OutboxRecord(
      row: id, event: event, key: aggregate, keySequence: aggregateSequence, token: token, payload: Array(payload.utf8))
  }
}
