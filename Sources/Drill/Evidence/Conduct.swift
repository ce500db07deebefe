internal import Checks
internal import Scenarios
internal import Support

/// How the drill itself was gone through, from its journal: what was asked for and is not told there did not happen.
extension RunRecord {
  var conduct: [ConductVerdict] {
    runbookConduct + triggerConduct + steadyConduct + probeConduct + communicationConduct + clockConduct
  }

  /// A node whose clock was wrong or not known is named: nothing that it dated can be compared with what others did. Where a
  /// fault of the timeline was to make it wrong, that is no flaw of the drill.
  private var clockConduct: [ConductVerdict] {
    guard let clocks else { return [] }
    let meant = Set(scenario.regionsWithWrongClocks.flatMap { scenario.topology.nodes(of: $0) })
    var doubts: [String] = []
    var asked: [String] = []
    for name in clocks.nodes.keys.sorted() {
      switch clocks.standing(of: name) {
      case .within: continue
      case .beyond(let how) where meant.contains(name):
        asked.append("the clock of \(name): \(how), as a fault asked for")
      case .beyond(let how): doubts.append("the clock of \(name) was wrong: \(how)")
      case .unknown(let why): doubts.append("the clock of \(name) is not known: \(why)")
      }
    }
    guard doubts.isEmpty else {
      return [ConductVerdict("clocks of the nodes", .inconclusive, (doubts + asked).joined(separator: "; "))]
    }
    let worst = clocks.nodes.compactMap { name, node in node.worst.map { (name, $0) } }
      .max { ($0.1.furthest, $1.0) < ($1.1.furthest, $0.0) }
    let samples = clocks.nodes.values.map(\.samples).reduce(0, +)
    let seen =
      worst.map {
        "at most \(Duration.nanoseconds($0.1.furthest).brief) from the recorder's (\($0.0)) in \(samples) readings"
      }
      ?? "no node was to be looked at"
    return [ConductVerdict("clocks of the nodes", .pass, ([seen] + asked).joined(separator: "; "))]
  }

  private var runbookConduct: [ConductVerdict] {
    [("runbook", scenario.runbook), ("failback", scenario.failback)].compactMap { name, runbook in
      guard let runbook else { return nil }
      guard let end = events(RunbookEnded.self).last(where: { $0.event.runbook == name })?.event else {
        let begun = events(RunbookStarted.self).contains { $0.event.runbook == name }
        return ConductVerdict(
          name, .inconclusive, begun ? "the record does not say how it ended" : "it was never begun")
      }
      if end.isComplete {
        return ConductVerdict(name, .pass, "all \(runbook.steps.count) steps done and verified")
      }
      let undone = end.undone.isEmpty ? "" : "; taken back: \(end.undone.joined(separator: ", "))"
      return ConductVerdict(
        name, .fail, "left at \(end.leftAt ?? "?"): \(end.why ?? "?"); state: \(end.state)\(undone)")
    }
  }

  private var triggerConduct: [ConductVerdict] {
    events(TriggerMissed.self).map { _, missed in
      ConductVerdict("start of \(missed.of)", .inconclusive, "\(missed.condition) did not come: \(missed.seen)")
    }
  }

  private var steadyConduct: [ConductVerdict] {
    var verdicts: [ConductVerdict] = []
    let broken = events(SteadyBroken.self).map(\.event)
    if let first = broken.first {
      verdicts.append(
        ConductVerdict(
          "steady state throughout", .fail,
          "\(first.expectation) was broken for longer than it may be, \(broken.count) times in all: \(first.seen)"))
    } else if !scenario.steadyState.continuously.isEmpty {
      let reachedEnd =
        scenario.stack.kind.isDriven
        ? !events(TruthDumped.self).isEmpty : events(PhaseEntered.self).contains { $0.event.phase == .quiescence }
      verdicts.append(
        ConductVerdict(
          "steady state throughout", reachedEnd ? .pass : .inconclusive,
          reachedEnd ? "never broken for longer than it may be" : "the drill did not come to its end"))
    }
    guard let wanted = scenario.steadyState.after else { return verdicts }
    guard let seen = events(SteadyAfter.self).last?.event else {
      return verdicts + [ConductVerdict("steady state afterwards", .inconclusive, "it was not looked at")]
    }
    let took = Duration.nanoseconds(seen.took).brief
    verdicts.append(
      seen.holds
        ? ConductVerdict("steady state afterwards", .pass, "all of it held after \(took)")
        : ConductVerdict(
          "steady state afterwards", .fail, "not within \(wanted.within.text): \(seen.broken.joined(separator: "; "))"))
    return verdicts
  }

  /// A probe fails nothing by itself: conditions ask it. But one that never had data was never a probe.
  private var probeConduct: [ConductVerdict] {
    scenario.probes.map { probe in
      guard let summary = events(ProbeSummary.self).last(where: { $0.event.probe == probe.name })?.event else {
        return ConductVerdict("probe \(probe.name)", .inconclusive, "what it was answered is not recorded")
      }
      let counts = "\(summary.passed) passed, \(summary.failed) failed, \(summary.withoutData) without data"
      let hasData = summary.passed + summary.failed > 0
      return ConductVerdict("probe \(probe.name)", hasData ? .pass : .inconclusive, counts)
    }
  }

  private var communicationConduct: [ConductVerdict] {
    scenario.communications.map { communication in
      let name = "message \(communication.id)"
      if let failed = events(CommunicationFailed.self).last(where: { $0.event.communication == communication.id }) {
        return ConductVerdict(name, .inconclusive, "not sent: \(failed.event.why)")
      }
      guard let sent = events(CommunicationSent.self).last(where: { $0.event.communication == communication.id })?.event
      else { return ConductVerdict(name, .inconclusive, "not sent: the drill ended before") }
      let times = "\(Duration.nanoseconds(sent.sent).brief) after \(sent.anchor), due after \(communication.due.text)"
      return ConductVerdict(name, sent.isLate ? .fail : .pass, sent.isLate ? "too late: \(times)" : "sent \(times)")
    }
  }
}
