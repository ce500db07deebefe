internal import Support

/// What is known before the run of when things happen: of every disturbance and of every step of the runbook.
public struct Schedule: Sendable, Hashable {
  /// The disturbances with their times, in the order in which they begin at the earliest.
  public var entries: [TimedEntry] = []
  /// For each step of the runbook, from when to when it is done.
  public var steps: [String: ClosedRange<Duration>] = [:]
  /// Disturbances and steps that wait for one another in a circle, by id.
  var circle: [String] = []

  /// When everything on the timeline has ended at the latest.
  public var through: Duration { entries.map(\.through).max() ?? .zero }
  /// When everything on the timeline has ended, when nothing is waited for longer than it must.
  var expectedThrough: Duration { entries.map(\.ends.lowerBound).max() ?? .zero }
  /// When the last step of the runbook is done, when nothing is waited for longer than it must.
  var stepsExpected: Duration { steps.values.map(\.lowerBound).max() ?? .zero }

  /// The most disturbances that may be in force at one time, and when.
  var mostConcurrent: (count: Int, at: Duration) {
    let events = entries.flatMap { [(at: $0.from, change: 1), (at: $0.through, change: -1)] }
    var (now, most, time) = (0, 0, Duration.zero)
    // What ends at a time makes room for what begins at it.
    for event in events.sorted(by: { ($0.at, $0.change) < ($1.at, $1.change) }) {
      now += event.change
      if now > most { (most, time) = (now, event.at) }
    }
    return (most, time)
  }

  /// When the last step of the runbook is done at the latest.
  public var stepsThrough: Duration { steps.values.map(\.upperBound).max() ?? .zero }
}

extension Schedule {
  /// Works out the times of `entries` and of the runbook's steps.
  init(of entries: [Expansion.Written], runbook: Runbook?) {
    var work = Scheduling(entries: entries, runbook: runbook)
    work.run()
    self.entries = work.timed.sorted {
      ($0.from, $0.through, $0.entry.id) < ($1.from, $1.through, $1.entry.id)
    }
    steps = work.done
    circle = work.left
  }
}

/// Kahn's algorithm over disturbances and steps: each is timed once everything that it is counted from has been.
private struct Scheduling {
  private enum Job: Hashable {
    case fault(Int)
    case step(Int)
    /// The beginning of the runbook.
    case start
  }

  let entries: [Expansion.Written]
  let runbook: Runbook?
  private(set) var timed: [TimedEntry] = []
  private(set) var done: [String: ClosedRange<Duration>] = [:]
  private(set) var left: [String] = []
  private var begins: [String: ClosedRange<Duration>] = [:]
  private var ends: [String: ClosedRange<Duration>] = [:]
  private var starts: ClosedRange<Duration> = .zero ... .zero

  init(entries: [Expansion.Written], runbook: Runbook?) {
    self.entries = entries
    self.runbook = runbook
  }

  mutating func run() {
    let faults = Dictionary(entries.indices.map { (entries[$0].entry.id, $0) }, uniquingKeysWith: { one, _ in one })
    let steps = Dictionary(
      (runbook?.steps ?? []).enumerated().map { ($1.id, $0) }, uniquingKeysWith: { one, _ in one })
    func job(_ anchor: TimelineStart.Anchor) -> Job? {
      switch anchor {
      case .faultBegun(let id), .faultEnded(let id): faults[id].map(Job.fault)
      case .step(let id): steps[id].map(Job.step)
      }
    }
    func job(_ start: TimelineStart) -> Job? {
      switch start {
      case .at: nil
      case .after(let anchor, _): job(anchor)
      case .when(let condition, _):
        switch condition.subject {
        case .expectation: nil
        case .fault(let id, _): faults[id].map(Job.fault)
        case .step(let id, _): steps[id].map(Job.step)
        }
      }
    }
    var waits: [Job: Int] = [:]
    var followers: [Job: [Job]] = [:]
    func add(_ follower: Job, after jobs: [Job]) {
      waits[follower] = jobs.count
      for job in jobs { followers[job, default: []].append(follower) }
    }
    for (index, written) in entries.enumerated() {
      add(.fault(index), after: [job(written.entry.start)].compactMap(\.self))
    }
    add(.start, after: [runbook?.start.flatMap(job)].compactMap(\.self))
    for (index, step) in (runbook?.steps ?? []).enumerated() {
      add(.step(index), after: [.start] + step.after.compactMap { steps[$0].map(Job.step) })
    }
    var ready = entries.indices.map(Job.fault) + [.start] + (runbook?.steps ?? []).indices.map(Job.step)
    let all = ready
    ready.removeAll { waits[$0] != 0 }
    var next = 0
    while next < ready.count {
      let job = ready[next]
      next += 1
      time(job)
      for follower in followers[job] ?? [] {
        waits[follower, default: 1] -= 1
        if waits[follower] == 0 { ready.append(follower) }
      }
    }
    left = all.filter { waits[$0] != 0 }.compactMap {
      switch $0 {
      case .fault(let index): entries[index].entry.id
      case .step(let index): runbook?.steps[index].id
      case .start: nil
      }
    }
  }

  private mutating func time(_ job: Job) {
    switch job {
    case .start: starts = runbook?.start.map(range) ?? .zero ... .zero
    case .step(let index):
      guard let step = runbook?.steps[index] else { return }
      let before = step.after.compactMap { done[$0] } + [starts]
      let latest = before.map(\.upperBound).max() ?? .zero
      let earliest = before.map(\.lowerBound).max() ?? .zero
      let soonest = earliest + (step.action.leastDuration ?? .zero)
      // A step whose timeout is too short for it is refused, but not here.
      done[step.id] = soonest...max(soonest, latest + step.longest)
    case .fault(let index):
      let written = entries[index]
      let from = range(written.entry.start)
      let through = from.upperBound + written.entry.stop.longest
      let ended: Duration
      if case .after(let hold) = written.entry.stop { ended = from.lowerBound + hold } else { ended = from.lowerBound }
      begins[written.entry.id] = from
      ends[written.entry.id] = ended...through
      timed.append(TimedEntry(entry: written.entry, path: written.path, begins: from, ends: ended...through))
    }
  }

  private func range(_ start: TimelineStart) -> ClosedRange<Duration> {
    switch start {
    case .at(let time): return time...time
    case .when(_, let within): return .zero...within
    case .after(let anchor, let delay):
      let mark: ClosedRange<Duration>? =
        switch anchor {
        case .faultBegun(let id): begins[id]
        case .faultEnded(let id): ends[id]
        case .step(let id): done[id]
        }
      let from = mark ?? .zero ... .zero
      return (from.lowerBound + delay)...(from.upperBound + delay)
    }
  }
}
