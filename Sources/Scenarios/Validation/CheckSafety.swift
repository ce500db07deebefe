internal import Support

extension Checking {
  mutating func checkSafety() {
    let safety = scenario.safety
    let disturbed = scenario.topology.regions.map(\.name).filter { name in
      entries.contains { $0.entry.fault.disturbed.contains(name) }
    }
    if disturbed.count > safety.maxRegions {
      error(
        "safety.blastRadius.regions",
        "the timeline disturbs \(disturbed.count) regions (\(listed(disturbed))),"
          + " \(safety.maxRegions) allowed", fix: "disturb fewer regions or raise the limit")
    }
    checkConcurrency()
    checkNodes()
    checkProtection()
    let last = max(schedule.through, schedule.stepsThrough)
    guard last <= longestTime * 2, scenario.recovery.within <= longestTime, scenario.steadyState.hold <= longestTime
    else {
      if scenario.recovery.within > longestTime { error("recovery.within", "is longer than a year") }
      if scenario.steadyState.hold > longestTime { error("steadyState.for", "is longer than a year") }
      if last > longestTime * 2, !found.contains(where: { $0.severity == .error }) {
        error("timeline", "comes to more than two years")
      }
      return
    }
    let back = scenario.failback.map { Schedule(of: [], runbook: Runbook(steps: $0.steps)).stepsThrough } ?? .zero
    let sum = scenario.steadyState.hold + last + scenario.recovery.within + back
    if sum > safety.maxDuration {
      error(
        "safety.maxDuration",
        "the drill may take \(sum.text): steady state \(scenario.steadyState.hold.text) + timeline"
          + " \(last.text) + recovery \(scenario.recovery.within.text)\(back > .zero ? " + failback \(back.text)" : ""),"
          + " \(safety.maxDuration.text) allowed",
        fix: "shorten one of them or raise the limit")
    }
  }

  private mutating func checkConcurrency() {
    guard let limit = scenario.safety.maxConcurrent else { return }
    let most = schedule.mostConcurrent
    guard most.count > limit else { return }
    error(
      "safety.blastRadius.concurrent",
      "at \(most.at.text) \(most.count) faults may be in force at one time, \(limit) allowed",
      fix: "spread them in time, or raise the limit")
  }

  private mutating func checkNodes() {
    guard let limit = scenario.safety.maxNodes else { return }
    let nodes = scenario.disturbedNodes(entries)
    guard nodes.count > limit else { return }
    error(
      "safety.blastRadius.nodes", "the timeline disturbs \(nodes.count) nodes (\(listed(nodes))), \(limit) allowed",
      fix: "disturb fewer nodes or raise the limit")
  }

  private mutating func checkProtection() {
    let safety = scenario.safety
    for (index, name) in safety.protectedNodes.enumerated() {
      guard !scenario.topology.hosts.contains(where: { $0.name == name }) else { continue }
      _ = region(name, at: "safety.protected.nodes[\(index)]")
    }
    guard !safety.protectedNodes.isEmpty || !safety.protectedPorts.isEmpty else { return }
    var seen: Set<String> = []
    for timed in entries where seen.insert(timed.path).inserted {
      if let region = timed.entry.fault.insideRegion, isProtected(region, by: scenario.topology.nodes(of: region)) {
        error(
          timed.path, "touches '\(region)', which safety.protected names",
          fix: "leave '\(region)' out, or protect it no more")
      }
      guard let link = timed.entry.fault.link else { continue }
      let ends = link.ends(in: scenario.topology)
      for name in [link.region] + ends.regions where isProtected(name, by: ends.group + ends.touched) {
        error(
          timed.path, "touches '\(name)', which safety.protected names",
          fix: "leave '\(name)' out, or protect it no more")
      }
      let ports = safety.protectedPorts.filter { link.scope.covers($0) }
      if !ports.isEmpty {
        error(
          timed.path,
          "touches the protected port\(ports.count == 1 ? "" : "s") \(ports.map(\.description).joined(separator: ", "))",
          fix: "except them: only: { except: { ports: [\(ports[0])], peerPorts: [\(ports[0])] } }")
      }
    }
  }

  /// Whether a region, or one of its nodes that are touched, is protected.
  private func isProtected(_ region: String, by touched: [String]) -> Bool {
    let safety = scenario.safety
    return safety.protectedNodes.contains(region)
      || scenario.topology.hosts.contains {
        $0.region == region && touched.contains($0.name) && safety.protectedNodes.contains($0.name)
      }
  }
}

extension TrafficScope {
  /// Whether packets from or to one of these ports are among those meant.
  fileprivate func covers(_ protected: Ports) -> Bool {
    // One side may be open and the port be that of the other.
    if let except, [except.ports, except.peerPorts].allSatisfy({ side in side.contains { $0.holds(protected) } }) {
      return false
    }
    func excepts(_ ports: [Ports]) -> Bool {
      ports.contains { $0.first <= protected.first && protected.last <= $0.last }
    }
    // Excepted on one side only, it would be touched on the other.
    if let except, excepts(except.ports), excepts(except.peerPorts) { return false }
    guard saysPorts else { return true }
    return (ports + peerPorts + portsAtEitherEnd).contains { $0.first <= protected.last && protected.first <= $0.last }
  }
}

extension TrafficScope.Ports {
  fileprivate func holds(_ other: TrafficScope.Ports) -> Bool { first <= other.first && other.last <= last }
}
