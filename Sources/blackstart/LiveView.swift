internal import Drill
internal import Reports
internal import Scenarios
internal import Support
internal import Synchronization

/// Shows a run while it goes on, from the records of its journal as they reach the disk: one line that is rewritten on a
/// terminal, plain lines in a log, JSON Lines for machines.
final class LiveView: Sendable {
  private struct State {
    var start: Int64?
    var phaseStart: Int64 = 0
    var progress = Progress(phase: Phase.preflight.rawValue, elapsed: 0, phaseElapsed: 0)
    var lastPlain: Int64 = 0
    var faults: Set<String> = []
    var views: [String: AuthoritySeen] = [:]
  }

  private let console: Console
  private let isJSON: Bool
  private let plan: Plan
  private let state = Mutex(State())

  /// In a log, a line of figures at most this often (ns); what happens is shown at once.
  private static let plainInterval: Int64 = 5_000_000_000

  init(console: Console, isJSON: Bool, plan: Plan) {
    self.console = console
    self.isJSON = isJSON
    self.plan = plan
  }

  /// Takes a record; called on the journal's thread.
  func take(_ record: JournalRecord) {
    let (progress, event, isDue) = state.withLock { state in
      let start = state.start ?? record.t
      state.start = start
      let event = Self.update(&state, with: record, plan)
      state.progress.elapsed = Double(record.t - start) / 1e9
      state.progress.phaseElapsed = Double(record.t - state.phaseStart) / 1e9
      let isDue = record.t - state.lastPlain >= Self.plainInterval
      if isDue && record.type == Sample.type { state.lastPlain = record.t }
      return (state.progress, event, isDue)
    }
    if isJSON {
      guard event != nil || record.type == Sample.type else { return }
      if let line = try? encodeJSON(progress) {  // plain numbers and texts always encode
        console.print(String(decoding: line, as: UTF8.self) + "\n")
      }
    } else if console.isTerminal {
      let line = ProgressLine(width: console.columns, color: console.hasColor)
      if let event { console.note("\(line.cleared)\(clock(progress)) \(event)\n") }
      console.note(line.rewritten(progress))
    } else if let event {
      console.note("\(clock(progress)) \(event)\n")
    } else if isDue && record.type == Sample.type {
      console.note(ProgressLine.plain(progress) + "\n")
    }
  }

  /// Takes the rewritten line away.
  func finish() {
    if !isJSON && console.isTerminal { console.note(ProgressLine(width: console.columns).cleared) }
  }

  private func clock(_ progress: Progress) -> String {
    let text = fixed(progress.elapsed, 1)
    return String(repeating: " ", count: max(0, 6 - text.count)) + text + " s"
  }

