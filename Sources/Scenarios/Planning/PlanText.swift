internal import Support

/// A plan as a person reads it, at most 120 columns wide.
public func planText(_ plan: Plan) -> String {
  let page = PlanPage(plan: plan)
  let sections = [
    page.head, page.nodes, page.workload, page.phases, page.faults, page.checklist, page.abort, page.remarks,
    page.total,
  ]
  return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
}

private struct PlanPage {
  let plan: Plan

  private var scenario: Scenario { plan.scenario }

  var head: [String] {
    let line = "PLAN \(scenario.metadata.name)"
    let facts = "seed \(plan.seed) · scenario \(plan.scenarioDigest.prefix(12)) · blackstart \(plan.tool)"
    return [line] + wrapped(scenario.metadata.description, width: 100).map { "  \($0)" } + ["  \(facts)"]
  }

  var nodes: [String] {
    var table = TextTable(indent: 2, gap: 3)
    for node in plan.nodes {
      let part =
        node.region == scenario.primary ? "owns all writes" : node.region == scenario.survivor ? "takes over" : ""
      table.add(
        node.region, "\(node.ipv4)/\(node.ipv4PrefixLength)", "\(node.ipv6)/\(node.ipv6PrefixLength)",
        node.roles.map(\.rawValue).joined(separator: " "), part)
    }
    let stack = scenario.stack
    return ["NODES"] + table.lines + [
      "  \(stack.kind.rawValue), lease \(stack.leaseTTL.text), mirror freshness \(stack.mirrorFreshness.text)"
    ]
  }

  var workload: [String] {
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
    let expected = scenario.steadyState.expect.map(\.description).joined(separator: ", ")
    return ["PHASES"] + table.lines + ["  steady state: \(expected)"]
  }

  var faults: [String] {
    ["TIMELINE from the end of the baseline"] + Array(plan.faults.map(lines).joined(separator: [""]))
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
    let summary = wrapped("\(fault.id): \(fault.kind), \(fault.summary)", width: 118 - head.count)
    return summary.enumerated().map { ($0 == 0 ? head : String(repeating: " ", count: head.count)) + $1 }
      + ["  " + guards.joined(separator: ", "), ""] + fault.nodes.flatMap { lines(of: $0, isInside: isInside) }
      + (isInside ? [] : [""] + matrix(fault))
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

  private func matrix(_ fault: PlannedFault) -> [String] {
    let names = plan.nodes.map(\.region)
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
    ["CHECKLIST"]
      + plan.evidence.flatMap { evidence in
        let label = "  \(evidence.item.rawValue)" + String(repeating: " ", count: 22 - evidence.item.rawValue.count)
        var lines = wrapped(evidence.level, width: 92)
        lines += wrapped("needs " + evidence.needs.joined(separator: "; "), width: 92)
        lines += wrapped(evidence.otherwise, width: 92)
        let blank = String(repeating: " ", count: label.count)
        return lines.enumerated().map { ($0 == 0 ? label : blank) + $1 }
      }
  }

  var abort: [String] {
    let limits =
      "  safety: at most \(scenario.safety.maxDuration.text) and \(counted(plan.blastRadius.limit, "region"));"
      + " disturbed: \(listed(plan.blastRadius.disturbed)); bystanders: \(listed(plan.blastRadius.bystanders))"
    return ["ABORT"]
      + scenario.abort.map { "  when \($0.expectation) is broken for \($0.tolerance.text)" } + [limits]
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
