/// What can be wrong with a record of logs, mirrors, leadership or a failover: one case a row of the taxonomy in
/// docs/anomalies.md. The raw value is the row.
public enum Anomaly: String, Sendable, Hashable, Codable, CaseIterable {
  // One log.
  case lostWrite = "L1"
  case tailLoss = "L2"
  case duplicateAppend = "L3"
  case inconsistentOffset = "L4"
  case offsetRegression = "L5"
  case abortedRead = "L6"
  case intermediateRead = "L7"
  case tornTransaction = "L8"
  case writeCycle = "L9"
  case informationCycle = "L10"
  case precommittedRead = "L12"
  case internalNonmonotonicPoll = "L13"
  case nonmonotonicPoll = "L14"
  case pollSkip = "L15"
  case nonmonotonicSend = "L16"
  case sendSkip = "L17"
  case keyOrderInversion = "L18"
  case unknownValue = "L19"
  case corruptedPayload = "L20"
  case misroutedKey = "L21"
  case committedTooFar = "L22"
  case committedRegress = "L23"
  case unassignedConsumption = "L24"
  case retentionLoss = "L25"
  case vacuousRun = "L27"

  // A mirror of a log.
  case mirrorMissing = "M1"
  case mirrorDuplicate = "M2"
  case mirrorReorder = "M3"
  case mirrorMutation = "M4"
  case mirrorDivergence = "M5"
  case translationOvershoot = "M6"
  case translationUndershoot = "M7"
  case translationBeyondEnd = "M8"
  case checkpointRegress = "M9"
  case checkpointStale = "M10"
  case groupOffsetClobber = "M11"
  case heartbeatGap = "M12"
  case mirrorLoop = "M13"
  case truncationSkip = "M15"
  case topicRecreated = "M16"
  case lagNotZero = "M17"
  case translationUnexplained = "M18"
  case syncPointFalse = "M19"

  // Leadership and fencing.
  case twoLeadersOneTerm = "E1"
  case tokenRegress = "E2"
  case leaseOverlap = "E3"
  case staleTokenAccepted = "E4"
  case unsealedWindow = "E5"
  case currentTokenRejected = "E6"
  case acceptMismatch = "E7"
  case electionLate = "E8"
  case holderPastLease = "E9"
  case zombieProducer = "E10"
  case leadershipFlapping = "E11"
  case minorityLeader = "E12"

  // A failover and the way back.
  case recoveryPointMissed = "D1"
  case recoveryPointAge = "D2"
  case recoveryTimeMissed = "D3"
  case dualWriters = "D4"
  case divergentSuffix = "D5"
  case failbackDuplicates = "D6"
  case replayedEffects = "D7"
  case crossFailoverOrder = "D8"
  case eventStoreFork = "D10"
  case nonConvergence = "D11"

  /// The name that reports and tools use: the case's words, joined by hyphens, as in `lost-write`.
  public var name: String {
    var name = ""
    for character in String(describing: self) {
      if character.isUppercase { name += "-" }
      name += character.lowercased()
    }
    return name
  }
}

/// How sure an anomaly is.
public enum Certainty: String, Sendable, Hashable, Codable {
  /// No reading of the evidence makes it disappear.
  case certain
  /// It rests on comparing the clocks of two nodes, and goes away within their uncertainty.
  case possible
}
