internal import Scenarios
internal import Support

/// Refuses a plan that asks for something this version can plan but not yet do. Named here one by one, so that nothing is
/// left out in silence; each goes when the run does it.
func refuseUnsupported(_ plan: Plan) throws(Problems) {
  let scenario = plan.scenario
  var parts: [String] = []
  if scenario.topology.ground != .lab { parts.append("topology.inventory") }
  if scenario.runbook != nil { parts.append("runbook") }
  if scenario.failback != nil { parts.append("failback") }
  if !scenario.communications.isEmpty { parts.append("communications") }
  if !scenario.probes.isEmpty { parts.append("probes") }
  if !scenario.steadyState.continuously.isEmpty { parts.append("steadyState.continuously") }
  if scenario.steadyState.after != nil { parts.append("steadyState.after") }
  for fault in plan.faults {
    if fault.entry.start.time == nil { parts.append("the fault '\(fault.id)', which begins \(fault.entry.start)") }
    if case .after = fault.entry.stop {
    } else {
      parts.append("the fault '\(fault.id)', which ends \(fault.entry.stop)")
    }
  }
  for expectation in scenario.steadyState.expect + scenario.abort.map(\.expectation) {
    switch expectation {
    case .token, .events, .probe: parts.append("the expectation '\(expectation)'")
    default: break
    }
  }
  guard parts.isEmpty else {
    throw Problems(
      parts.map {
        Problem(.usage, "this version plans \($0), but cannot run it yet", fix: "leave it out of what is run")
      })
  }
}
