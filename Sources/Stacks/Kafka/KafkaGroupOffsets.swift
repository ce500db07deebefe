internal import Support

/// The positions of a consumer group, exported: what is imported elsewhere can be shown to be the same.
public struct KafkaGroupOffsets: Sendable, Hashable, Codable {
  /// The position in one partition.
  public struct Position: Sendable, Hashable, Codable {
    /// The partition.
    public var partition: KafkaPartition
    /// The offset that is read next.
    public var offset: Int64
  }

  /// The group.
  public var group: String
  /// Its positions, by partition.
  public var positions: [Position]

  /// The positions of `group`.
  public init(group: String, _ offsets: [KafkaPartition: Int64]) {
    self.group = group
    positions = offsets.map { Position(partition: $0.key, offset: $0.value) }.sorted { $0.partition < $1.partition }
  }

  /// The positions by partition.
  public var offsets: [KafkaPartition: Int64] {
    Dictionary(positions.map { ($0.partition, $0.offset) }, uniquingKeysWith: { $1 })
  }

  /// SHA-256 over group and positions, in hexadecimal digits: equal exactly when all of them are.
  public var digest: String {
    let lines = [group] + positions.map { "\($0.partition.topic)\t\($0.partition.number)\t\($0.offset)" }
    return sha256(Array(lines.joined(separator: "\n").utf8))
  }
}
