internal import Events
internal import KafkaWire
internal import Stacks
internal import Workload

/// How the events of a drill stand in Kafka: in which topic and partition, and under which headers. Pure.
///
/// A store is a region's cluster: its own topic, and the topics that mirror those of the other stores. An aggregate keeps to one
/// partition, so its order is the partition's; between partitions there is none.
struct KafkaEventLog: Sendable, Hashable {
  /// The topic that producers write to, in whichever cluster has write authority.
  var topic: String
  /// Its partitions, the same number everywhere.
  var partitions: Int
  /// The regions with clusters.
  var stores: [String]
  /// How mirrored topics are called.
  var policy: MirrorPolicy = .standard
  /// What stands between the source's alias and a topic in a mirrored topic's name.
  var separator = "."
  /// The mirrors, where not every store has those of all others; `nil`: it has.
  var mirrors: Set<MirrorLag.Direction>?
  /// The run whose events these are, where the topic may hold those of others; `nil`: it holds no others.
  var run: String?

  /// A header that one record in a thousand of each producer has, to be found by what can look for a header alone.
  static let thousandth = "bs-thousandth"

  /// The header that names the event.
  static let identityHeader = Header.id

  /// One event as a record has it.
  struct Row: Sendable, Hashable {
    var id: EventID
    var key: UInt32
    var keySequence: UInt64
    var token: Int64
    /// The region whose cluster took it first.
    var origin: String
    /// Where it stands.
    var partition: KafkaPartition
    /// Its offset there.
    var offset: Int64
    /// Of the payload as it stands there.
    var checksum: UInt64
    /// Milliseconds since 1970, by the producer's clock.
    var timestamp: Int64?
  }

  /// Headers: identity, aggregate, place in the aggregate, fencing token, cause.
  private enum Header {
    static let id = "bs-id"
    static let key = "bs-key"
    static let keySequence = "bs-seq"
    static let token = "bs-token"
    static let cause = "bs-cause"
    static let run = "bs-run"
  }

  /// The topic in `store` that has the events which `origin` took first.
  func topic(of origin: String, in store: String) -> String {
    origin == store ? topic : policy.name(of: topic, from: origin, separator: separator)
  }

  /// The stores whose events come to `store`, itself among them.
  func origins(in store: String) -> [String] {
    stores.filter { $0 == store || mirrors?.contains(.init(origin: $0, target: store)) ?? true }
  }

  /// All partitions of a store's log.
  func places(in store: String) -> [KafkaPartition] {
    origins(in: store).flatMap { origin in
      (0..<partitions).map { KafkaPartition(topic(of: origin, in: store), Int32($0)) }
    }
  }

  /// Where an aggregate's events go in the cluster that is written to.
  func partition(of key: UInt32) -> KafkaPartition { KafkaPartition(topic, Int32(key % UInt32(partitions))) }

  /// The event as a record for the cluster that is written to.
  func record(_ event: Workload.NewEvent, token: Int64) -> KafkaRecord {
    var headers = [
      KafkaHeader(Header.id, "\(event.id)"), KafkaHeader(Header.key, "\(event.key)"),
      KafkaHeader(Header.keySequence, "\(event.keySequence)"), KafkaHeader(Header.token, "\(token)"),
    ]
    if event.id.sequence % 1000 == 499 { headers.append(KafkaHeader(Self.thousandth, "")) }
    if let run { headers.append(KafkaHeader(Header.run, run)) }
    if let cause = event.causation { headers.append(KafkaHeader(Header.cause, "\(cause)")) }
    return KafkaRecord(
      topic: topic, partition: partition(of: event.key).number, key: Array("\(event.key)".utf8),
      value: event.payload, headers: headers, timestampMilliseconds: event.wall / 1_000_000)
  }

  /// Which event a record is, by its headers alone; `nil` for one that is none of ours.
  @Sendable func identity(_ record: RecordBatch.Record) -> EventID? {
    func text(_ name: String) -> String? {
      record.headers.first { $0.key == name }?.value.map { String(decoding: $0, as: UTF8.self) }
    }
    guard run == nil || run == text(Header.run) else { return nil }
    return text(Header.id).flatMap { EventID($0) }
  }

  /// The event in a record of `store`.
  ///
  /// - Returns: `nil` for a record without our identity, which somebody else wrote.
  func row(_ message: KafkaMessage, in store: String) -> Row? {
    func text(_ name: String) -> String? { message.header(name).map { String(decoding: $0, as: UTF8.self) } }
    guard run == nil || run == text(Header.run), let id = text(Header.id).flatMap({ EventID($0) }),
      let key = text(Header.key).flatMap({ UInt32($0) }),
      let keySequence = text(Header.keySequence).flatMap({ UInt64($0) }),
      let token = text(Header.token).flatMap({ Int64($0) }),
      let origin = origins(in: store).first(where: { topic(of: $0, in: store) == message.partition.topic })
    else { return nil }
    return Row(
      id: id, key: key, keySequence: keySequence, token: token, origin: origin, partition: message.partition,
      offset: message.offset, checksum: payloadChecksum(message.value ?? []), timestamp: message.timestampMilliseconds)
  }
}
