internal import Support

/// Resolves one timeline entry to the kernel objects that it makes on each node.
func plannedFault(
  _ entry: TimelineEntry, in scenario: Scenario, _ nodes: [PlannedNode], _ figures: PlanningFigures
) -> PlannedFault {
  let cut = Set(entry.fault.cutPairs(in: scenario.topology))
  let tables = nodes.compactMap { node -> PlannedTable? in
    let peers = nodes.filter { cut.contains(RegionPair(node.region, $0.region)) }
    return peers.isEmpty ? nil : cutTable(for: entry.id, on: node, against: peers)
  }
  let pairs = nodes.flatMap { from in
    nodes.filter { $0.region != from.region }.map { to in
      PlannedReachability(
        from: from.region, to: to.region, before: true, during: !cut.contains(RegionPair(from.region, to.region)))
    }
  }
  return PlannedFault(
    id: entry.id, kind: entry.fault.kind.rawValue, summary: entry.fault.summary(in: scenario.topology),
    begins: entry.at, ends: entry.end, lease: entry.hold + figures.leaseReserve, heartbeat: figures.heartbeat,
    elementTimeout: figures.elementTimeout, tables: tables, reachability: pairs)
}

/// The table that makes `node` deaf to `peers`. Both sides get one, and each drops what it receives: senders then see
/// silence and back off as they do when a line is cut, which a drop at the sender would not give them (design: cuts look
/// like cuts). Priority -300 (raw) is before connection tracking, so that no state is made for dropped packets. ICMPv6
/// types 133 to 137, neighbour discovery, pass as ARP does: they are part of the link, not of what runs over it.
private func cutTable(for fault: String, on node: PlannedNode, against peers: [PlannedNode]) -> PlannedTable {
  PlannedTable(
    node: node.region, family: "inet", name: "bs_<run>_\(fault)", flags: ["owner"], chain: "in", hook: "prerouting",
    priority: -300,
    sets: [
      PlannedSet(name: "peers_v4", type: "ipv4_addr", elements: peers.map(\.ipv4)),
      PlannedSet(name: "peers_v6", type: "ipv6_addr", elements: peers.map(\.ipv6)),
    ],
    rules: [
      "meta nfproto 2 ip saddr @peers_v4 counter drop",
      "meta nfproto 10 meta l4proto 58 @th,0,8 >= 133 <= 137 accept",
      "meta nfproto 10 ip6 saddr @peers_v6 counter drop",
    ])
}

extension FaultSpecification {
  fileprivate func summary(in topology: Topology) -> String {
    switch self {
    case .partition(let region, let peers):
      "cuts \(region) off from \(listed(peers.resolve(against: region, in: topology))), both ways"
    }
  }
}
