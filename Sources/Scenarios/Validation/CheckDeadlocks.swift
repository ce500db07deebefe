internal import Support

// Faults and steps may wait for each other. What waits for itself that way would never happen.
extension Checking {
  mutating func checkDeadlocks() {
    let circle = Waiting(scenario, entries: expansion.entries.map { ($0.entry, $0.path) }).circle()
    guard let first = circle.first else { return }
    let round = (circle + [first]).map { "\($0.name)" }.joined(separator: " → ")
    error(first.path, "waits for itself: \(round)", fix: "take one of these conditions away")
  }
}

/// What waits for what: ends of faults, and steps.
private struct Waiting {
  struct Event {
    var name: String
    var path: String
    var waitsFor: [Int] = []
  }

  private var events: [Event] = []

  init(_ scenario: Scenario, entries: [(entry: TimelineEntry, path: String)]) {
    var begins: [String: Int] = [:]
    var ends: [String: Int] = [:]
    var steps: [String: Int] = [:]
    for (entry, path) in entries {
      begins[entry.id] = add("\(entry.id) begins", path)
      ends[entry.id] = add("\(entry.id) ends", path)
    }
    var sections: [(Runbook, String)] = []
    if let runbook = scenario.runbook { sections.append((runbook, "runbook")) }
    if let failback = scenario.failback { sections.append((failback, "failback")) }
    for (runbook, section) in sections {
      for (index, step) in runbook.steps.enumerated() {
        steps[step.id] = add("step \(step.id)", "\(section).steps[\(index)]")
      }
    }
    func references(_ condition: Condition?) -> [Int] {
      switch condition?.subject {
      case .fault(let id, .begun): [begins[id]].compactMap(\.self)
      case .fault(let id, .ended): [ends[id]].compactMap(\.self)
      case .step(let id, _): [steps[id]].compactMap(\.self)
      case .expectation, nil: []
      }
    }
    func references(_ start: TimelineStart?) -> [Int] {
      switch start {
      case .at, nil: []
      case .after(.faultBegun(let id), _): [begins[id]].compactMap(\.self)
      case .after(.faultEnded(let id), _): [ends[id]].compactMap(\.self)
      case .after(.step(let id), _): [steps[id]].compactMap(\.self)
      case .when(let condition, _): references(condition)
      }
    }
    let runbookSteps = (scenario.runbook?.steps ?? []).compactMap { steps[$0.id] }
    for (entry, _) in entries {
      guard let begin = begins[entry.id], let end = ends[entry.id] else { continue }
      events[begin].waitsFor = references(entry.start)
      events[end].waitsFor = [begin]
      switch entry.stop {
      case .after: break
      case .until(let condition, _): events[end].waitsFor += references(condition)
      case .healed: events[end].waitsFor += runbookSteps
      }
    }
    for (runbook, _) in sections {
      let start = references(runbook.start)
      for step in runbook.steps {
        guard let own = steps[step.id] else { continue }
        events[own].waitsFor =
          start + step.after.compactMap { steps[$0] } + references(step.precondition) + references(step.verify)
          + references(step.gate)
      }
    }
  }

  private mutating func add(_ name: String, _ path: String) -> Int {
    events.append(Event(name: name, path: path))
    return events.count - 1
  }

  /// Events each of which waits for the next, and the last for the first; empty when there is no such round.
  func circle() -> [Event] {
    // Whatever waits for nothing that is left can happen; what is left in the end waits in circles, or for one.
    var open = events.map(\.waitsFor.count)
    var followers = [[Int]](repeating: [], count: events.count)
    for (index, event) in events.enumerated() {
      for other in event.waitsFor { followers[other].append(index) }
    }
    var ready = events.indices.filter { open[$0] == 0 }
    while let index = ready.popLast() {
      for follower in followers[index] {
        open[follower] -= 1
        if open[follower] == 0 { ready.append(follower) }
      }
    }
    guard var here = events.indices.first(where: { open[$0] > 0 }) else { return [] }
    var seen: [Int: Int] = [:]
    var walk: [Int] = []
    while seen[here] == nil {
      seen[here] = walk.count
      walk.append(here)
      // Something is left that it waits for, or it would not be left itself.
      guard let next = events[here].waitsFor.first(where: { open[$0] > 0 }) else { return [] }
      here = next
    }
    return walk[(seen[here] ?? 0)...].map { events[$0] }
  }
}
