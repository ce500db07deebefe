/// One record of `__consumer_offsets`: what a group committed, or something about the group itself.
///
/// Both key and value begin with an INT16 of version. The key's version says what the record is: 0 and 1 a committed offset,
/// 2 a group of the classic protocol, later ones the state of groups of the protocols that followed (KIP-848, KIP-932,
/// KIP-1071), which is stepped over by kind.
///
/// - SeeAlso: Apache Kafka, `group-coordinator/src/main/resources/common/message/OffsetCommit{Key,Value}.json`,
///   `GroupMetadata{Key,Value}.json`, `CoordinatorRecordType`.
public enum ConsumerOffsetsRecord: Sendable, Hashable {
  /// A group committed an offset, or its commit was removed.
  case commit(OffsetCommit)
  /// A group of the classic protocol changed, or was removed.
  case group(ClassicGroup)
  /// State of a kind that is not read; the number is the key's version.
  case other(kind: Int16)

  /// Reads a record of the topic.
  ///
  /// - Throws: ``WireError`` where key or value are not whole, or the value has a version that is not known.
  public init(key: ArraySlice<UInt8>?, value: ArraySlice<UInt8>?) throws(WireError) {
    var reader = WireReader(try present(key))
    let kind = try reader.integer(Int16.self)
    switch kind {
    case 0, 1:
      let group = try reader.string()
      let topic = try reader.string()
      let partition = try reader.integer(Int32.self)
      try reader.mustBeAtEnd("the key of a committed offset")
      self = .commit(
        OffsetCommit(
          group: group, topic: topic, partition: partition,
          state: try value.map { bytes throws(WireError) in try OffsetCommit.State(bytes) }))
    case 2:
      let group = try reader.string()
      try reader.mustBeAtEnd("the key of a group")
      self = .group(
        ClassicGroup(
          group: group, state: try value.map { bytes throws(WireError) in try ClassicGroup.State(bytes) }))
    case 3...:
      self = .other(kind: kind)
    default:
      throw WireError(.unknownVersion(Int(kind)), at: 0)
    }
  }
}

/// What a group committed in one partition.
public struct OffsetCommit: Sendable, Hashable {
  /// The commit itself.
  public struct State: Sendable, Hashable {
    /// The next offset that the group will read.
    public var offset: Int64
    /// The epoch of the leader that the last record was read from. `nil`: not told.
    public var leaderEpoch: Int32?
    /// What the group wrote beside it.
    public var metadata: String
    /// When, by the broker's clock, milliseconds since 1970.
    public var committedAt: Int64
    /// When it may be forgotten. `nil`: as the broker's settings say.
    public var expiresAt: Int64?
    /// The topic's id, as two halves. `nil`: not told.
    public var topicID: TopicID?

    /// A commit.
    public init(
      offset: Int64, leaderEpoch: Int32? = nil, metadata: String = "", committedAt: Int64, expiresAt: Int64? = nil,
      topicID: TopicID? = nil
    ) {
      self.offset = offset
      self.leaderEpoch = leaderEpoch
      self.metadata = metadata
      self.committedAt = committedAt
      self.expiresAt = expiresAt
      self.topicID = topicID
    }
  }

  /// The group.
  public var group: String
  /// The topic.
  public var topic: String
  /// The partition.
  public var partition: Int32
  /// The commit. `nil`: it was removed.
  public var state: State?

  /// A commit, or the removal of one.
  public init(group: String, topic: String, partition: Int32, state: State?) {
    self.group = group
    self.topic = topic
    self.partition = partition
    self.state = state
  }
}

extension OffsetCommit.State {
  /// Reads the value, versions 0 to 4.
  init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(bytes)
    let version = try reader.version(0...4)
    offset = try reader.integer()
    if version >= 3 {
      let epoch = try reader.integer(Int32.self)
      leaderEpoch = epoch < 0 ? nil : epoch
    }
    if version >= 4 {
      let begun = reader.offset
      guard let text = try reader.compactNullableString() else { throw WireError(.unexpectedNull, at: begun) }
      metadata = text
    } else {
      metadata = try reader.string()
    }
    committedAt = try reader.integer()
    if version == 1 {
      let expiry = try reader.integer(Int64.self)
      expiresAt = expiry < 0 ? nil : expiry
    }
    if version >= 4 {
      let count = try reader.unsignedVarint()
      for _ in 0..<count {
        let tag = try reader.unsignedVarint()
        let field = try reader.take(Int(try reader.unsignedVarint()))
        if tag == 0 { topicID = try TopicID(field) }
      }
    }
    try reader.mustBeAtEnd("a committed offset")
  }
}

/// The id that a topic is given when it is made; one that is made anew under the same name has another.
public struct TopicID: Sendable, Hashable, CustomStringConvertible {
  /// The first eight bytes.
  public var high: UInt64
  /// The last eight bytes.
  public var low: UInt64

  /// An id.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(bytes)
    high = try reader.integer()
    low = try reader.integer()
    try reader.mustBeAtEnd("a topic's id")
  }

  /// As Kafka's tools print it: base 64 with `-` and `_`, without padding.
  public var description: String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    var writer = WireWriter()
    writer.integer(high)
    writer.integer(low)
    var text = ""
    var (bits, count) = (0, 0)
    for byte in writer.bytes {
      bits = bits << 8 | Int(byte)
      count += 8
      while count >= 6 {
        count -= 6
        text.append(alphabet[bits >> count & 0x3f])
      }
      bits &= 0xff
    }
    if count > 0 { text.append(alphabet[bits << (6 - count) & 0x3f]) }
    return text
  }
}

/// A group of the classic protocol, as its coordinator keeps it.
public struct ClassicGroup: Sendable, Hashable {
  /// What is kept of it.
  public struct State: Sendable, Hashable {
    /// The kind of group, such as `consumer`; empty for one that only commits.
    public var protocolType: String
    /// The generation.
    public var generation: Int32
    /// How many members it has. What they were assigned is not read.
    public var members: Int
  }

  /// The group.
  public var group: String
  /// What is kept of it. `nil`: it was removed.
  public var state: State?
}

extension ClassicGroup.State {
  /// Reads the beginning of the value, versions 0 to 4: as far as the number of members.
  init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(bytes)
    let version = try reader.version(0...4)
    if version >= 4 {
      let begun = reader.offset
      guard let text = try reader.compactNullableString() else { throw WireError(.unexpectedNull, at: begun) }
      protocolType = text
      generation = try reader.integer()
      _ = try reader.compactNullableString()
      _ = try reader.compactNullableString()
    } else {
      protocolType = try reader.string()
      generation = try reader.integer()
      _ = try reader.nullableString()
      _ = try reader.nullableString()
    }
    if version >= 2 { _ = try reader.integer(Int64.self) }
    let begun = reader.offset
    let count = version >= 4 ? Int(try reader.unsignedVarint()) - 1 : Int(try reader.integer(Int32.self))
    guard count >= 0, count <= reader.remaining else { throw WireError(.negativeLength(count), at: begun) }
    members = count
  }
}

extension ConsumerOffsetsRecord: CustomStringConvertible {
  /// `commit billing orders-0 offset 7`, `group billing generation 4 members 2`, `kind 3`.
  public var description: String {
    switch self {
    case .commit(let commit):
      "commit \(commit.group) \(commit.topic)-\(commit.partition) "
        + (commit.state.map { "offset \($0.offset) at \($0.committedAt)" } ?? "removed")
    case .group(let group):
      "group \(group.group) " + (group.state.map { "generation \($0.generation) members \($0.members)" } ?? "removed")
    case .other(let kind): "kind \(kind)"
    }
  }
}
