internal import Scenarios
internal import Support
internal import Synchronization
internal import Workload

/// What is known of the running system at this moment, for conditions, probes and messages.
final class SystemView: Sendable {
  private struct State {
    var sample: Sample?
    var sampledAt: Int64 = 0
    var probes: [String: (answer: ProbeAnswer, at: Int64, maximalAge: Int64)] = [:]
    var faults: [String: Set<Condition.FaultState>] = [:]
    var steps: [String: Set<Condition.StepState>] = [:]
    var times: [String: Int64] = [:]
    var phase = Phase.preflight.rawValue
    var breaches: [Int64] = []
    /// Totals of the workload, second by second, each with its time.
    var totals: [(time: Int64, sum: WorkloadCounters.Totals)] = []
    var isRunbookOver = false
    var isRunbookComplete = false
    var pendingEntries: Set<String> = []
  }

  private let state = Mutex(State())

  /// Figures that are older than this are no data (ns): six samples, so that a busy machine is not taken for a silent system.
  static let oldest: Int64 = 3_000_000_000

  func take(_ sample: Sample, totals: WorkloadCounters.Totals, isSteady: Bool, at time: Int64) {
    state.withLock {
      $0.sample = sample
      $0.sampledAt = time
      $0.totals.append((time, totals))
      if !isSteady { $0.breaches.append(time) }
    }
  }

  func enter(_ phase: Phase) { state.withLock { $0.phase = phase.rawValue } }

  /// The phase that the run is in.
  var phase: String { state.withLock(\.phase) }

  /// When the steady state was first seen broken after `time` (ns); `nil`: it was not.
  func firstBreach(after time: Int64) -> Int64? { state.withLock { $0.breaches.first { $0 > time } } }

  /// What producers came to since `time`.
  func totals(since time: Int64, now byRegion: [String: WorkloadCounters.Totals]) -> WorkloadCounters.Totals {
    let before = state.withLock { $0.totals.last { $0.time <= time }?.sum } ?? WorkloadCounters.Totals()
    var now = byRegion.values.sum
    now.acknowledged -= min(now.acknowledged, before.acknowledged)
    now.failed -= min(now.failed, before.failed)
    now.unknown -= min(now.unknown, before.unknown)
    return now
  }

  /// Faults that have begun and not ended.
  var faultsInForce: [String] {
    state.withLock { $0.faults.filter { $0.value.contains(.begun) && !$0.value.contains(.ended) }.keys.sorted() }
  }

  /// Says which entries of the timeline the heal waits for, and whether a runbook is to come.
  func expect(entries: some Sequence<String>, runbook: Bool) {
    state.withLock {
      $0.pendingEntries = Set(entries)
      $0.isRunbookOver = !runbook
    }
  }

  /// An entry of the timeline that the heal waits for is over, or never came.
  func conclude(entry id: String) { state.withLock { _ = $0.pendingEntries.remove(id) } }

  /// Every step of the runbook is done.
  func completeRunbook() { state.withLock { $0.isRunbookComplete = true } }

  /// Whether every step of the runbook is done.
  var isRunbookComplete: Bool { state.withLock(\.isRunbookComplete) }

  /// The runbook is over, however it went.
  func concludeRunbook() { state.withLock { $0.isRunbookOver = true } }

  /// Whether the runbook is over, however it went.
  var isRunbookConcluded: Bool { state.withLock(\.isRunbookOver) }

  /// Whether nothing but the heal is left to be done.
  var isHealDue: Bool { state.withLock { $0.pendingEntries.isEmpty && $0.isRunbookOver } }

  func take(_ answer: ProbeAnswer, of probe: Probe, at time: Int64) {
    let age = probe.every.nanoseconds + probe.timeout.nanoseconds
    state.withLock { $0.probes[probe.name] = (answer, time, age) }
  }

  func note(fault id: String, _ new: Condition.FaultState, at time: Int64) {
    state.withLock {
      $0.faults[id, default: []].insert(new)
      $0.times["fault \(id) \(new.rawValue)"] = $0.times["fault \(id) \(new.rawValue)"] ?? time
    }
  }

  func note(step id: String, _ new: Condition.StepState, at time: Int64) {
    state.withLock {
      $0.steps[id, default: []].insert(new)
      $0.times["step \(id) \(new.rawValue)"] = $0.times["step \(id) \(new.rawValue)"] ?? time
    }
  }

  /// When a fault first came to a state (ns); `nil`: it did not yet.
  func time(fault id: String, _ wanted: Condition.FaultState) -> Int64? {
    state.withLock { $0.times["fault \(id) \(wanted.rawValue)"] }
  }

  /// When a step first came to a state (ns); `nil`: it did not yet.
  func time(step id: String, _ wanted: Condition.StepState) -> Int64? {
    state.withLock { $0.times["step \(id) \(wanted.rawValue)"] }
  }

  /// Steps that are done.
  var doneSteps: [String] {
    state.withLock { $0.steps.filter { $0.value.contains(.done) && !$0.value.contains(.undone) }.keys.sorted() }
  }

  func hasReached(fault id: String, _ wanted: Condition.FaultState) -> Bool {
    state.withLock { $0.faults[id]?.contains(wanted) ?? false }
  }

  func hasReached(step id: String, _ wanted: Condition.StepState) -> Bool {
    state.withLock { $0.steps[id]?.contains(wanted) ?? false }
  }

  /// The last sample, if it is not too old.
  func sample(at now: Int64) -> Sample? {
    state.withLock { now - $0.sampledAt <= Self.oldest ? $0.sample : nil }
  }

  /// The last answer of a probe, if it is not too old.
  func answer(of probe: String, at now: Int64) -> ProbeAnswer? {
    state.withLock { state in
      state.probes[probe].flatMap { now - $0.at <= $0.maximalAge + Self.oldest ? $0.answer : nil }
    }
  }
}

extension Sequence<WorkloadCounters.Totals> {
  /// All of them together.
  var sum: WorkloadCounters.Totals {
    reduce(into: WorkloadCounters.Totals()) { sum, totals in
      sum.acknowledged += totals.acknowledged
      sum.failed += totals.failed
      sum.unknown += totals.unknown
    }
  }
}

/// What a probe was told.
enum ProbeAnswer: Sendable, Hashable {
  /// As it should be.
  case passed(String)
  /// Otherwise.
  case failed(String)
  /// No answer that could be judged: a failure of its own kind.
  case noData(String)

  /// The kind, as the journal has it.
  var outcome: String {
    switch self {
    case .passed: "passed"
    case .failed: "failed"
    case .noData: "no-data"
    }
  }

  /// The answer in words.
  var what: String {
    switch self {
    case .passed(let text), .failed(let text), .noData(let text): text
    }
  }
}
