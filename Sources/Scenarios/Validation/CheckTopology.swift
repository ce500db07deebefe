internal import Support

extension Checking {
  mutating func checkTopology() {
    let topology = scenario.topology
    let path = topology.ground == .lab ? "topology.lab.regions" : "topology.inventory.hosts"
    if topology.ground == .inventory { checkHosts() }
    guard topology.regions.count <= 250 else {
      error(path, "\(topology.regions.count) regions; the lab has addresses for 250")
      return
    }
    for region in topology.regions where topology.ground == .lab {
      unique(region.roles.map(\.rawValue), "the role", fix: "leave one of the two out") {
        "\(path).\(region.name).roles[\($0)]"
      }
      if region.roles.isEmpty {
        error(
          "\(path).\(region.name).roles", "the region '\(region.name)' has no role",
          fix: "roles: \(Role.allCases.map(\.rawValue).joined(separator: ", "))")
      }
    }
    guard scenario.stack.kind.isDriven else {
      if topology.ground == .lab {
        error(
          "stack.kind", "an external system stands on hosts; in a lab there is none",
          fix: "name its hosts in topology.inventory")
      }
      return
    }
    if scenario.stack.attach == nil { checkQuorum(path) }
    let stores = topology.names(with: .store)
    guard stores.count != 2 else { return }
    let having =
      stores.isEmpty ? "no region has" : stores.count == 1 ? "only \(stores[0]) has" : "\(listed(stores)) have"
    error(
      path, "\(scenario.stack.kind.rawValue) mirrors between two stores; \(having) the role 'store'",
      fix: "give exactly two regions the role 'store'")
  }

  private mutating func checkHosts() {
    var first: [String: String] = [:]
    for host in scenario.topology.hosts {
      let path = "topology.inventory.hosts.\(host.name)"
      unique(host.roles.map(\.rawValue), "the role", fix: "leave one of the two out") { "\(path).roles[\($0)]" }
      if host.addresses.isEmpty {
        error("\(path).addresses", "without an address nothing can be done between it and others", fix: "add one")
      }
      if host.agent.isEmpty {
        error(
          "\(path).agent", "without a command no agent can be started there",
          fix: "such as [ssh, \(host.name), blackstart, agent]")
      }
      for (index, address) in host.addresses.enumerated() {
        if let other = first.updateValue(host.name, forKey: address) {
          error(
            "\(path).addresses[\(index)]", "'\(address)' is an address of '\(other)' already",
            fix: "leave one of the two out")
        }
      }
    }
  }

  private mutating func checkQuorum(_ path: String) {
    let members = scenario.topology.names(with: .quorum)
    guard members.count >= 3 else {
      error(
        path, "\(members.count) regions have the role 'quorum'; a quorum that survives the loss of one needs 3",
        fix: "give the role 'quorum' to 3 regions")
      return
    }
    if members.count % 2 == 0 {
      warning(
        path, "a quorum of \(members.count) tolerates no more losses than one of \(members.count - 1)",
        fix: "use an odd number")
    }
  }

  mutating func checkOwnership() {
    guard scenario.stack.kind.isDriven else {
      for owner in scenario.ownership {
        _ = region(owner.normal, at: "ownership.\(owner.topic).normal")
        _ = region(owner.failover, at: "ownership.\(owner.topic).failover")
      }
      return
    }
    guard let first = scenario.ownership.first else {
      error("ownership", "no topic has an owner", fix: "name who writes: orders: { normal: east, failover: eu }")
      return
    }
    for owner in scenario.ownership {
      let path = "ownership.\(owner.topic)"
      // Write authority over standing clusters is nobody's whom the drill could ask.
      let roles: [Role] = scenario.stack.attach == nil ? [.store, .control] : [.store]
      for role in roles {
        region(owner.normal, with: role, at: "\(path).normal")
        region(owner.failover, with: role, at: "\(path).failover")
      }
      for phase in [Ownership.Phase.operation, .failback]
      where owner[phase] != owner.normal && owner[phase] != owner.failover {
        for role in roles { region(owner[phase], with: role, at: "\(path).\(phase.rawValue)") }
      }
      if owner.normal == owner.failover {
        error(
          "\(path).failover", "'\(owner.failover)' owns the writes already; a failover goes to another region")
      } else if Ownership.Phase.allCases.contains(where: { owner[$0] != first[$0] }) {
        error(
          path,
          "owned by \(owner.normal), then \(owner.failover), but '\(first.topic)' by \(first.normal), then"
            + " \(first.failover): \(scenario.stack.kind.rawValue) grants one write authority for all topics",
          fix: "give all topics the same owners")
      }
    }
  }
}

/// `a`, `a and b`, `a, b and c`.
func listed(_ names: [String]) -> String {
  guard let last = names.last, names.count > 1 else { return names.first ?? "none" }
  return "\(names.dropLast().joined(separator: ", ")) and \(last)"
}
