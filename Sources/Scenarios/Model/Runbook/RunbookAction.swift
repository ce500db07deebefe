internal import Support

/// What a step does.
public enum RunbookAction: Sendable, Hashable, Codable {
  /// Stops a mirror; nothing is applied at its target until it is resumed.
  case pauseMirror(MirrorLink)
  /// Lets a mirror go on from where it stopped.
  case resumeMirror(MirrorLink)
  /// Raises the fence of a region's store above every token granted so far: it refuses all writers until one is promoted
  /// there.
  case fenceRegion(InRegion)
  /// Gives write authority to a region.
  case promote(InRegion)
  /// Takes write authority from a region; nobody holds it afterwards.
  case demote(InRegion)
  /// Moves write authority to a region without a time in which nobody could be elected.
  case transferLeadership(InRegion)
  /// Sends producers to a region's store.
  case repointProducers(ProducerMove)
  /// Holds producers back; what they would write waits with them.
  case pauseProducers(Members)
  /// Lets them go on.
  case resumeProducers(Members)
  /// Holds consumers back.
  case pauseConsumers(Members)
  /// Lets them go on.
  case resumeConsumers(Members)
  /// Writes down the positions of consumer groups of a region, by event, with a hash.
  case exportOffsets(Offsets)
  /// Sets the positions of consumer groups in a region to what was exported, translated by event.
  case importOffsets(Offsets)
  /// Compares two stores, bucket by bucket, and fails with the differing ones.
  case verifyParity(Parity)
  /// Compares the stores with what was acknowledged, and lists or repairs what differs.
  case reconcile(Parity)
  /// Moves traffic in stages, each held and judged; a red gate brings it back to the stage before.
  case shiftTraffic(TrafficShift)
  /// Lets the connector of the outbox read another region's store.
  case repointOutbox(OutboxMove)
  /// Writes to the outbox's topic what a region's store has of it and the topic lacks, by row id.
  case reEmitOutbox(InRegion)
  /// Runs a program.
  case command(CommandCall)
  /// Sends an HTTP request; a status below 400 is success.
  case http(HTTPCall)
  /// Asks a person.
  case approval(Approval)
  /// Waits.
  case wait(Pause)
  /// Does something to Kafka clusters and their mirrors.
  case kafka(KafkaAction)
}

extension RunbookAction {
  /// The actions' names in a scenario.
  public enum Verb: String, Sendable, Hashable, Codable, CaseIterable {
    /// See ``RunbookAction/pauseMirror(_:)``.
    case pauseMirror = "pause-mirror"
    /// See ``RunbookAction/resumeMirror(_:)``.
    case resumeMirror = "resume-mirror"
    /// See ``RunbookAction/fenceRegion(_:)``.
    case fenceRegion = "fence-region"
    /// See ``RunbookAction/promote(_:)``.
    case promote
    /// See ``RunbookAction/demote(_:)``.
    case demote
    /// See ``RunbookAction/transferLeadership(_:)``.
    case transferLeadership = "transfer-leadership"
    /// See ``RunbookAction/repointProducers(_:)``.
    case repointProducers = "repoint-producers"
    /// See ``RunbookAction/pauseProducers(_:)``.
    case pauseProducers = "pause-producers"
    /// See ``RunbookAction/resumeProducers(_:)``.
    case resumeProducers = "resume-producers"
    /// See ``RunbookAction/pauseConsumers(_:)``.
    case pauseConsumers = "pause-consumers"
    /// See ``RunbookAction/resumeConsumers(_:)``.
    case resumeConsumers = "resume-consumers"
    /// See ``RunbookAction/exportOffsets(_:)``.
    case exportOffsets = "export-offsets"
    /// See ``RunbookAction/importOffsets(_:)``.
    case importOffsets = "import-offsets"
    /// See ``RunbookAction/verifyParity(_:)``.
    case verifyParity = "verify-parity"
    /// See ``RunbookAction/reconcile(_:)``.
    case reconcile
    /// See ``RunbookAction/shiftTraffic(_:)``.
    case shiftTraffic = "shift-traffic"
    /// See ``RunbookAction/repointOutbox(_:)``.
    case repointOutbox = "repoint-outbox"
    /// See ``RunbookAction/reEmitOutbox(_:)``.
    case reEmitOutbox = "re-emit-outbox"
    /// See ``RunbookAction/command(_:)``.
    case command
    /// See ``RunbookAction/http(_:)``.
    case http
    /// See ``RunbookAction/approval(_:)``.
    case approval
    /// See ``RunbookAction/wait(_:)``.
    case wait
    /// See ``KafkaAction/stopMirror(_:)``.
    case stopMirror = "stop-mirror"
    /// See ``KafkaAction/mirrorStatus(_:)``.
    case mirrorStatus = "mirror-status"
    /// See ``KafkaAction/exportMirrorOffsets(_:)``.
    case exportMirrorOffsets = "export-mirror-offsets"
    /// See ``KafkaAction/setMirrorOffsets(_:)``.
    case setMirrorOffsets = "set-mirror-offsets"
    /// See ``KafkaAction/resetMirrorOffsets(_:)``.
    case resetMirrorOffsets = "reset-mirror-offsets"
    /// See ``KafkaAction/createTopics(_:)``.
    case createTopics = "create-topics"
    /// See ``KafkaAction/topicDrift(_:)``.
    case topicDrift = "topic-drift"
    /// See ``KafkaAction/snapshotAccess(_:)``.
    case snapshotAccess = "snapshot-access"
    /// See ``KafkaAction/compareAccess(_:)``.
    case compareAccess = "compare-access"
    /// See ``KafkaAction/grantWrite(_:)``.
    case grantWrite = "grant-write"
    /// See ``KafkaAction/revokeWrite(_:)``.
    case revokeWrite = "revoke-write"
  }

  /// Which action.
  public var verb: Verb {
    switch self {
    case .pauseMirror: .pauseMirror
    case .resumeMirror: .resumeMirror
    case .fenceRegion: .fenceRegion
    case .promote: .promote
    case .demote: .demote
    case .transferLeadership: .transferLeadership
    case .repointProducers: .repointProducers
    case .pauseProducers: .pauseProducers
    case .resumeProducers: .resumeProducers
    case .pauseConsumers: .pauseConsumers
    case .resumeConsumers: .resumeConsumers
    case .exportOffsets: .exportOffsets
    case .importOffsets: .importOffsets
    case .verifyParity: .verifyParity
    case .reconcile: .reconcile
    case .shiftTraffic: .shiftTraffic
    case .repointOutbox: .repointOutbox
    case .reEmitOutbox: .reEmitOutbox
    case .command: .command
    case .http: .http
    case .approval: .approval
    case .wait: .wait
    case .kafka(let action): action.verb
    }
  }
}
