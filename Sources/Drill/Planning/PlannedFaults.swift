internal import Faults
internal import Netlink
internal import Scenarios
internal import Support

extension PlannedFault {
  /// The faults that make this one, one on each node that has something to do.
  ///
  /// - Parameters:
  ///   - scenario: the scenario that the plan was made of.
  ///   - run: the run's short id, part of the names of all kernel objects.
  ///   - node: a region's node with its addresses.
  func faults(
    in scenario: Scenario, seed: UInt64, run: String, node: (String) throws -> Disturbance.Node
  ) throws -> [Fault] {
    guard entry.id == id else {
      throw Problem(.usage, "the plan has a fault '\(id)' that its scenario has not", fix: "plan again")
    }
    let flapping = entry.fault.link?.flapping.map { Fault.Flapping(on: $0.on, off: $0.off) }
    let timing = Fault.Timing(lease: lease, heartbeat: heartbeat, silence: elementTimeout, flapping: flapping)
    var random = SeededRandom(seed: seed, for: "fault \(id)")
    guard let disturbance = try entry.fault.disturbance(in: scenario.topology, node: node) else { return [] }
    return disturbance.faults(
      id: id, run: run, exempt: try scenario.exempt(from: disturbance, node: node), timing: timing, seed: random.next())
  }

  /// Checks that what will be armed is what was planned: a plan is a file, and files can be edited.
  ///
  /// - Parameter objects: what the nodes' own kernels will be asked for, under the run's stand-in name.
  /// - Throws: ``Problem`` when they are not exactly those that the plan names; nothing was touched then.
  func confirm(_ objects: [PlannedObjects]) throws(Problem) {
    guard objects == nodes else {
      let different = objects.filter { !nodes.contains($0) } + nodes.filter { !objects.contains($0) }
      let names = Set(different.map(\.node)).sorted()
      throw Problem(
        .faultNotApplied, at: "\(id) on \(names.joined(separator: ", "))",
        "what would be armed is not what was planned; nothing was armed",
        fix: "plan the scenario again, on the machine that runs it")
    }
  }
}

extension Scenario {
  /// Addresses that a disturbance must not reach although a network or a name may cover them: the control channel, and the
  /// nodes that are protected.
  fileprivate func exempt(
    from disturbance: Disturbance, node: (String) throws -> Disturbance.Node
  ) rethrows -> [IPAddress] {
    var exempt = (topology.controllers ?? []).compactMap { IPAddress($0) }
    if !disturbance.networks.isEmpty || !disturbance.names.isEmpty {
      let nodes = topology.regions.flatMap { region in
        let protectsAll = safety.protectedNodes.contains(region.name)
        return topology.nodes(of: region.name).filter { protectsAll || safety.protectedNodes.contains($0) }
      }
      exempt += try nodes.flatMap { try node($0).addresses }
    }
    return Array(Set(exempt)).sorted()
  }
}

extension PlannedObjects {
  /// The name that stands for the run's own in a plan, which is made before there is a run.
  static let runStandIn = "RUN"

  /// What `fault` makes on a node like this.
  init(_ fault: Fault, on node: NodeProfile) throws(FaultError) {
    let plan = try FaultPlan(fault, on: node)
    self.init(
      node: fault.node, mechanisms: plan.mechanisms.map(\.description), changes: plan.changes, undo: plan.undo)
  }
}
