internal import Faults
internal import Lab
internal import Netlink
public import Scenarios
internal import Support

/// Resolves a checked scenario into exactly what a run will do on nodes with kernels like this one: phases, times, and every
/// kernel object of every fault.
///
/// - Parameters:
///   - loaded: the scenario with its remarks.
///   - tool: the version of this tool, for the record.
///   - seed: a seed in place of the scenario's own.
///   - kernel: what the nodes' kernel can do.
/// - Throws: `Problem` with exit code 2 for a fault that such a node cannot have, or for two that cannot be in force at one
///   time, with the reason.
public func resolvePlan(
  _ loaded: LoadedScenario, tool: String, seed: UInt64? = nil, kernel: NodeKernel
) throws -> Plan {
  let plan = makePlan(loaded, tool: tool, seed: seed)
  let profile = NodeProfile(kernel.abilities, devices: [labDevice])
  var made: [(fault: PlannedFault, faults: [Fault])] = []
  let resolved = try plan.adding { planned in
    let faults = try planned.faults(in: plan.scenario, seed: plan.seed, run: PlannedObjects.runStandIn) { name in
      try plan.node(name)
    }
    made.append((planned, faults))
    return try faults.map { fault in
      do { return try PlannedObjects(fault, on: profile) } catch {
        throw Problem(
          .usage, at: planned.place(in: loaded),
          "fault '\(planned.id)' cannot be made on \(fault.node): \(error.reason)",
          fix: "blackstart doctor says what this kernel offers")
      }
    }
  }
  try refuseConflicts(made, loaded)
  return resolved
}

/// Two faults that are in force at one time on one node must compose.
private func refuseConflicts(_ made: [(fault: PlannedFault, faults: [Fault])], _ loaded: LoadedScenario) throws {
  for (place, later) in made.enumerated() {
    for earlier in made[..<place]
    where earlier.fault.ends > later.fault.begins && later.fault.ends > earlier.fault.begins {
      let conflicts = conflicts(among: earlier.faults + later.faults)
      guard let conflict = conflicts.first else { continue }
      throw Problem(
        .usage, at: later.fault.place(in: loaded),
        "fault '\(later.fault.id)' cannot be in force together with '\(earlier.fault.id)': \(conflict)",
        fix: "begin it at \(earlier.fault.ends.text) or later, or make one fault of the two")
    }
  }
}
