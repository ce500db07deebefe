public import Faults
internal import Lab
public import Netlink
public import Scenarios
internal import Support

/// Resolves a checked scenario into exactly what a run will do: phases, times, and every kernel object of every fault.
///
/// - Parameters:
///   - loaded: the scenario with its remarks.
///   - tool: the version of this tool, for the record.
///   - seed: a seed in place of the scenario's own.
///   - features: what the nodes' kernel can do; in a lab, all nodes have this machine's.
///   - inside: what the nodes offer for faults inside them; `nil`: this machine is asked, when there is such a fault.
///   - hosts: what the hosts of an inventory said of themselves (``surveyHosts(_:)``).
/// - Throws: `Problem` with exit code 2 for a fault that such a node cannot have, or for two that cannot be in force at one
///   time, with the reason.
public func resolvePlan(
  _ loaded: LoadedScenario, tool: String, seed: UInt64? = nil, features: KernelFeatures,
  inside: InnerProfile? = nil, hosts: NodeSurvey = NodeSurvey()
) throws -> Plan {
  let plan = try makePlan(loaded, tool: tool, seed: seed)
  try plan.scenario.checkMirrors()
  let isAsked = plan.faults.contains { $0.entry.fault.insideRegion != nil }
  let offers = NodeOffers(
    survey: hosts, profile: NodeProfile(features, devices: [AddressPlan.device]),
    inside: isAsked ? inside ?? InnerProfile() : nil)
  let made = try plan.faults.mapConcurrently { try FaultToMake($0, of: plan, on: offers) }
  let resolved = plan.adding(objects: made.map(\.objects))
  guard !resolved.faults.isEmpty else {
    throw Problem(.usage, "the plan has zero targets: nothing would be tested", fix: "add a fault to the timeline")
  }
  try refuseConflicts(made.map { ($0.planned, $0.faults) }) {
    Fault.conflicts(among: [$0, $1], on: offers.profile(of: $0.node)).first?.why
  }
  if isAsked {
    try refuseConflicts(made.map { ($0.planned, $0.inner) }) {
      InnerFault.conflict($0, $1, on: offers.inside(of: $0.node))
    }
  }
  return resolved
}

/// What the nodes can do: as hosts said of themselves, else as this machine's.
private struct NodeOffers: Sendable {
  var survey: NodeSurvey
  var profile: NodeProfile
  /// `nil`: no fault is inside a node, and nobody was asked.
  var inside: InnerProfile?

  func profile(of node: String) -> NodeProfile { survey.profiles[node] ?? profile }

  func inside(of node: String) -> InnerProfile { survey.insides[node] ?? inside ?? InnerProfile() }
}

/// A planned fault as its nodes will have it.
private struct FaultToMake: Sendable {
  var planned: PlannedFault
  var faults: [Fault] = []
  var inner: [InnerFault]
  var objects: [PlannedObjects]

  /// - Throws: `Problem` for a fault that a node cannot have.
  init(_ planned: PlannedFault, of plan: Plan, on nodes: NodeOffers) throws {
    self.planned = planned
    inner = planned.innerFaults(
      in: plan.scenario.topology, seed: plan.seed, run: PlannedObjects.runStandIn)
    if inner.isEmpty {
      faults = try planned.faults(
        in: plan.scenario, seed: plan.seed, run: PlannedObjects.runStandIn, node: plan.node)
    }
    do {
      objects = try faults.map { try PlannedObjects($0, on: nodes.profile(of: $0.node)) }
      objects += try inner.map { try PlannedObjects($0, on: nodes.inside(of: $0.node)) }
    } catch {
      throw Problem(
        .usage, at: planned.id, "\(error)", fix: "change the fault; blackstart doctor says what this kernel offers")
    }
  }
}

extension Plan {
  /// The node called `name`, with the addresses that the plan names.
  func node(_ name: String) throws -> Disturbance.Node {
    guard let node = nodes.first(where: { $0.name == name }) else {
      throw Problem(.usage, at: name, "the plan has no such node", fix: "plan again")
    }
    let host = scenario.topology.hosts.first { $0.name == name }
    return Disturbance.Node(name, addresses: (host?.addresses ?? [node.ipv4, node.ipv6]).compactMap { IPAddress($0) })
  }
}

/// Two faults that are in force at one time on one node must compose. Sweeps over their beginnings, so that only faults meet that
/// may be in force together.
private func refuseConflicts<Each: OnNode>(
  _ made: [(fault: PlannedFault, faults: [Each])], _ why: (Each, Each) -> String?
) throws {
  var active: [(end: Duration, planned: PlannedFault, fault: Each)] = []
  for later in made.sorted(by: { $0.fault.begins < $1.fault.begins }) {
    active.removeAll { $0.end <= later.fault.begins }
    for one in later.faults {
      for (_, earlier, other) in active where one.node == other.node {
        guard let why = why(one, other) else { continue }
        throw Problem(
          .usage, at: "\(later.fault.id) on \(one.node)",
          "it cannot be in force together with '\(earlier.id)': \(why)",
          fix: "begin it at \(earlier.ends.text) or later, or make one fault of the two")
      }
    }
    active += later.faults.map { (later.fault.ends, later.fault, $0) }
  }
}

/// A fault that is on one node.
private protocol OnNode {
  var node: String { get }
}

extension Fault: OnNode {}
extension InnerFault: OnNode {}
