internal import Support

/// Resolves one disturbance, but for the kernel objects.
func plannedFault(
  _ timed: TimedEntry, in scenario: Scenario, _ figures: PlanningFigures
) -> PlannedFault {
  let entry = timed.entry
  let cut = entry.fault.cutPaths(in: scenario.topology)
  let names = scenario.topology.regions.map(\.name)
  let paths = names.flatMap { from in
    names.filter { $0 != from }.map { to in
      PlannedReachability(from: from, to: to, before: true, during: !cut.contains(Path(from: from, to: to)))
    }
  }
  return PlannedFault(
    id: entry.id, kind: entry.fault.kind.rawValue, summary: entry.fault.summary(in: scenario.topology),
    entry: entry, begins: timed.from, ends: timed.through, lease: entry.stop.longest + figures.leaseReserve,
    heartbeat: figures.heartbeat, elementTimeout: figures.elementTimeout, reachability: paths,
    roundTrips: entry.fault.roundTrips(in: scenario.topology))
}

/// From one region to another.
struct Path: Hashable {
  var from: String
  var to: String
}

extension FaultSpecification {
  /// The paths on which nothing at all passes while the fault is in force.
  func cutPaths(in topology: Topology) -> Set<Path> {
    guard case .partition(let link, let direction, _) = self, link.scope == .all, link.flapping == nil else {
      return []
    }
    var paths: Set<Path> = []
    for peer in link.peers.resolve(against: link.region, in: topology) {
      if direction != .out { paths.insert(Path(from: peer, to: link.region)) }
      if direction != .in { paths.insert(Path(from: link.region, to: peer)) }
    }
    return paths
  }

  fileprivate func summary(in topology: Topology) -> String {
    let others = link.map { listed($0.peers.resolve(against: $0.region, in: topology)) } ?? ""
    let text =
      switch self {
      case .partition(let link, let direction, let answer): cut(link.region, others, direction) + answer.words
      case .network(let link, let inbound, let outbound): disturbance(link.region, others, inbound, outbound)
      case .killConnections(let link): "breaks the connections between \(link.region) and \(others)"
      case .process(let fault): "\(fault)"
      case .clock(let fault): "\(fault)"
      case .nodeClock(let fault): "\(fault)"
      case .answers(let link, let fault): "from \(others) to \(link.region): \(fault)"
      case .disk(let fault): "\(fault)"
      }
    return text + (link.map { $0.scope.words + $0.flapping.words } ?? "")
  }

  private func cut(_ region: String, _ others: String, _ direction: Direction) -> String {
    switch direction {
    case .both: "cuts \(region) off from \(others), both ways"
    case .in: "lets nothing come from \(others) to \(region); the other way is open"
    case .out: "lets nothing go from \(region) to \(others); the other way is open"
    }
  }

  private func disturbance(
    _ region: String, _ others: String, _ inbound: PacketEffect, _ outbound: PacketEffect
  ) -> String {
    if inbound == outbound { return "between \(region) and \(others), each way: \(inbound)" }
    let ways = [("from \(others) to \(region)", inbound), ("from \(region) to \(others)", outbound)]
    return ways.filter { !$0.1.isEmpty }.map { "\($0): \($1)" }.joined(separator: "; ")
  }
}

extension FaultSpecification.CutAnswer {
  fileprivate var words: String {
    switch self {
    case .silence: ""
    case .reset: ", with a reset for an answer"
    case .unreachable: ", with ICMP for an answer"
    }
  }
}

extension TrafficScope {
  fileprivate var words: String {
    func side(_ ports: [Ports], _ whose: String) -> String {
      ports.isEmpty ? "" : ", \(whose) ports \(ports.map(\.description).joined(separator: " "))"
    }
    let only = transport.map {
      "; only \($0.rawValue)\(side(ports, "the region's"))\(side(peerPorts, "the peers'"))"
    }
    let except = except.map {
      "; except" + (side($0.ports, "the region's") + side($0.peerPorts, "the peers'")).dropFirst()
    }
    return (only ?? "") + (except ?? "")
  }
}

extension Flapping? {
  fileprivate var words: String { map { "; \($0.on.text) on, \($0.off.text) off" } ?? "" }
}

extension PacketEffect: CustomStringConvertible {
  /// The effect in words: `5% lost, 80ms ± 10ms later`.
  public var description: String {
    var parts: [String] = []
    if let loss { parts.append("\(loss)") }
    if let delay {
      let spread = jitter.map { " ± \($0.text)\(distribution.map { " \($0.rawValue)" } ?? "")" } ?? ""
      let follow = correlation.map { " (\($0) like the one before)" } ?? ""
      parts.append("\(delay.text)\(spread)\(follow) later")
    }
    if let reorder { parts.append("\(reorder) overtaking") }
    if let duplicate { parts.append("\(duplicate) twice") }
    if let corrupt { parts.append("\(corrupt) damaged") }
    if let rate {
      let more = [burst.map { "burst \($0)" }, queue.map { "queue \($0)" }].compactMap(\.self)
      parts.append("at most \(rate)" + (more.isEmpty ? "" : " (\(more.joined(separator: ", ")))"))
    }
    return parts.isEmpty ? "as ever" : parts.joined(separator: ", ")
  }
}

extension PacketLoss: CustomStringConvertible {
  /// The loss in words.
  public var description: String {
    switch self {
    case .random(let share, let correlation):
      "\(share) lost" + (correlation.map { " (\($0) like the one before)" } ?? "")
    case .bursts(let enter, let leave, let inside, let outside):
      "\(inside) lost in bursts that begin with \(enter) and end with \(leave), \(outside) between"
    case .every(let number): "one in \(number) lost"
    case .exact(let share): "exactly \(share) lost, the same in each run"
    }
  }
}
