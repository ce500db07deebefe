internal import Support

/// A plan as a person reads it, at most 120 columns wide.
public func planText(_ plan: Plan) -> String {
  let page = PlanPage(plan: plan)
  let sections = [
    page.head, page.nodes, page.clusters, page.workload, page.probes, page.phases, page.faults, page.runbook,
    page.failback,
    page.communications, page.checklist, page.permitted, page.abort, page.remarks, page.total,
  ]
  return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
}

private struct PlanPage {
  let plan: Plan

  private var scenario: Scenario { plan.scenario }

  var head: [String] {
    let line = "PLAN \(scenario.metadata.name)"
    let facts = "seed \(plan.seed) · scenario \(plan.scenarioDigest.prefix(12)) · blackstart \(plan.tool)"
    let given = scenario.variables.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    return [line] + wrapped(scenario.metadata.description, width: 100).map { "  \($0)" } + ["  \(facts)"]
      + (given.isEmpty ? [] : indented("with \(given)", by: 2))
      + plan.includes.map { "  includes \($0.path) (\($0.digest.prefix(12)))" }
  }

  var nodes: [String] {
    var table = TextTable(indent: 2, gap: 3)
    for node in plan.nodes {
      let part =
        scenario.ownership.isEmpty
        ? ""
        : node.region == scenario.primary ? "owns all writes" : node.region == scenario.survivor ? "takes over" : ""
      table.add(
        node.name, node.ipv4.isEmpty ? "" : "\(node.ipv4)/\(node.ipv4PrefixLength)",
        node.ipv6.isEmpty ? "" : "\(node.ipv6)/\(node.ipv6PrefixLength)",
        node.roles.map(\.rawValue).joined(separator: " "), part)
    }
    let stack = scenario.stack
    let clocks = scenario.topology.regions.compactMap { region in
      region.clocks.map { "  clocks of the servers of \(region.name): \($0), from their start to their end" }
    }
    let guarded = stack.guards.map { ", guards before: \($0.map(\.rawValue).joined(separator: ", "))" } ?? ""
    guard stack.kind.isDriven else {
      return ["NODES"] + table.lines + ["  \(stack.kind.rawValue): a system that stands there, asked by probes alone"]
    }
    return ["NODES"] + table.lines + clocks + [
      "  \(stack.kind.rawValue), lease \(stack.leaseTTL.text), mirror freshness \(stack.mirrorFreshness.text)"
        + (stack.hasEventsInKafka ? ", \(stack.mirroring ?? KafkaMirroring())" : "")
        + (stack.topic.map { ", \($0)" } ?? "") + (stack.outbox.map { ", \($0)" } ?? "") + guarded
    ]
  }

  /// What is done to clusters that stand already.
  var clusters: [String] {
    guard let clusters = plan.attached else { return [] }
    let mirrors = (scenario.stack.attach?.mirrors ?? []).map { "  mirror \($0)" }
    return ["CLUSTERS that stand already"]
      + clusters.flatMap { cluster in
        let parts: [(String, [String])] = [
          ("makes", cluster.makes), ("writes", cluster.writes), ("reads", cluster.reads), ("Connect", cluster.connect),
          ("removes", cluster.removes), ("never touches", cluster.never),
        ]
        return ["  \(cluster.name)   \(cluster.reached)"]
          + parts.flatMap { head, lines in lines.flatMap { indented("\(head): \($0)", by: 6) } }
      } + mirrors
  }

  var workload: [String] {
    guard scenario.stack.kind.isDriven else { return [] }
    var table = TextTable(indent: 2, gap: 3)
    for producer in scenario.workload.producers {
      table.add(
        producer.name, "in \(producer.region)",
        "writes \(producer.rate), \(counted(producer.workers, "worker")), \(counted(producer.keys, "key"))")
    }
    for consumer in scenario.workload.consumers {
      table.add(consumer.name, "in \(consumer.region)", "projects the store in \(consumer.store)")
    }
    if let old = scenario.workload.oldLeader {
      table.add("old leader", "in \(old.region)", "keeps its token, tries every store \(old.rate)")
    }
    return ["WORKLOAD"] + table.lines
  }

  var phases: [String] {
    var table = TextTable([.left, .right, .right, .right], indent: 2, gap: 3)
    table.add("", "begins", "expected", "at most", "")
    for phase in plan.phases {
      table.add(phase.name, seconds(phase.begins), seconds(phase.expected), seconds(phase.limit), phase.what)
    }
    let steady = scenario.steadyState
    let expected = steady.expect.map(\.description).joined(separator: ", ")
    let throughout = steady.continuously.map { "\($0.expectation), broken for at most \($0.tolerance.text)" }
    let after = (steady.after?.expect ?? []).map(\.description).joined(separator: ", ")
    return ["PHASES"] + table.lines + indented("steady state: \(expected)", by: 2)
      + throughout.map { "  throughout: \($0)" } + (after.isEmpty ? [] : indented("afterwards: \(after)", by: 2))
  }

