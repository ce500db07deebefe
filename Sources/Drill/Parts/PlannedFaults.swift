internal import Faults
internal import Scenarios
internal import Support

/// From the plan's words to the faults that agents hold. What a plan promised and what will be armed are compared, for both
/// are made on their own: the plan without a kernel in sight, the faults from the addresses that the nodes really have.
extension PlannedFault {
  /// The faults that make this one: one on each node that must drop.
  ///
  /// - Parameters:
  ///   - scenario: the scenario that the plan was made of.
  ///   - run: the run's short id, part of the names of all kernel objects.
  ///   - node: a region's node with its addresses.
  func faults(in scenario: Scenario, run: String, node: (String) throws -> Cut.Node) throws -> [Fault] {
    guard let entry = scenario.timeline.first(where: { $0.id == id }) else {
      throw Problem(.usage, "the plan has a fault '\(id)' that its scenario has not", fix: "plan again")
    }
    let timing = Fault.Timing(lease: lease, heartbeat: heartbeat, silence: elementTimeout)
    switch entry.fault {
    case .partition(let region, let peers):
      let others = peers.resolve(against: region, in: scenario.topology)
      return Cut(try [node(region)], from: try others.map(node)).faults(id: id, run: run, timing: timing)
    }
  }

  /// The kernel objects that arming `faults` will make, by node, in the words of the journal.
  ///
  /// - Throws: ``Problem`` when they are not exactly those that the plan names; nothing was touched then.
  func objects(of faults: [Fault], run: String) throws -> [String: [String]] {
    var objects: [String: [String]] = [:]
    for fault in faults { objects[fault.node] = try FaultPlan(fault).changes }
    let promised = Dictionary(
      tables.map { ($0.node, $0.commands(run: run, elementTimeout: elementTimeout)) }, uniquingKeysWith: +)
    guard objects == promised else {
      let nodes = Set(objects.keys).union(promised.keys).filter { objects[$0] != promised[$0] }.sorted()
      throw Problem(
        .faultNotApplied, at: "\(id) on \(nodes.joined(separator: ", "))",
        "what would be armed is not what was planned; nothing was armed", fix: "plan the scenario again")
    }
    return objects
  }
}
