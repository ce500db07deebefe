internal import Support

extension Checking {
  mutating func checkWorkload() {
    let workload = scenario.workload
    guard scenario.stack.kind.isDriven else {
      if workload != WorkloadPlan(producers: []) {
        error("workload", "nobody of ours writes to an external system, or reads from it", fix: "leave it out")
      }
      return
    }
    if workload.producers.isEmpty {
      error("workload.producers", "nobody writes: nothing could be lost or kept", fix: "add a producer")
    }
    unique(workload.producers.map(\.name), "the producer", fix: "rename one of the two") {
      "workload.producers[\($0)].name"
    }
    for (index, producer) in workload.producers.enumerated() {
      let path = "workload.producers[\(index)]"
      _ = region(producer.region, at: "\(path).region")
      if producer.keys < producer.workers {
        error(
          "\(path).keys",
          "\(producer.keys) keys for \(producer.workers) workers: each key has one writer, so some would"
            + " have nothing to write", fix: "at least \(producer.workers) keys")
      }
    }
    unique(workload.consumers.map(\.name), "the consumer", fix: "rename one of the two") {
      "workload.consumers[\($0)].name"
    }
    for (index, consumer) in workload.consumers.enumerated() {
      let path = "workload.consumers[\(index)]"
      _ = region(consumer.region, at: "\(path).region")
      region(consumer.store, with: .store, at: "\(path).store")
    }
    checkOldLeader()
  }

  private mutating func checkOldLeader() {
    guard let oldLeader = scenario.workload.oldLeader else { return }
    let path = "workload.oldLeader.region"
    guard region(oldLeader.region, at: path) != nil, let owner = scenario.ownership.first?.normal else { return }
    if oldLeader.region != owner, scenario.topology.region(owner) != nil {
      error(
        path, "the old leader is whoever leads before the fault: '\(owner)', not '\(oldLeader.region)'",
        fix: "did you mean '\(owner)'?")
    }
  }

  mutating func checkSteadyState() {
    let steady = scenario.steadyState
    if steady.expect.isEmpty {
      error(
        "steadyState.expect", "nothing is expected, so the baseline could never fail",
        fix: "expect at least one metric: \(Metric.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    unique(steady.expect.map(\.subject), "the metric", fix: "leave one of the two out") {
      "steadyState.expect[\($0)].metric"
    }
    for (index, expectation) in steady.expect.enumerated() {
      let path = "steadyState.expect[\(index)]"
      check(expectation, at: path)
      if case .leader(.is(let name)) = expectation, let owner = scenario.ownership.first?.normal, name != owner,
        scenario.topology.region(name) != nil
      {
        error(
          "\(path).is", "'\(name)' is expected to lead, but 'ownership' says '\(owner)'",
          fix: "did you mean '\(owner)'?")
      }
    }
  }

  mutating func checkContinuity() {
    let steady = scenario.steadyState
    for (index, tolerated) in steady.continuously.enumerated() {
      let path = "steadyState.continuously[\(index)]"
      check(tolerated.expectation, at: path)
      let outage = scenario.stack.longestLease
      if case .writeErrorRate = tolerated.expectation, cutsPrimary, tolerated.tolerance <= outage {
        warning(
          "\(path).for",
          "will be broken: until the lease of '\(scenario.primary)' runs out, up to \(outage.text) (2 × ttl), no region"
            + " accepts writes", fix: "allow more than \(outage.text)")
      }
    }
    for (index, expectation) in (steady.after?.expect ?? []).enumerated() {
      check(expectation, at: "steadyState.after.expect[\(index)]")
    }
    if let after = steady.after, after.expect.isEmpty {
      error("steadyState.after.expect", "nothing is expected", fix: "expect something, or leave 'after' out")
    }
  }

  mutating func checkAbort() {
    for (index, condition) in scenario.abort.enumerated() {
      let path = "abort[\(index)]"
      check(condition.expectation, at: path)
      let outage = scenario.stack.longestLease
      if case .writeErrorRate = condition.expectation, cutsPrimary, condition.tolerance <= outage {
        warning(
          "\(path).for",
          "would end the drill during the election it wants to see: until the lease of '\(scenario.primary)'"
            + " runs out, up to \(outage.text) (2 × ttl), no region accepts writes",
          fix: "allow more than \(outage.text)")
      }
    }
  }

  mutating func check(_ expectation: Expectation, at path: String) {
    if !scenario.stack.kind.isDriven {
      guard case .probe = expectation else {
        error(
          path, "'\(expectation.subject)' is measured by our own workload, which an external system has not",
          fix: "ask a probe: http, tcp, command or prometheus")
        return
      }
    }
    switch expectation {
    case .writeErrorRate(let limits):
      if limits.max == .all {
        error("\(path).max", "can never be exceeded: no error rate is above 100%", fix: "say less than 100%")
      }
      checkOrder(of: limits, at: path)
    case .writeRate(let limits): checkOrder(of: limits, at: path)
    case .mirrorLag(let limits): checkOrder(of: limits, at: path)
    case .mirrorBacklog(let limits), .token(let limits), .events(let limits): checkOrder(of: limits, at: path)
    case .leader(.is(let name)): region(name, with: .control, at: "\(path).is")
    case .leader(.isNot(let name)): region(name, with: .control, at: "\(path).isNot")
    case .probe(let name): probe(name, at: "\(path).probe")
    }
  }

  private mutating func checkOrder<T>(of limits: Limits<T>, at path: String) {
    if let min = limits.min, let max = limits.max, min > max {
      error("\(path).min", "is more than max: no figure could be within", fix: "swap the two")
    }
  }

  /// Notes a mistake unless `name` is a probe.
  mutating func probe(_ name: String, at path: String) {
    let names = scenario.probes.map(\.name)
    guard !names.contains(name) else { return }
    let near = closest(to: name, among: names).map { "did you mean '\($0)'? " } ?? ""
    error(
      path, "there is no probe \(quoted(name))",
      fix: near + (names.isEmpty ? "add it to probes" : "probes: \(names.joined(separator: ", "))"))
  }
}