  var probes: [String] {
    guard !scenario.probes.isEmpty else { return [] }
    var table = TextTable(indent: 2, gap: 3)
    for probe in scenario.probes {
      table.add(
        probe.name, place(of: probe), "every \(probe.every.text), within \(probe.timeout.text)",
        probe.question.summary)
    }
    return ["PROBES"] + table.lines
  }

  /// From where a probe is asked; a figure of the stack is nobody's question.
  private func place(of probe: Probe) -> String {
    if let host = probe.host { return "from host \(host)" }
    if let region = probe.region { return "from \(region)" }
    return scenario.topology.ground == .lab || probe.question.kind == .metric ? "" : "from the drill's machine"
  }

  var runbook: [String] { steps(plan.runbook, scenario.runbook, "RUNBOOK", "with the timeline") }
  var failback: [String] { steps(plan.failback, scenario.failback, "FAILBACK", "after the recovery") }

  private func steps(_ steps: [PlannedStep], _ runbook: Runbook?, _ title: String, _ start: String) -> [String] {
    guard let runbook else { return [] }
    let begins = runbook.start.map(\.description) ?? start
    let failure = runbook.onFailure == .undo ? "on failure what was done is undone" : "on failure all stays as it is"
    return ["\(title) begins \(begins); \(failure)"] + steps.flatMap(lines)
  }

  private func lines(of planned: PlannedStep) -> [String] {
    let step = planned.step
    let after = step.after.isEmpty ? "" : " after \(listed(step.after))"
    let head = "\(step.id):\(after) \(step.decides) \(planned.summary)"
    var limits = "at most \(step.timeout.text)"
    if let retries = step.retries {
      limits += ", \(retries.times) more times every \(retries.every.text)"
    }
    limits += ", over by \(seconds(planned.latest))"
    let conditions = [
      step.precondition.map { "before: \($0)" }, step.verify.map { "verified by: \($0)" },
      step.gate.map { "gate: \($0)" }, step.undo.map { "undone: \($0.summary)" },
    ].compactMap(\.self)
    return indented("\(head) (\(limits))", by: 2) + conditions.flatMap { indented($0, by: 6) }
  }

  var communications: [String] {
    guard !plan.communications.isEmpty else { return [] }
    var table = TextTable(indent: 2, gap: 3)
    for planned in plan.communications {
      let message = planned.message
      table.add(
        message.id, planned.due.map { "due at \(seconds($0))" } ?? "", "\(message.due.text) after \(message.anchor)",
        planned.sink, message.audience)
    }
    return ["COMMUNICATIONS"] + table.lines
  }

  var faults: [String] {
    let faults = plan.faults.mapConcurrently { self.lines(of: $0).joined(separator: "\n") }
    return ["TIMELINE from the end of the baseline", faults.joined(separator: "\n\n")]
  }

  private func lines(of fault: PlannedFault) -> [String] {
    let isInside = fault.entry.fault.insideRegion != nil
    let guards =
      [
        isInside
          ? "taken back by the kernel or the guardian when its process is gone" : "gone with its process (owner table)"
      ]
      + (isInside ? [] : ["gone \(seconds(fault.elementTimeout)) after its last heartbeat"])
      + ["never older than its lease of \(seconds(fault.lease))"]
    let head = "  \(seconds(fault.begins)) to \(seconds(fault.ends))   "
    let waits = fault.waits.map { " (\($0))" } ?? ""
    let summary = wrapped("\(fault.id): \(fault.kind), \(fault.summary)\(waits)", width: 118 - head.count)
    return summary.enumerated().map { ($0 == 0 ? head : String(repeating: " ", count: head.count)) + $1 }
      + ["  " + guards.joined(separator: ", "), ""] + fault.nodes.flatMap { lines(of: $0, isInside: isInside) }
      + (isInside ? [] : [""] + matrix(fault) + roundTrips(fault))
  }

  private func lines(of objects: PlannedObjects, isInside: Bool) -> [String] {
    ["  \(objects.node): \(isInside ? "inside the node" : "one atomic batch")"]
      + objects.mechanisms.flatMap { indented($0, by: 4) }
      + objects.changes.flatMap { indented($0, by: 6) } + indented("should all else fail: \(objects.undo)", by: 4)
  }

