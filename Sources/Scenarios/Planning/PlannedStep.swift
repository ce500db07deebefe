internal import Support

/// A step of the runbook or of the failback, with its times.
public struct PlannedStep: Sendable, Hashable, Codable {
  /// The step: its action, conditions and limits are what the run goes by.
  public var step: RunbookStep
  /// What it does, in words.
  public var summary: String
  /// When it is done at the earliest: of the runbook from the end of the baseline, of the failback from its beginning.
  @DurationText public var earliest: Duration
  /// When it is done or has failed at the latest, with all its attempts.
  @DurationText public var latest: Duration
}

/// A message with its times.
public struct PlannedMessage: Sendable, Hashable, Codable {
  /// The message: its anchor, text and sink are what the run goes by.
  public var message: Communication
  /// Where it goes, in words.
  public var sink: String
  /// When it is due, from the end of the baseline, where its anchor's time is known before the run.
  @DurationText public var due: Duration?
}

/// The steps of `runbook` with their times.
func plannedSteps(_ runbook: Runbook?, _ times: [String: ClosedRange<Duration>]) -> [PlannedStep] {
  (runbook?.steps ?? []).map { step in
    PlannedStep(
      step: step, summary: step.action.summary, earliest: times[step.id]?.lowerBound ?? .zero,
      latest: times[step.id]?.upperBound ?? step.longest)
  }
}

/// The messages in the order in which they are due, those of unknown time last.
func plannedMessages(_ scenario: Scenario, _ schedule: Schedule) -> [PlannedMessage] {
  let begins = Dictionary(
    schedule.entries.map { ($0.entry.id, $0.begins) }, uniquingKeysWith: { one, _ in one })
  let messages = scenario.communications.map { message in
    var due: Duration?
    if case .fault(let id) = message.anchor, let times = begins[id], times.lowerBound == times.upperBound {
      due = times.lowerBound + message.due
    }
    return PlannedMessage(message: message, sink: message.sink.summary, due: due)
  }
  let order = messages.indices.sorted {
    (messages[$0].due ?? .nanoseconds(Int64.max), $0) < (messages[$1].due ?? .nanoseconds(Int64.max), $1)
  }
  return order.map { messages[$0] }
}

extension Communication.Sink {
  fileprivate var summary: String {
    switch self {
    case .file(let name): "file \(name)"
    case .command(let call): "command \(call.argv.first?.text ?? "")"
    case .webhook(let call): "\(call.method.rawValue) \(call.url)"
    }
  }
}

extension RunbookAction {
  /// What it does, in words.
  public var summary: String {
    func members(_ names: [String], _ what: String) -> String { names.isEmpty ? "all \(what)" : listed(names) }
    return
      switch self
    {
    case .pauseMirror(let link): "pauses the mirror \(link.from) → \(link.to)"
    case .resumeMirror(let link): "resumes the mirror \(link.from) → \(link.to)"
    case .fenceRegion(let place): "fences \(place.region)"
    case .promote(let place): "promotes \(place.region)"
    case .demote(let place): "takes write authority from \(place.region)"
    case .transferLeadership(let place): "moves write authority to \(place.region)"
    case .repointProducers(let move): "sends \(members(move.names, "producers")) to \(move.to)"
    case .pauseProducers(let some): "holds \(members(some.names, "producers")) back"
    case .resumeProducers(let some): "lets \(members(some.names, "producers")) go on"
    case .pauseConsumers(let some): "holds \(members(some.names, "consumers")) back"
    case .resumeConsumers(let some): "lets \(members(some.names, "consumers")) go on"
    case .exportOffsets(let offsets):
      "exports positions of \(members(offsets.names, "consumers")) in \(offsets.region) as \(offsets.snapshot)"
    case .importOffsets(let offsets):
      "imports \(offsets.snapshot) for \(members(offsets.names, "consumers")) in \(offsets.region)"
    case .verifyParity(let parity): "compares \(parity.regions.isEmpty ? "all stores" : listed(parity.regions))"
    case .reconcile(let parity):
      "reconciles \(parity.regions.isEmpty ? "all stores" : listed(parity.regions)) with what was acknowledged"
    case .shiftTraffic(let shift):
      "shifts traffic \(shift.from) → \(shift.to): \(shift.stages.map(\.description).joined(separator: ", ")), \(shift.hold.text) each"
        + (shift.gate.map { ", back when not \($0)" } ?? "")
    case .repointOutbox(let move):
      "lets the connector of the outbox read the store of \(move.to), snapshot \(move.snapshot.rawValue)"
    case .reEmitOutbox(let place): "writes to the outbox's topic what it lacks of \(place.region)'s rows"
    case .command(let call): "runs \(call.argv.map(\.text).joined(separator: " "))"
    case .http(let call): "\(call.method.rawValue) \(call.url)"
    case .approval(let approval): "asks \(approval.by): \(approval.prompt)"
    case .wait(let pause): "waits \(pause.duration.text)"
    case .kafka(let action): action.summary
    }
  }
}
