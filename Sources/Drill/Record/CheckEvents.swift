internal import Support

/// `anomaly.seen`: the live checks found something while the drill was going on. The verdict is given on the whole evidence, and
/// finds it again.
public struct AnomalySeen: JournalEvent {
  /// The record type.
  public static let type = "anomaly.seen"
  /// The row of the taxonomy, such as `L3`.
  public var row: String
  /// Its name.
  public var name: String
  /// The violation in words.
  public var what: String
  /// Violations of this row so far.
  public var total: Int
}

/// `state.seen`: a digest of every store, group and reign, at quiescence; two that differ show a system that does not settle.
public struct StateSeen: JournalEvent {
  /// The record type.
  public static let type = "state.seen"
  /// What was looked at, with a digest of its state.
  public var values: [String: String]
}

/// `clocks.seen`: how far the nodes' clocks were from the recorder's, at one moment.
public struct ClocksSeen: JournalEvent {
  /// The record type.
  public static let type = "clocks.seen"
  /// By node.
  public var clocks: [String: Clock]
  /// Nodes that could not be asked, with the reason.
  public var unanswered: [String: String]?

  /// One node's clock.
  public struct Clock: Codable, Sendable, Hashable {
    /// How far it is ahead (ns); negative for behind.
    public var offset: Int64
    /// The truth lies within so much of it, either way (ns).
    public var uncertainty: Int64
    /// When (ns, monotonic).
    public var at: Int64
  }
}

extension JournalRecord {
  /// Every type of record that this version writes and reads.
  static let knownTypes: [any JournalEvent.Type] = [
    RunStarted.self, PhaseEntered.self, LabIsUp.self, AuthoritySeen.self, PlantSet.self, FaultArming.self,
    FaultArmed.self, FaultProven.self, FaultLapsed.self, FaultNameChanged.self, FaultNameLost.self, GuardianNoted.self,
    FaultDisarming.self, FaultGone.self, Sample.self,
    ConditionMet.self, ConditionMissed.self, ServerLost.self, ServerRestarted.self, TruthDumped.self,
    HistoryClosed.self, RunAborted.self,
    RunEnded.self, AnomalySeen.self, StateSeen.self, FaultWithheld.self, StepConfirmed.self,
    RunbookStarted.self, StepChanged.self, RunbookEnded.self, FactNoted.self, TrafficShifted.self, ConsumersMoved.self,
    TriggerMissed.self, SteadyBroken.self, SteadyAfter.self, ProbeAnswered.self, ProbeSummary.self,
    CommunicationSent.self, CommunicationFailed.self, ClocksSeen.self, EvidenceSetAside.self,
    KafkaFenceSet.self, KafkaFenceDelayed.self,
  ]

  /// Whether the record is of a known type but cannot be read as such. What it told is then missing from the evidence.
  var hasForeignShape: Bool {
    guard let known = Self.knownTypes.first(where: { $0.type == type }) else { return false }
    return !isDecodable(known)
  }

  private func isDecodable<T: JournalEvent>(_ type: T.Type) -> Bool { decoded(type) != nil }
}
