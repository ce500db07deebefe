internal import Support

// Faults, steps, probes, secrets and facts are named from elsewhere; every name must exist, and mean something there.
extension Checking {
  mutating func checkReferences() {
    for item in timelineItems { checkTimes(of: item.item, at: item.path) }
    for (section, runbook) in runbooks {
      if let start = runbook.start { check(start, at: section) }
      for (index, step) in runbook.steps.enumerated() { check(step, at: "\(section).steps[\(index)]") }
    }
  }

  /// The runbook and the failback with their keys.
  var runbooks: [(section: String, runbook: Runbook)] {
    [scenario.runbook.map { ("runbook", $0) }, scenario.failback.map { ("failback", $0) }].compactMap(\.self)
  }

  private mutating func checkTimes(of item: TimelineItem, at path: String) {
    check(item.start, at: path)
    if case .when(_, let within) = item.start, within > scenario.safety.maxDuration {
      error(
        "\(path).within",
        "waits longer than the drill may last, safety.maxDuration of \(scenario.safety.maxDuration.text)",
        fix: "wait less long, or raise the limit")
    }
    if case .entry(let entry) = item, case .until(let condition, _) = entry.stop {
      check(condition, at: "\(path).until")
      if case .fault(entry.id, _) = condition.subject {
        error("\(path).until", "'\(entry.id)' would end when it has ended itself", fix: "name another condition")
      }
    }
  }

  private mutating func check(_ start: TimelineStart, at path: String) {
    switch start {
    case .at: break
    case .when(let condition, _): check(condition, at: "\(path).when")
    case .after(.step(let id), _): step(id, at: "\(path).after.step", isTimeline: !path.hasPrefix("failback"))
    case .after(.faultBegun(let id), _): fault(id, at: "\(path).after.fault")
    case .after(.faultEnded(let id), _):
      fault(id, at: "\(path).after.fault")
      if let index = entryIndex[id], case .healed = entries[index].entry.stop, !path.hasPrefix("failback") {
        error(
          "\(path).after.fault", "'\(id)' ends with the heal, after which nothing of the timeline begins",
          fix: "end it with for, or until a condition")
      }
    }
  }

  mutating func check(_ condition: Condition, at path: String) {
    switch condition.subject {
    case .expectation(let expectation): check(expectation, at: path)
    case .fault(let id, _): fault(id, at: "\(path).fault")
    case .step(let id, _): step(id, at: "\(path).step", isTimeline: path.hasPrefix("timeline"))
    }
    if let quantifier = condition.quantifier, quantifier.duration > scenario.safety.maxDuration {
      error(
        "\(path).\(quantifier.kind.rawValue)",
        "is longer than the drill may last, safety.maxDuration of \(scenario.safety.maxDuration.text)",
        fix: "shorten it, or raise the limit")
    }
  }

  /// Notes a mistake unless a disturbance is called `id`.
  mutating func fault(_ id: String, at path: String) {
    guard entryIndex[id] == nil, !schedule.circle.contains(id) else { return }
    let names = entries.map(\.entry.id)
    let parts = names.filter { $0.hasPrefix("\(id)-") }
    if let part = parts.first {
      error(
        path, "'\(id)' is a pattern of \(parts.count) faults; one of them must be meant",
        fix: "'\(part)' to '\(parts[parts.count - 1])'")
      return
    }
    error(path, "there is no fault \(quoted(id))", fix: known(id, names, "faults"))
  }

  /// Notes a mistake unless a step is called `id`, and is there when it is waited for.
  private mutating func step(_ id: String, at path: String, isTimeline: Bool) {
    if scenario.runbook?.step(id) != nil { return }
    if scenario.failback?.step(id) != nil {
      if isTimeline {
        error(
          path, "'\(id)' is a step of the failback, which begins when the timeline is over",
          fix: "name a step of the runbook")
      }
      return
    }
    error(path, "there is no step \(quoted(id))", fix: known(id, scenario.steps.map(\.id), "steps"))
  }

  /// What could have been meant, and what there is.
  func known(_ name: String, _ names: [String], _ what: String) -> String {
    guard !names.isEmpty else { return "there are no \(what)" }
    let near = closest(to: name, among: names).map { "did you mean '\($0)'? " } ?? ""
    let shown = names.prefix(20).joined(separator: ", ")
    return "\(near)\(what): \(shown)\(names.count > 20 ? " and \(names.count - 20) more" : "")"
  }
}
