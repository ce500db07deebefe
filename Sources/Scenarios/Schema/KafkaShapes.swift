extension Shape {
  /// The arguments of the actions on Kafka.
  static func kafkaKeys(of verb: RunbookAction.Verb) -> [Key] {
    let region = Key.must("region", .region, "whose cluster")
    let mirror: [Key] = [.must("from", .region, "from where"), .must("to", .region, "where to")]
    let snapshot = Key.must("snapshot", .name(32), "its name")
    switch verb {
    case .stopMirror: return mirror
    case .mirrorStatus:
      return mirror + [
        .may("is", .words(MirrorStatusCheck.State.self), "running", "what connectors and tasks must say"),
        .may("within", .duration, "10s", "the longest that it may take"),
      ]
    case .exportMirrorOffsets: return mirror + [snapshot]
    case .setMirrorOffsets:
      return mirror + [
        .may("snapshot", .name(32), "to where it was then"),
        .may("back", .integer(1...1_000_000_000), "by so many offsets of each partition"),
      ]
    case .resetMirrorOffsets:
      return mirror + [.must("confirm", .choice([KafkaAction.resetConfirmation]), "that this is known")]
    case .createTopics, .topicDrift: return [region, .must("topics", .list(declaredTopic), "as they are meant to be")]
    case .snapshotAccess: return [region, snapshot]
    case .compareAccess:
      return [
        region, .may("with", .region, "the other cluster"), .may("snapshot", .name(32), "or what was written down"),
        .may("principals", .list(.text), "whose; everybody's, if absent"),
      ]
    case .grantWrite, .revokeWrite:
      return [region, .must("principal", .text, "who, such as User:orders"), .must("topics", .list(.text), "which")]
    default: return []
    }
  }

  private static let declaredTopic = Shape.keys([
    .must("name", .text, "its name"), .must("partitions", .integer(1...10_000), "how many"),
    .may("replicas", .integer(1...100), "1", "how many brokers hold each"),
    .may("retention", .duration, "how long records are kept"),
    .may("brokers", .list(.integer(0...Int64(Int32.max))), "which may hold it; any, if absent"),
    .may("configuration", .anyKeys(.text), "other entries, by Kafka's names"),
  ])
}
