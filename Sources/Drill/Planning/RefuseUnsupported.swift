internal import Scenarios
internal import Support

/// Refuses a plan that asks for something this version can plan but not yet do. Named here one by one, so that nothing is
/// left out in silence; each goes when the run does it.
func refuseUnsupported(_ plan: Plan) throws(Problems) {
  let scenario = plan.scenario
  var parts: [String] = []
  if scenario.topology.ground != .lab { parts.append("topology.inventory") }
  for consumer in scenario.workload.consumers where consumer.resume != .checkpoint {
    parts.append("the consumer '\(consumer.name)', which resumes at \(consumer.resume.rawValue)")
  }
  guard parts.isEmpty else {
    throw Problems(
      parts.map {
        Problem(.usage, "this version plans \($0), but cannot run it yet", fix: "leave it out of what is run")
      })
  }
}
