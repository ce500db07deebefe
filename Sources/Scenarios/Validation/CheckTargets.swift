internal import Support

// Whose packets a fault on the network means: nodes, addresses and owners that must exist and may be touched.
extension Checking {
  mutating func checkPeers(of link: FaultSpecification.Link, at path: String) {
    let before = found.count
    checkNodes(of: link, at: path)
    switch link.peers {
    case .all: break
    case .regions(let names): checkRegions(names, of: link, at: "\(path).from")
    case .selected(let set):
      if case .named(let names) = set.regions { checkRegions(names, of: link, at: "\(path).from.regions") }
      check(set, of: link, at: "\(path).from")
    }
    let ends = link.ends(in: scenario.topology)
    // What was named and is not there was said already.
    if ends.peers.isEmpty, link.peers.set.beyond.isEmpty, found.count == before {
      error("\(path).from", "matches no other region: the fault would have zero targets")
    }
  }

  private mutating func checkRegions(_ names: [String], of link: FaultSpecification.Link, at path: String) {
    unique(names, "the region", fix: "leave one of the two out") { "\(path)[\($0)]" }
    for (index, peer) in names.enumerated() {
      _ = region(peer, at: "\(path)[\(index)]")
      if peer == link.region {
        error("\(path)[\(index)]", "'\(peer)' cannot be its own other side", fix: "name another region")
      }
    }
  }

  /// The nodes at the region's own end.
  private mutating func checkNodes(of link: FaultSpecification.Link, at path: String) {
    guard let nodes = link.nodes else { return }
    let own = scenario.topology.nodes(of: link.region)
    if nodes.isEmpty {
      error("\(path).nodes", "names no node: the fault would be made nowhere", fix: "leave it out for all")
    }
    unique(nodes, "the node", fix: "leave one of the two out") { "\(path).nodes[\($0)]" }
    for (index, name) in nodes.enumerated() where !own.contains(name) {
      error(
        "\(path).nodes[\(index)]", "there is no node \(quoted(name)) in '\(link.region)'",
        fix: known(name, own, "nodes"))
    }
  }

  private mutating func check(_ set: PeerSet, of link: FaultSpecification.Link, at path: String) {
    let topology = scenario.topology
    for (index, role) in set.roles.enumerated()
    where !topology.regions.contains(where: { $0.name != link.region && $0.roles.contains(role) }) {
      error(
        "\(path).roles[\(index)]", "nobody outside '\(link.region)' plays '\(role.rawValue)'",
        fix: "name another role, or give it to a region")
    }
    unique(set.nodes, "the node", fix: "leave one of the two out") { "\(path).nodes[\($0)]" }
    let group = link.ends(in: topology).group
    for (index, name) in set.nodes.enumerated() {
      let place = "\(path).nodes[\(index)]"
      if !topology.nodeNames.contains(name) {
        error(place, "there is no node \(quoted(name))", fix: known(name, topology.nodeNames, "nodes"))
      } else if group.contains(name) {
        error(place, "'\(name)' cannot be its own other side", fix: "name another node")
      } else {
        checkControl(topology.addresses(of: name), at: place, "'\(name)' has")
      }
    }
    for (what, key, list) in [
      ("the address", "addresses", set.addresses), ("the network", "networks", set.networks),
      ("the name", "names", set.names),
    ] { unique(list, what, fix: "leave one of the two out") { "\(path).\(key)[\($0)]" } }
    for (index, address) in set.addresses.enumerated() {
      checkControl([address], at: "\(path).addresses[\(index)]", "this is")
    }
  }

  /// The control channel must not be named; where a network or a name covers it, its packets pass all the same.
  private mutating func checkControl(_ addresses: [String], at path: String, _ what: String) {
    let controllers = Set((scenario.topology.controllers ?? []).compactMap { NetworkAddress($0) })
    guard let address = addresses.first(where: { NetworkAddress($0).map(controllers.contains) ?? false }) else {
      return
    }
    error(
      path, "would cut the control channel: \(what) \(address), from which the agents are reached",
      fix: "leave it out; topology.inventory.controllers names it")
  }

  /// Which packets of the two ends.
  mutating func checkScope(of fault: FaultSpecification, _ link: FaultSpecification.Link, at path: String) {
    let topology = scenario.topology
    if let role = link.scope.role {
      let ends = link.ends(in: topology)
      let players = (ends.group + ends.touched).contains { topology.roles(of: $0).contains(role) }
      if !players, link.peers.set.beyond.isEmpty {
        error(
          "\(path).only.role", "nobody at either end plays '\(role.rawValue)': the fault would have zero targets",
          fix: "regions that do: \(listed(topology.names(with: role)))")
      }
    }
    if link.scope.owner?.user != nil, fault.meansArrivals {
      error(
        "\(path).only.user", "packets that arrive belong to no user yet",
        fix: fault.kind == .partition
          ? "add direction: out, or choose by cgroup or ports" : "say out only, or choose by cgroup or ports")
    }
  }
}

extension FaultSpecification {
  /// Whether something is to happen to packets that come to the region.
  fileprivate var meansArrivals: Bool {
    switch self {
    case .partition(_, let direction, _): direction != .out
    case .network(_, let inbound, _): !inbound.isEmpty
    case .answers: true
    case .killConnections, .process, .clock, .nodeClock, .disk: false
    }
  }
}
