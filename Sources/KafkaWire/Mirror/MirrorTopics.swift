/// What one of MirrorMaker 2's own topics is, by its name.
///
/// - SeeAlso: Apache Kafka, `ReplicationPolicy` and `MirrorUtils`: the defaults.
public enum MirrorTopic: Sendable, Hashable {
  /// Sync points; the other end of the mirror is named.
  case offsetSyncs(other: String)
  /// Checkpoints of the mirror from `source`.
  case checkpoints(source: String)
  /// Heartbeats that were written in this very cluster; they say nothing about a link.
  case ownHeartbeats
  /// Heartbeats that came from `source`.
  case heartbeats(source: String)
  /// The groups' committed offsets.
  case consumerOffsets

  /// What `topic` is. `nil`: none of these.
  public init?(_ topic: String, separator: String = ".") {
    func between(_ prefix: String, _ suffix: String) -> String? {
      guard topic.hasPrefix(prefix), topic.hasSuffix(suffix),
        topic.utf8.count > prefix.utf8.count + suffix.utf8.count
      else { return nil }
      return String(topic.dropFirst(prefix.count).dropLast(suffix.count))
    }
    if topic == "__consumer_offsets" {
      self = .consumerOffsets
    } else if topic == "heartbeats" {
      self = .ownHeartbeats
    } else if let other = between("mm2-offset-syncs" + separator, separator + "internal") {
      self = .offsetSyncs(other: other)
    } else if let source = between("", separator + "checkpoints" + separator + "internal") {
      self = .checkpoints(source: source)
    } else if let source = between("", separator + "heartbeats") {
      self = .heartbeats(source: source)
    } else {
      return nil
    }
  }
}
