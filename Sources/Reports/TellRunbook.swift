internal import Checks
internal import Drill
internal import Scenarios
public import Support

/// What a record of a runbook, the steady state, a probe or a message says to who watches; `nil` for any other record.
public func runbookMoment(_ entry: JournalRecord) -> String? { RunbookTeller.moment(entry) }

/// The runbook of a run, its write-down and its messages, as reports tell them.
struct RunbookTeller {
  let record: RunRecord
  /// A moment as seconds from the start of the run.
  let seconds: (Int64) -> Double

  /// Every step, also those that were never begun; empty without a runbook.
  var steps: [StepSummary] {
    let started = record.events(RunbookStarted.self)
    var steps: [StepSummary] = started.flatMap { _, event in
      event.steps.map {
        StepSummary(runbook: event.runbook, id: $0, verb: "", state: "not begun", detail: "", attempts: 0)
      }
    }
    for (time, change) in record.events(StepChanged.self) {
      guard let index = steps.firstIndex(where: { $0.runbook == change.runbook && $0.id == change.step }) else {
        continue
      }
      steps[index].verb = change.verb
      steps[index].state = change.state.rawValue
      steps[index].attempts = max(steps[index].attempts, change.attempt)
      if let detail = change.detail { steps[index].detail = detail }
      if change.state == .acting { steps[index].start = steps[index].start ?? seconds(time) }
      if [.done, .failed, .undone].contains(change.state) { steps[index].end = seconds(time) }
      // A gate is waited for after the step is done.
      if change.state == .gating { steps[index].state = "done" }
    }
    return steps
  }

  /// What the write-down asks for, and what was said to whom.
  var notes: [Fact] {
    record.journal.compactMap { entry in
      if let fact = entry.decoded(FactNoted.self) { return Fact(fact.fact, fact.what) }
      if let sent = entry.decoded(CommunicationSent.self) {
        let after = Duration.nanoseconds(sent.sent).brief
        let late = sent.isLate ? ", TOO LATE" : ""
        return Fact(
          "message \(sent.communication)", "\(after) after \(sent.anchor)\(late), to \(sent.sink): \(sent.text)")
      }
      if let failed = entry.decoded(CommunicationFailed.self) {
        return Fact("message \(failed.communication)", "NOT SENT: \(failed.why)")
      }
      return nil
    }
  }

  /// How the drill itself was gone through, beside the items of the checklist.
  func conduct(_ verdict: DrillVerdict?) -> [ItemSummary] {
    (verdict?.conduct ?? []).map { part in
      ItemSummary(
        id: part.name, title: part.name, verdict: VerdictKind(rawValue: part.kind.rawValue) ?? .inconclusive,
        headline: part.headline, details: [], level: nil, witness: nil)
    }
  }

  /// What a record of the runbook, the steady state or a probe says in the timeline; `nil` for any other.
  static func moment(_ entry: JournalRecord) -> String? {
    if let event = entry.decoded(RunbookStarted.self) { return "\(event.runbook) begins: \(event.trigger)" }
    if let event = entry.decoded(StepChanged.self) {
      switch event.state {
      case .acting: return "\(event.runbook) step \(event.step): \(event.verb)"
      case .done: return "\(event.step) done\(event.detail.map { ": \($0)" } ?? "")"
      case .failed: return "\(event.step) FAILED: \(event.detail ?? "")"
      case .undoing: return "\(event.step) is taken back"
      case .undone: return "\(event.step) was taken back"
      case .approving: return "\(event.step): \(event.detail ?? "")"
      case .checking, .verifying, .resting, .gating: return nil
      }
    }
    if let event = entry.decoded(RunbookEnded.self) {
      return "\(event.runbook) ends: \(event.state)\(event.why.map { ", \($0)" } ?? "")"
    }
    if let event = entry.decoded(TrafficShifted.self) {
      let back = event.returnedBecause.map { ", brought back: \($0)" } ?? ""
      return "\(fixed(event.share * 100, 0)) % of the traffic to \(event.to)\(back)"
    }
    if let event = entry.decoded(ConsumersMoved.self) {
      return "\(event.groups.joined(separator: ", ")) read from \(event.store)"
    }
    if let event = entry.decoded(TriggerMissed.self) {
      return "\(event.of) does not begin: \(event.condition) did not come (\(event.seen))"
    }
    if let event = entry.decoded(SteadyBroken.self) {
      return "steady state BROKEN: \(event.expectation): \(event.seen)"
    }
    if let event = entry.decoded(ProbeAnswered.self) { return "probe \(event.probe) \(event.outcome): \(event.what)" }
    if let event = entry.decoded(CommunicationSent.self) { return "message \(event.communication) sent" }
    if let event = entry.decoded(CommunicationFailed.self) {
      return "message \(event.communication) NOT SENT: \(event.why)"
    }
    return nil
  }
}
