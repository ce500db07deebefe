/// A partition of a topic.
public struct KafkaPartition: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  /// The topic.
  public var topic: String
  /// Its number, from 0.
  public var number: Int32

  /// Partition `number` of `topic`.
  public init(_ topic: String, _ number: Int32) {
    self.topic = topic
    self.number = number
  }

  /// By topic, then by number.
  public static func < (one: KafkaPartition, other: KafkaPartition) -> Bool {
    (one.topic, one.number) < (other.topic, other.number)
  }

  /// `orders.us-0`, as Kafka's own tools write it.
  public var description: String { "\(topic)-\(number)" }
}

/// One header of a record; names may occur more than once.
public struct KafkaHeader: Sendable, Hashable {
  /// The name.
  public var name: String
  /// The value; `nil` is null.
  public var value: [UInt8]?

  /// A header from its parts.
  public init(_ name: String, _ value: [UInt8]?) {
    self.name = name
    self.value = value
  }

  /// A header whose value is text.
  public init(_ name: String, _ value: String) { self.init(name, Array(value.utf8)) }
}

/// A record to be written.
public struct KafkaRecord: Sendable, Hashable {
  /// The topic.
  public var topic: String
  /// The partition; `nil` leaves it to the key's hash, as Kafka's own clients do it (murmur2), unless the producer was told another
  /// `partitioner`.
  public var partition: Int32?
  /// The key; `nil` is null.
  public var key: [UInt8]?
  /// The value; `nil` is null, a tombstone in a compacted topic.
  public var value: [UInt8]?
  /// The headers, in order.
  public var headers: [KafkaHeader]
  /// Milliseconds since 1970; `nil` for now.
  public var timestampMilliseconds: Int64?

  /// A record from its parts.
  public init(
    topic: String, partition: Int32? = nil, key: [UInt8]? = nil, value: [UInt8]?, headers: [KafkaHeader] = [],
    timestampMilliseconds: Int64? = nil
  ) {
    self.topic = topic
    self.partition = partition
    self.key = key
    self.value = value
    self.headers = headers
    self.timestampMilliseconds = timestampMilliseconds
  }
}

/// A record that was read.
public struct KafkaMessage: Sendable, Hashable {
  /// Where it stands.
  public var partition: KafkaPartition
  /// Its offset there.
  public var offset: Int64
  /// Milliseconds since 1970; `nil` if the log has none.
  public var timestampMilliseconds: Int64?
  /// The key; `nil` is null.
  public var key: [UInt8]?
  /// The value; `nil` is null.
  public var value: [UInt8]?
  /// The headers, in order.
  public var headers: [KafkaHeader]

  /// A record as a reader gets it.
  public init(
    partition: KafkaPartition, offset: Int64, timestampMilliseconds: Int64?, key: [UInt8]?, value: [UInt8]?,
    headers: [KafkaHeader]
  ) {
    self.partition = partition
    self.offset = offset
    self.timestampMilliseconds = timestampMilliseconds
    self.key = key
    self.value = value
    self.headers = headers
  }

  /// The value of the first header of that name.
  public func header(_ name: String) -> [UInt8]? { headers.first { $0.name == name }?.value }
}

/// What a consumer found when it looked.
public enum KafkaReading: Sendable, Hashable {
  /// A record.
  case message(KafkaMessage)
  /// The end of a partition was reached, as far as its isolation level lets a reader see; the next record will have
  /// `offset` or a higher one.
  case end(KafkaPartition, offset: Int64)
}

/// What became of a record that was given to a producer.
public enum KafkaDelivery: Sendable, Hashable {
  /// The broker has it, at this place.
  case acknowledged(KafkaPartition, offset: Int64)
  /// It is not in any log, and will not be.
  case refused(KafkaFailure)
  /// It may be in the log, or come to be.
  case unknown(KafkaFailure)
}

/// How a transaction ended.
public enum KafkaCommit: Sendable, Hashable {
  /// All of it is visible.
  case committed
  /// Nothing of it ever will be: it was aborted, or the broker refused a producer that another one had replaced.
  case aborted(KafkaFailure)
  /// Nobody here can say.
  case unknown(KafkaFailure)
}

/// Where a consumer begins to read a partition.
public enum KafkaStart: Sendable, Hashable {
  /// At the oldest record.
  case beginning
  /// After the newest record.
  case end
  /// At this offset, or the next one that exists.
  case offset(Int64)
  /// Where the group committed, else by `auto.offset.reset`.
  case committed
}
