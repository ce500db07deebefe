/// A sync point, as MirrorMaker 2 writes it to `mm2-offset-syncs.<cluster>.internal`: the same record at both ends.
///
/// Key: STRING topic, INT32 partition, as at the source. Value: INT64 upstream, INT64 downstream offset; neither has a version.
///
/// - SeeAlso: Apache Kafka, `OffsetSync` of `connect/mirror`.
public struct OffsetSyncRecord: Sendable, Hashable {
  /// The topic, as named at the source.
  public var topic: String
  /// The partition.
  public var partition: Int32
  /// The record's offset at the source.
  public var upstream: Int64
  /// The record's offset at the target. -1: the task could not tell.
  public var downstream: Int64

  /// A sync point.
  public init(topic: String, partition: Int32, upstream: Int64, downstream: Int64) {
    self.topic = topic
    self.partition = partition
    self.upstream = upstream
    self.downstream = downstream
  }

  /// Reads a record of the topic. `nil`: a tombstone.
  ///
  /// - Throws: ``WireError`` where key or value are not whole, or longer than they should be.
  public init?(key: ArraySlice<UInt8>?, value: ArraySlice<UInt8>?) throws(WireError) {
    var reader = WireReader(try present(key))
    topic = try reader.string()
    partition = try reader.integer()
    try reader.mustBeAtEnd("the key of a sync point")
    guard let value else { return nil }
    reader = WireReader(value)
    upstream = try reader.integer()
    downstream = try reader.integer()
    try reader.mustBeAtEnd("a sync point")
  }

  /// Key and value as bytes.
  public func encoded() -> (key: [UInt8], value: [UInt8]) {
    var key = WireWriter()
    key.string(topic)
    key.integer(partition)
    var value = WireWriter()
    value.integer(upstream)
    value.integer(downstream)
    return (key.bytes, value.bytes)
  }
}

extension OffsetSyncRecord: CustomStringConvertible {
  /// `sync orders-0 upstream 7 downstream 5`.
  public var description: String { "sync \(topic)-\(partition) upstream \(upstream) downstream \(downstream)" }
}

extension CheckpointRecord: CustomStringConvertible {
  /// `checkpoint billing east.orders-0 upstream 7 downstream 5`.
  public var description: String {
    "checkpoint \(group) \(topic)-\(partition) upstream \(upstream) downstream \(downstream)"
  }
}

extension HeartbeatRecord: CustomStringConvertible {
  /// `heartbeat eu→east sent 1700000000000`.
  public var description: String { "heartbeat \(source)→\(target) sent \(timestamp)" }
}

/// A checkpoint, as MirrorMaker 2 writes it to `<source>.checkpoints.internal` of the target: a group's offset, translated.
///
/// Key: STRING group, STRING topic **as named at the target**, INT32 partition. Value: INT16 version 0, INT64 upstream, INT64
/// downstream offset, STRING metadata.
///
/// - SeeAlso: Apache Kafka, `Checkpoint` of `connect/mirror-client`.
public struct CheckpointRecord: Sendable, Hashable {
  /// The group.
  public var group: String
  /// The topic, as named at the target.
  public var topic: String
  /// The partition.
  public var partition: Int32
  /// What the group had committed at the source.
  public var upstream: Int64
  /// What that is at the target.
  public var downstream: Int64
  /// What the group had written beside its commit.
  public var metadata: String

  /// A checkpoint.
  public init(
    group: String, topic: String, partition: Int32, upstream: Int64, downstream: Int64, metadata: String = ""
  ) {
    self.group = group
    self.topic = topic
    self.partition = partition
    self.upstream = upstream
    self.downstream = downstream
    self.metadata = metadata
  }

  /// Reads a record of the topic. `nil`: a tombstone.
  ///
  /// - Throws: ``WireError`` where key or value are not whole or of another version.
  public init?(key: ArraySlice<UInt8>?, value: ArraySlice<UInt8>?) throws(WireError) {
    var reader = WireReader(try present(key))
    group = try reader.string()
    topic = try reader.string()
    partition = try reader.integer()
    try reader.mustBeAtEnd("the key of a checkpoint")
    guard let value else { return nil }
    reader = WireReader(value)
    try reader.version(0)
    upstream = try reader.integer()
    downstream = try reader.integer()
    metadata = try reader.string()
    try reader.mustBeAtEnd("a checkpoint")
  }

  /// Key and value as bytes.
  public func encoded() -> (key: [UInt8], value: [UInt8]) {
    var key = WireWriter()
    key.string(group)
    key.string(topic)
    key.integer(partition)
    var value = WireWriter()
    value.integer(Int16(0))
    value.integer(upstream)
    value.integer(downstream)
    value.string(metadata)
    return (key.bytes, value.bytes)
  }
}

/// A heartbeat, as MirrorMaker 2 writes it to `heartbeats`, from where it is mirrored like any record.
///
/// Key: STRING source alias, STRING target alias. Value: INT16 version 0, INT64 milliseconds since 1970. The aliases are those of
/// the *connector*, which writes into its own target: that `a` still reaches `b` is proven by a heartbeat written in `a`, whose
/// key is therefore that of the reverse pair, seen in `b`'s `a.heartbeats`.
///
/// - SeeAlso: Apache Kafka, `Heartbeat` of `connect/mirror-client`.
public struct HeartbeatRecord: Sendable, Hashable {
  /// The source of the connector that wrote it.
  public var source: String
  /// The target of the connector that wrote it: the cluster it was written in.
  public var target: String
  /// When, by the clock of who wrote it, milliseconds since 1970.
  public var timestamp: Int64

  /// A heartbeat.
  public init(source: String, target: String, timestamp: Int64) {
    self.source = source
    self.target = target
    self.timestamp = timestamp
  }

  /// Reads a record of the topic. `nil`: a tombstone.
  ///
  /// - Throws: ``WireError`` where key or value are not whole or of another version.
  public init?(key: ArraySlice<UInt8>?, value: ArraySlice<UInt8>?) throws(WireError) {
    var reader = WireReader(try present(key))
    source = try reader.string()
    target = try reader.string()
    try reader.mustBeAtEnd("the key of a heartbeat")
    guard let value else { return nil }
    reader = WireReader(value)
    try reader.version(0)
    timestamp = try reader.integer()
    try reader.mustBeAtEnd("a heartbeat")
  }

  /// Key and value as bytes.
  public func encoded() -> (key: [UInt8], value: [UInt8]) {
    var key = WireWriter()
    key.string(source)
    key.string(target)
    var value = WireWriter()
    value.integer(Int16(0))
    value.integer(timestamp)
    return (key.bytes, value.bytes)
  }
}

/// The bytes of a key that may not be null.
func present(_ bytes: ArraySlice<UInt8>?) throws(WireError) -> ArraySlice<UInt8> {
  guard let bytes else { throw WireError(.unexpectedNull, at: 0) }
  return bytes
}

extension WireReader {
  /// The INT16 of a version, which must be one of those known.
  mutating func version(_ known: ClosedRange<Int16>) throws(WireError) -> Int16 {
    let begun = offset
    let version = try integer(Int16.self)
    guard known.contains(version) else { throw WireError(.unknownVersion(Int(version)), at: begun) }
    return version
  }

  /// The INT16 of a version of which there is one.
  mutating func version(_ known: Int16) throws(WireError) { _ = try version(known...known) }

  /// Bytes left over say that the format is another than the one read.
  func mustBeAtEnd(_ what: String) throws(WireError) {
    guard remaining == 0 else {
      throw WireError(.invalid("\(what) with \(remaining) bytes more than it has"), at: offset)
    }
  }
}
