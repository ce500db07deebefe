extension Anomaly {
  /// The checklist item that speaks for the row: what is found of it fails that item. `nil`: no item does, and a finding makes a
  /// failing entry of its own.
  public var item: ChecklistItem? {
    switch self {
    case .mirrorMissing, .mirrorMutation, .mirrorDivergence, .heartbeatGap, .topicRecreated, .lagNotZero,
      .divergentSuffix, .nonConvergence:
      .mirrorLagZero
    case .duplicateAppend, .mirrorDuplicate, .mirrorLoop, .failbackDuplicates:
      .noDuplicates
    case .lostWrite, .tailLoss, .abortedRead, .unknownValue, .corruptedPayload, .retentionLoss, .truncationSkip,
      .recoveryPointMissed,
      .recoveryPointAge, .eventStoreFork, .acceptMismatch:
      .noAcknowledgedLoss
    case .staleTokenAccepted, .unsealedWindow, .currentTokenRejected, .zombieProducer, .dualWriters:
      .staleTokenRejected
    case .twoLeadersOneTerm, .tokenRegress, .leaseOverlap, .electionLate, .holderPastLease, .leadershipFlapping,
      .minorityLeader:
      .electionWithinTTL
    case .inconsistentOffset, .offsetRegression, .nonmonotonicSend, .sendSkip, .keyOrderInversion, .misroutedKey,
      .mirrorReorder,
      .crossFailoverOrder:
      .orderPerAggregate
    case .internalNonmonotonicPoll, .nonmonotonicPoll, .pollSkip, .committedTooFar, .committedRegress,
      .unassignedConsumption, .translationBeyondEnd, .replayedEffects:
      .consumerProgress
    case .translationOvershoot, .translationUndershoot, .checkpointRegress, .checkpointStale, .groupOffsetClobber,
      .translationUnexplained, .syncPointFalse:
      .offsetsTranslated
    case .intermediateRead, .tornTransaction, .writeCycle, .informationCycle, .precommittedRead, .vacuousRun,
      .recoveryTimeMissed:
      nil
    }
  }
}

extension ChecklistItem {
  /// The rows that the item's own check looks for, beside those of the families.
  var ownRows: Set<Anomaly> {
    switch self {
    case .mirrorLagZero: [.mirrorMissing, .mirrorMutation, .lagNotZero]
    case .noDuplicates: [.duplicateAppend]
    case .noAcknowledgedLoss: [.tailLoss, .abortedRead, .unknownValue]
    case .staleTokenRejected: [.staleTokenAccepted, .currentTokenRejected]
    case .electionWithinTTL: [.twoLeadersOneTerm, .tokenRegress, .electionLate]
    case .orderPerAggregate: [.keyOrderInversion]
    case .consumerProgress: [.pollSkip, .committedTooFar, .translationBeyondEnd, .replayedEffects]
    case .writeAuthorityStays: []  // a switch that nothing made necessary is no anomaly of a log or a lease
    case .offsetsTranslated: [.translationUnexplained]
    case .noUnfencedSchemaChange: []  // a schema is no event of a log
    case .outboxComplete: []  // the topic is a copy of the log, and none of its own
    case .steadyStateRecovered: []  // what a probe says is no event of a log
    }
  }
}