  /// Brings the figures up to date; returns what happened, in words, if it is worth a line of its own.
  private static func update(_ state: inout State, with record: JournalRecord, _ plan: Plan) -> String? {
    if let entered = record.decoded(PhaseEntered.self) {
      state.phaseStart = record.t
      state.progress.phase = entered.phase.rawValue
      state.progress.phaseLimit = limit(of: entered.phase, plan)
      return "phase: \(entered.phase.rawValue)"
    }
    if let sample = record.decoded(Sample.self) {
      let seconds = max(0.001, Double(sample.interval) / 1e9)
      let total = sample.rates.values.reduce(into: (good: UInt64(0), bad: UInt64(0))) { sum, rates in
        sum.good += rates.acknowledged
        sum.bad += rates.failed + rates.unknown
      }
      state.progress.acknowledgedPerSecond = Double(total.good) / seconds
      state.progress.troubledPerSecond = Double(total.bad) / seconds
      state.progress.lag = sample.lag.sorted { $0.key < $1.key }.map { .init($0.key, Double($0.value.age) / 1e9) }
      return nil
    }
    if let view = record.decoded(AuthoritySeen.self) {
      let before = state.views.updateValue(view, forKey: view.region)
      let writer = state.views.values.compactMap { view in view.token.map { (view.writer, $0) } }.max { $0.1 < $1.1 }
      state.progress.leader = writer?.0
      state.progress.token = writer?.1
      guard before?.role != view.role else { return nil }
      return "\(view.region) is \(view.role)\(view.role == "writer" ? ", token \(view.token ?? 0)" : "")"
    }
    if let lab = record.decoded(LabIsUp.self) {
      return "lab \(lab.lab) is up: \(lab.regions.joined(separator: ", ")) (\(Duration.nanoseconds(lab.took).brief))"
    }
    if let withheld = record.decoded(FaultWithheld.self) { return "dry run: fault \(withheld.fault) is not armed" }
    if let plant = record.decoded(PlantSet.self) { return "planted \(plant.plant): \(plant.detail)" }
    if let armed = record.decoded(FaultArmed.self) {
      return "fault \(armed.fault) armed on all nodes within \(Duration.nanoseconds(armed.skew).brief)"
    }
    if let proven = record.decoded(FaultProven.self) {
      state.faults.insert(proven.fault)
      state.progress.faults = state.faults.sorted()
      let pairs = Set(proven.cut).sorted().joined(separator: ", ")
      // A fault inside a node is proven by what its mechanism saw, and no pair is open or cut because of it.
      if proven.cut.isEmpty, proven.open.isEmpty {
        return "fault \(proven.fault) proven in force: \(brief(proven.measured ?? []))"
      }
      return "fault \(proven.fault) proven in force: \(pairs) cut, \(proven.droppedPackets) packets met"
    }
    if let disarming = record.decoded(FaultDisarming.self) {
      state.progress.packetsDropped = Int(clamping: disarming.droppedPackets.values.reduce(0, +))
      return nil
    }
    if let gone = record.decoded(FaultGone.self) {
      state.faults.remove(gone.fault)
      state.progress.faults = state.faults.sorted()
      if let evidence = gone.evidence {
        return "fault \(gone.fault) verified gone" + (evidence.isEmpty ? "" : ": \(brief(evidence))")
      }
      return gone.differences.isEmpty
        ? "fault \(gone.fault) verified gone: \(gone.open.isEmpty ? "" : "every pair reachable, ")nodes as before"
        : "fault \(gone.fault) left differences: \(gone.differences.joined(separator: "; "))"
    }
    if let lapsed = record.decoded(FaultLapsed.self) {
      return "fault \(lapsed.fault) LAPSED on \(lapsed.node): \(lapsed.reason)"
    }
    if let met = record.decoded(ConditionMet.self) {
      return "\(met.condition) (after \(Duration.nanoseconds(met.took).brief))"
    }
    if let missed = record.decoded(ConditionMissed.self) {
      return "NOT in time: \(missed.condition) (\(missed.state))"
    }
    if let seen = record.decoded(AnomalySeen.self) {
      state.progress.anomalies = (state.progress.anomalies ?? [:]).merging([seen.row: seen.total]) { $1 }
      return "ANOMALY \(seen.row) \(seen.name), \(seen.total) so far: \(seen.what)"
    }
    if let lost = record.decoded(ServerLost.self) {
      let by = lost.fault.map { ", by fault \($0)" } ?? ""
      return "\(lost.server) in \(lost.region) ended: \(lost.end)\(by)"
    }
    if let back = record.decoded(ServerRestarted.self) {
      return "\(back.server) in \(back.region) started again, away for \(Duration.nanoseconds(back.away).brief)"
    }
    if let noted = record.decoded(GuardianNoted.self) { return noted.what }
    if let what = runbookMoment(record) { return what }
    if let aborted = record.decoded(RunAborted.self) { return "the run leaves its plan: \(aborted.reason)" }
    return nil
  }

  /// How long a phase takes by the plan; `nil` where it ends by its own conditions.
  private static func limit(of phase: Phase, _ plan: Plan) -> Double? {
    switch phase {
    case .fault: plan.faults.map(\.ends.inSeconds).max()
    case .recovery: plan.scenario.recovery.within.inSeconds
    default: nil
    }
  }
}

/// The first of several lines of evidence; the journal has all of them.
private func brief(_ lines: [String]) -> String {
  lines.prefix(2).joined(separator: "; ") + (lines.count > 2 ? "; and \(lines.count - 2) more" : "")
}
