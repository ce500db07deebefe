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
    for peer in link.ends(in: topology).wholeRegions {
      if direction != .out { paths.insert(Path(from: peer, to: link.region)) }
      if direction != .in { paths.insert(Path(from: link.region, to: peer)) }
    }
    return paths
  }

  fileprivate func summary(in topology: Topology) -> String {
    let others = link.map { $0.peerWords(in: topology) } ?? ""
    let region = link?.regionWords ?? ""
    let text =
      switch self {
      case .partition(_, let direction, let answer): cut(region, others, direction) + answer.words
      case .network(_, let inbound, let outbound): disturbance(region, others, inbound, outbound)
      case .killConnections: "breaks the connections between \(region) and \(others)"
      case .process(let fault): "\(fault)"
      case .clock(let fault): "\(fault)"
      case .nodeClock(let fault): "\(fault)"
      case .answers(_, let fault): "from \(others) to \(region): \(fault)"
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

extension FaultSpecification.Link {
  /// The region, and which of its nodes.
  fileprivate var regionWords: String { nodes.map { "\(listed($0)) in \(region)" } ?? region }

  /// Who the other side is.
  fileprivate func peerWords(in topology: Topology) -> String {
    let ends = ends(in: topology)
    // Regions of which every node is named, and single nodes of the others.
    let whole = topology.regions.map(\.name).filter { name in
      let nodes = topology.nodes(of: name)
      return name != region && !nodes.isEmpty && nodes.allSatisfy(ends.peers.contains)
    }
    let single = ends.peers.filter { node in !whole.contains { topology.nodes(of: $0).contains(node) } }
    return listed(whole + single + peers.set.beyond)
  }
}

extension TrafficScope {
  fileprivate var words: String {
    func side(_ ports: [Ports], _ words: String) -> String? {
      ports.isEmpty ? nil : "\(words) \(ports.map(\.description).joined(separator: " "))"
    }
    let only = [
      wholeTransport?.rawValue, side(ports, "the region's ports"), side(peerPorts, "the peers' ports"),
      side(portsAtEitherEnd, role.map { "at either end the ports of the \($0.rawValue)" } ?? "at either end ports"),
      owner?.cgroup.map { "sockets of control group \($0)" }, owner?.user.map { "sockets of user \($0)" },
    ].compactMap(\.self)
    let excepted = [
      side(except?.ports ?? [], "the region's ports"), side(except?.peerPorts ?? [], "the peers' ports"),
      except?.addresses.map { $0.joined(separator: " ") }, except?.networks.map { $0.joined(separator: " ") },
    ].compactMap(\.self)
    return (only.isEmpty ? "" : "; only \(only.joined(separator: ", "))")
      + (excepted.isEmpty ? "" : "; except \(excepted.joined(separator: ", "))")
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
      let spread = table.map { " by the table \($0.file)" } ?? distribution.map { " \($0.rawValue)" } ?? ""
      let around = jitter.map { " ± \($0.text)\(spread)" } ?? ""
      let follow = correlation.map { " (\($0) like the one before)" } ?? ""
      parts.append("\(delay.text)\(around)\(follow) later")
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