  /// A line of at most 120 columns, or several.
  private func indented(_ text: String, by depth: Int) -> [String] {
    wrapped(text, width: 118 - depth).enumerated().map {
      String(repeating: " ", count: depth + ($0 == 0 ? 0 : 2)) + $1
    }
  }

  private func roundTrips(_ fault: PlannedFault) -> [String] {
    fault.roundTrips.isEmpty ? [] : ["", "  round trips"] + fault.roundTrips.flatMap { indented("\($0)", by: 4) }
  }

  private func matrix(_ fault: PlannedFault) -> [String] {
    let names = scenario.topology.regions.map(\.name)
    guard names.count <= 12 else {
      let cut = fault.reachability.filter { $0.before && !$0.during }.count
      return ["  \(cut) of \(fault.reachability.count) directions change from reachable to cut"]
    }
    var table = TextTable(indent: 2, gap: 3)
    table.add(["while in force"] + names.map { "to \($0)" })
    for from in names {
      table.add(
        ["from \(from)"]
          + names.map { to in
            guard let pair = fault.reachability.first(where: { $0.from == from && $0.to == to }) else { return "·" }
            return pair.before == pair.during ? (pair.during ? "ok" : "none") : "ok → cut"
          })
    }
    return table.lines
  }

  var checklist: [String] {
    let width = max(22, (plan.evidence.map(\.item.rawValue.count).max() ?? 0) + 2)
    return ["CHECKLIST"]
      + plan.evidence.flatMap { evidence in
        let label = "  \(evidence.item.rawValue)" + String(repeating: " ", count: width - evidence.item.rawValue.count)
        var lines = wrapped(evidence.level, width: 92)
        lines += wrapped("needs " + evidence.needs.joined(separator: "; "), width: 92)
        lines += wrapped(evidence.otherwise, width: 92)
        let blank = String(repeating: " ", count: label.count)
        return lines.enumerated().map { ($0 == 0 ? label : blank) + $1 }
      }
  }

  var permitted: [String] {
    guard let permitted = scenario.permittedAnomalies else { return [] }
    return ["PERMITTED  told in the verdict, and no failure"]
      + permitted.flatMap { entry in
        indented(
          "\(entry.anomaly) \(PermittedAnomaly.rows.first { $0.row == entry.anomaly }?.name ?? ""): \(entry.because)",
          by: 2)
      }
  }

  var abort: [String] {
    let limits =
      "safety: at most \(scenario.safety.maxDuration.text) and \(counted(plan.blastRadius.limit, "region"));"
      + " disturbed: \(listed(plan.blastRadius.disturbed)); bystanders: \(listed(plan.blastRadius.bystanders));"
      + " at one time: \(counted(plan.concurrentFaults, "fault"))"
      + (plan.scenario.topology.ground == .lab ? "" : plan.blastRadius.nodes.map { "; on nodes: \(listed($0))" } ?? "")
      + (plan.blastRadius.beyond.map { "; and whoever has \(listed($0))" } ?? "")
    return ["ABORT"]
      + scenario.abort.map { "  when \($0.expectation) is broken for \($0.tolerance.text)" }
      + wrapped(limits, width: 118).enumerated().map { ($0 == 0 ? "  " : "    ") + $1 }
  }

  var remarks: [String] {
    plan.remarks.isEmpty ? [] : ["REMARKS"] + plan.remarks.flatMap { "\($0)".split(separator: "\n").map { "  \($0)" } }
  }

  var total: [String] {
    ["TOTAL  about \(seconds(plan.expectedDuration)), at most \(seconds(plan.longestDuration)). Nothing was touched."]
  }
}

/// `1 key`, `40 keys`.
private func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// `52.5 s`, `40 s`: one unit throughout, so that columns compare.
private func seconds(_ duration: Duration) -> String {
  let text = fixed(duration.inSeconds, 1)
  return "\(text.hasSuffix(".0") ? String(text.dropLast(2)) : text) s"
}

extension PlannedFault {
  /// When it begins and ends, where that is not known before the run.
  fileprivate var waits: String? {
    var parts: [String] = []
    if entry.start.time == nil { parts.append("begins \(entry.start)") }
    if case .after = entry.stop {} else { parts.append("lasts \(entry.stop)") }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}

extension ProbeQuestion {
  /// What is asked, in words.
  fileprivate var summary: String {
    switch self {
    case .http(let call): "\(call.method.rawValue) \(call.url)"
    case .tcp(let endpoint): "connects to \(endpoint.host) port \(endpoint.port)"
    case .sql(let query): "asks the store in \(query.store)"
    case .command(let call): "runs \(call.argv.first?.text ?? "")"
    case .metric(let expectation): "\(expectation)"
    case .prometheus(let query): "asks \(query.url): \(query.query)"
    }
  }
}
