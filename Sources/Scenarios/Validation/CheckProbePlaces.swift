internal import Support

// From where probes are asked. What is asked from a place that no fault reaches, sees of a fault what the system makes of it only.
extension Checking {
  mutating func checkPlace(of probe: Probe, at path: String) {
    if let name = probe.region, region(name, at: "\(path).region") != nil, scenario.topology.ground != .lab {
      error(
        "\(path).region",
        "nobody of ours is in a region of hosts: a probe is asked from the drill's own machine, or from a host",
        fix: "host: \(scenario.topology.hosts.first { $0.region == name }?.name ?? "…"), or leave it out")
    }
    if let host = probe.host { check(host, of: probe, at: "\(path).host") }
    if case .tcp(let endpoint) = probe.question, scenario.topology.ground == .inventory {
      check(endpoint, at: "\(path).tcp.host")
    }
  }

  /// The host whose agent is to ask.
  private mutating func check(_ host: String, of probe: Probe, at path: String) {
    let topology = scenario.topology
    guard topology.ground == .inventory else {
      let names = topology.regions.map(\.name)
      error(
        path, "a lab has no hosts: its probes are asked from regions",
        fix: "region: \(closest(to: host, among: names) ?? names.first ?? "…")")
      return
    }
    let names = topology.hosts.map(\.name)
    if !names.contains(host) {
      error(path, "there is no host \(quoted(host))", fix: known(host, names, "hosts"))
    }
    let refusal: (why: String, fix: String)? =
      switch probe.question {
      case .http, .tcp, .prometheus: nil
      case .sql: ("a store is asked by a client of the drill's, and hosts have none", "leave it out")
      case .command:
        (
          "an agent runs no programs of others on its host, where it is root",
          "leave it out, and go there by the command itself: argv: [ssh, \(names.contains(host) ? host : "…"), …]"
        )
      case .metric: ("a figure of the stack is counted by the drill itself, and asked from nowhere", "leave it out")
      }
    guard let refusal else { return }
    let kinds = ProbeQuestion.askedFromHosts.map(\.rawValue)
    error(
      path, "\(refusal.why): from hosts \(listed(kinds)) are asked, not \(probe.question.kind.rawValue)",
      fix: refusal.fix)
  }

  /// Nobody looks names up for a connection: whoever is asked must be the same at every question.
  private mutating func check(_ endpoint: TCPEndpoint, at path: String) {
    let names = scenario.topology.hosts.map(\.name)
    guard !names.contains(endpoint.host), !isAddress(endpoint.host) else { return }
    error(
      path, "\(quoted(endpoint.host)) is neither a host nor an address, and names are not looked up",
      fix: known(endpoint.host, names, "hosts"))
  }

  /// What no fault of the network can touch on its way, is told of that fault only by what the system makes of it.
  mutating func checkPlacesOfProbes() {
    let controllers = scenario.topology.controllers ?? []
    guard !scenario.stack.kind.isDriven, !controllers.isEmpty, !scenario.probes.isEmpty,
      entries.contains(where: { $0.entry.fault.link != nil }),
      scenario.probes.allSatisfy({ $0.host == nil && ProbeQuestion.askedFromHosts.contains($0.question.kind) })
    else { return }
    note(
      "probes",
      "all of them are asked from the drill's own machine: where that has an address of topology.inventory.controllers, no fault "
        + "of the network meets them, and they see only what the system makes of it",
      fix: "ask one from a host that is to lose something: host: \(hostToAsk)")
  }

  /// A host that a fault of the network is on.
  private var hostToAsk: String {
    scenario.disturbedNodes(entries).first ?? scenario.topology.hosts.first?.name ?? "…"
  }
}
