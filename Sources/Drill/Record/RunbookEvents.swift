internal import Support

/// `runbook.started`: the runbook, or the failback, begins.
public struct RunbookStarted: JournalEvent {
  /// The record type.
  public static let type = "runbook.started"
  /// `runbook` or `failback`.
  public var runbook: String
  /// Its steps, in the order in which they will be done.
  public var steps: [String]
  /// What made it begin, in words.
  public var trigger: String
}

/// `runbook.step`: a step has come to another state.
public struct StepChanged: JournalEvent {
  /// The record type.
  public static let type = "runbook.step"

  /// States of a step.
  public enum State: String, Codable, Sendable, Hashable {
    /// A person is asked.
    case approving
    /// Its precondition is waited for.
    case checking
    /// It is being done; written before anything is changed.
    case acting
    /// Its verification is waited for.
    case verifying
    /// It will be tried again after a pause.
    case resting
    /// Done and verified.
    case done
    /// What must hold before the next step is waited for.
    case gating
    /// It is being taken back; written before anything is changed.
    case undoing
    /// It was taken back.
    case undone
    /// It failed for good, could not be taken back, or was cancelled.
    case failed
  }

  /// `runbook` or `failback`.
  public var runbook: String
  /// The step's id.
  public var step: String
  /// What it does: the verb.
  public var verb: String
  /// Its new state.
  public var state: State
  /// Which attempt, from 1.
  public var attempt: Int
  /// What was found, or why; `nil`: nothing to say.
  public var detail: String?
}

/// `runbook.ended`
public struct RunbookEnded: JournalEvent {
  /// The record type.
  public static let type = "runbook.ended"
  /// `runbook` or `failback`.
  public var runbook: String
  /// Whether every step is done.
  public var isComplete: Bool
  /// The step at which it was left; `nil`: it is complete.
  public var leftAt: String?
  /// Why it was left.
  public var why: String?
  /// The name of the state that stands now: `complete`, `as before the runbook`, `standing after promote`, …
  public var state: String
  /// Whether that state is a safe one.
  public var isSafe: Bool
  /// Steps that were taken back.
  public var undone: [String]
}

/// `runbook.fact`: something that the write-down of a failover asks for, measured at its moment.
public struct FactNoted: JournalEvent {
  /// The record type.
  public static let type = "runbook.fact"
  /// What it is about: `lag just before`, `trigger`, `producers' switch`, `consumers`.
  public var fact: String
  /// The figures in words.
  public var what: String
  /// The figures behind it.
  public var figures: [String: Int64]
}

/// `traffic.shifted`: another share of the traffic goes to a region.
public struct TrafficShifted: JournalEvent {
  /// The record type.
  public static let type = "traffic.shifted"
  /// The step.
  public var step: String
  /// The region.
  public var to: String
  /// The share, 0 to 1.
  public var share: Double
  /// Why it was brought back; `nil`: it goes forward.
  public var returnedBecause: String?
}

/// `consumers.moved`: consumer groups go on in another store, from positions that were imported there.
public struct ConsumersMoved: JournalEvent {
  /// The record type.
  public static let type = "consumers.moved"
  /// The store they read from now on.
  public var store: String
  /// The groups.
  public var groups: [String]
  /// SHA-256 of the positions that were imported.
  public var digest: String
}

/// `trigger.missed`: what a part of the timeline or a runbook was to begin with did not come in time.
public struct TriggerMissed: JournalEvent {
  /// The record type.
  public static let type = "trigger.missed"
  /// The fault or runbook.
  public var of: String
  /// What did not come.
  public var condition: String
  /// What was seen last.
  public var seen: String
}

/// `steady.broken`: what must hold all through the drill was broken for longer than it may be.
public struct SteadyBroken: JournalEvent {
  /// The record type.
  public static let type = "steady.broken"
  /// What must hold.
  public var expectation: String
  /// How long it was broken by then (ns).
  public var lasted: Int64
  /// What was seen.
  public var seen: String
}

/// `steady.after`: whether the steady state held again after the recovery.
public struct SteadyAfter: JournalEvent {
  /// The record type.
  public static let type = "steady.after"
  /// Whether all of it came to hold in time.
  public var holds: Bool
  /// What did not, in words.
  public var broken: [String]
  /// How long it took (ns).
  public var took: Int64
}

/// `probe.answered`: a probe's answer is of another kind than the one before; the first is always written.
public struct ProbeAnswered: JournalEvent {
  /// The record type.
  public static let type = "probe.answered"
  /// The probe.
  public var probe: String
  /// `passed`, `failed` or `no-data`.
  public var outcome: String
  /// The answer, or why there is none.
  public var what: String
}

/// `probe.summary`: what all answers of a probe came to.
public struct ProbeSummary: JournalEvent {
  /// The record type.
  public static let type = "probe.summary"
  /// The probe.
  public var probe: String
  /// Answers as they should be.
  public var passed: Int
  /// Other answers.
  public var failed: Int
  /// Questions without an answer.
  public var withoutData: Int
}

/// `communication.sent`
public struct CommunicationSent: JournalEvent {
  /// The record type.
  public static let type = "communication.sent"
  /// Its id.
  public var communication: String
  /// Whom it was for.
  public var audience: String
  /// Where it went.
  public var sink: String
  /// What it was counted from.
  public var anchor: String
  /// How long after its anchor it had to be sent, in people's time (ns).
  public var due: Int64
  /// How long after its anchor it was sent, in people's time (ns).
  public var sent: Int64
  /// Whether it came too late.
  public var isLate: Bool
  /// What it said, with secrets left as references.
  public var text: String
}

/// `communication.failed`: it was not sent.
public struct CommunicationFailed: JournalEvent {
  /// The record type.
  public static let type = "communication.failed"
  /// Its id.
  public var communication: String
  /// Why.
  public var why: String
}
