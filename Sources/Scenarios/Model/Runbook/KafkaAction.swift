internal import Support

/// What a step does to Kafka clusters and their mirrors, by the means that an operator has: Connect's interface and the brokers'
/// administration. None of it needs the drill's own control planes.
public enum KafkaAction: Sendable, Hashable, Codable {
  /// Ends the tasks of a mirror; only then can its offsets be changed. It is resumed like a paused one.
  case stopMirror(MirrorLink)
  /// Waits until connectors and tasks of a mirror say that they are in a state.
  case mirrorStatus(MirrorStatusCheck)
  /// Writes down where a mirror has come to in its source, with a hash.
  case exportMirrorOffsets(MirrorSnapshot)
  /// Sets a stopped mirror to another place in its source.
  case setMirrorOffsets(MirrorPlacement)
  /// Lets a stopped mirror forget where it is: everything that the source still has is mirrored again.
  case resetMirrorOffsets(MirrorLink)
  /// Makes topics; one that is there must be as declared.
  case createTopics(DeclaredTopics)
  /// Compares topics with what is declared, and fails with each difference.
  case topicDrift(DeclaredTopics)
  /// Writes down the access rules of a cluster, with a hash.
  case snapshotAccess(AccessSnapshot)
  /// Compares access rules with those of another cluster, or with a snapshot, and fails with each difference.
  case compareAccess(AccessComparison)
  /// Lets somebody write to topics.
  case grantWrite(WriteGrant)
  /// Lets him no longer.
  case revokeWrite(WriteGrant)
}

extension KafkaAction {
  /// Which action.
  public var verb: RunbookAction.Verb {
    switch self {
    case .stopMirror: .stopMirror
    case .mirrorStatus: .mirrorStatus
    case .exportMirrorOffsets: .exportMirrorOffsets
    case .setMirrorOffsets: .setMirrorOffsets
    case .resetMirrorOffsets: .resetMirrorOffsets
    case .createTopics: .createTopics
    case .topicDrift: .topicDrift
    case .snapshotAccess: .snapshotAccess
    case .compareAccess: .compareAccess
    case .grantWrite: .grantWrite
    case .revokeWrite: .revokeWrite
    }
  }

  /// Whether anything is different afterwards.
  public var changesSomething: Bool {
    switch self {
    case .mirrorStatus, .exportMirrorOffsets, .topicDrift, .snapshotAccess, .compareAccess: false
    case .stopMirror, .setMirrorOffsets, .resetMirrorOffsets, .createTopics, .grantWrite, .revokeWrite: true
    }
  }

  /// The mirror that it is for.
  public var mirror: MirrorLink? {
    switch self {
    case .stopMirror(let link), .resetMirrorOffsets(let link): link
    case .mirrorStatus(let check): check.link
    case .exportMirrorOffsets(let snapshot): snapshot.link
    case .setMirrorOffsets(let placement): placement.link
    case .createTopics, .topicDrift, .snapshotAccess, .compareAccess, .grantWrite, .revokeWrite: nil
    }
  }
}
