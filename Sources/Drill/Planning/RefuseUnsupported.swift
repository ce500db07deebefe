internal import Scenarios
internal import Stacks
internal import Support

/// Refuses a plan that asks for something this version can plan but not yet do. Named here one by one, so that nothing is
/// left out in silence; each goes when the run does it.
func refuseUnsupported(_ plan: Plan, plants: [StackPlant] = []) throws(Problems) {
  let scenario = plan.scenario
  var parts: [String] = []
  if scenario.topology.ground != .lab { parts.append("topology.inventory") }
  for consumer in scenario.workload.consumers where consumer.resume != .checkpoint {
    parts.append("the consumer '\(consumer.name)', which resumes at \(consumer.resume.rawValue)")
  }
  for plant in plants where scenario.stack.kind != .kafka && DrillRun.plantsOfKafkaAlone.contains(plant) {
    parts.append("the plant \(plant.rawValue) on a stack without Kafka")
  }
  if scenario.stack.kind == .kafka { parts += unsupportedWithKafka(scenario, plants) }
  guard parts.isEmpty else {
    throw Problems(
      parts.map {
        Problem(.usage, "this version plans \($0), but cannot run it yet", fix: "leave it out of what is run")
      })
  }
}

/// What a drill on Kafka cannot do yet: whatever needs another cluster to take the writes over, or reads the event stores, which
/// have no events there.
private func unsupportedWithKafka(_ scenario: Scenario, _ plants: [StackPlant]) -> [String] {
  var parts: [String] = []
  if scenario.expectsFailover { parts.append("a failover on Kafka (the timeline cuts the owner off from its quorum)") }
  if scenario.runbook != nil || scenario.failback != nil { parts.append("a runbook on Kafka") }
  if scenario.workload.oldLeader != nil { parts.append("an old leader on Kafka") }
  for entry in scenario.checklist where entry.item == .electionWithinTTL {
    parts.append("the item \(entry.item.rawValue) on Kafka")
  }
  for plant in plants where !DrillRun.plantsOfKafka.contains(plant) {
    parts.append("the plant \(plant.rawValue) on Kafka")
  }
  return parts
}
