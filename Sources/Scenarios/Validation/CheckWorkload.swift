internal import Support

extension Checking {
  mutating func checkWorkload() {
    let workload = scenario.workload
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
        fix: "expect at least one metric: \(Expectation.Metric.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    unique(steady.expect.map(\.metric.rawValue), "the metric", fix: "leave one of the two out") {
      "steadyState.expect[\($0)].metric"
    }
    for (index, expectation) in steady.expect.enumerated() {
      let path = "steadyState.expect[\(index)]"
      check(expectation, at: path)
      if case .leader(let name) = expectation, let owner = scenario.ownership.first?.normal, name != owner,
        scenario.topology.region(name) != nil
      {
        error(
          "\(path).is", "'\(name)' is expected to lead, but 'ownership' says '\(owner)'",
          fix: "did you mean '\(owner)'?")
      }
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

  private mutating func check(_ expectation: Expectation, at path: String) {
    switch expectation {
    case .writeErrorRate(let max):
      if max == .all {
        error("\(path).max", "can never be exceeded: no error rate is above 100%", fix: "say less than 100%")
      }
    case .mirrorLag: break
    case .leader(let name): region(name, with: .control, at: "\(path).is")
    }
  }
}
