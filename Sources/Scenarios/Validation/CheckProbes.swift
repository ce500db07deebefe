internal import Support

extension Checking {
  mutating func checkProbes() {
    for probe in scenario.probes {
      let path = "probes.\(probe.name)"
      checkPlace(of: probe, at: path)
      switch probe.question {
      case .http(let call): check(call, at: "\(path).http")
      case .command(let call): check(call, at: "\(path).command")
      case .sql where !scenario.stack.kind.isDriven:
        error(
          "\(path).sql", "where an external system has its stores is not known here",
          fix: "ask through a command, such as psql")
      case .sql(let query): region(query.store, with: .store, at: "\(path).sql.store")
      case .metric(let expectation): check(expectation, at: "\(path).metric")
      case .prometheus(let query): check(query.url, at: "\(path).prometheus.url")
      case .tcp: break
      }
      if let min = probe.expect.min, let max = probe.expect.max, min > max {
        error("\(path).expect.min", "is more than max: no answer could be within", fix: "swap the two")
      }
      let asked = scenario.steadyState.expect + (scenario.steadyState.after?.expect ?? [])
      let isUsed =
        asked.contains(.probe(probe.name))
        || scenario.conditions.contains { $0.subject == .expectation(.probe(probe.name)) }
        || scenario.steadyState.continuously.contains { $0.expectation == .probe(probe.name) }
        || scenario.abort.contains { $0.expectation == .probe(probe.name) }
      if !isUsed { note(path, "nothing asks for this probe; its answers stand in the journal only") }
    }
    checkPlacesOfProbes()
  }

  mutating func check(_ call: HTTPCall, at path: String) {
    check(call.url, at: "\(path).url")
    for header in call.headers { check(header.value, at: "\(path).headers.\(header.name)") }
    if let body = call.body { check(body, at: "\(path).body") }
  }

  mutating func check(_ call: CommandCall, at path: String) {
    for (index, word) in call.argv.enumerated() { check(word, at: "\(path).argv[\(index)]") }
    if let name = call.region { _ = region(name, at: "\(path).region") }
  }

  /// Notes every secret that is not declared, and every fact: only messages have those.
  mutating func check(_ template: Template, at path: String, allowsFacts: Bool = false) {
    let names = scenario.secrets.map(\.name)
    for name in template.secrets where !names.contains(name) {
      error(path, "there is no secret \(quoted(name))", fix: known(name, names, "secrets"))
    }
    let facts = Fact.allCases.map(\.rawValue)
    for name in template.facts {
      if !allowsFacts {
        error(path, "'${fact:\(name)}' has no meaning here", fix: "facts stand in messages only")
      } else if !facts.contains(name) {
        error(path, "there is no fact \(quoted(name))", fix: known(name, facts, "facts"))
      }
    }
  }
}

extension Scenario {
  /// Every condition of the timeline and of the runbooks.
  var conditions: [Condition] {
    var found: [Condition] = []
    func take(_ start: TimelineStart?) { if case .when(let condition, _) = start { found.append(condition) } }
    func take(_ item: TimelineItem) {
      take(item.start)
      if case .entry(let entry) = item, case .until(let condition, _) = entry.stop { found.append(condition) }
      item.members.forEach(take)
    }
    timeline.forEach(take)
    take(runbook?.start)
    take(failback?.start)
    for step in steps { found += [step.precondition, step.verify, step.gate].compactMap(\.self) }
    return found
  }
}
