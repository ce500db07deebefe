internal import Scenarios
internal import Stacks
internal import Support

/// Refuses a plan that asks for something this version can plan but not yet do. Named here one by one, so that nothing is
/// left out in silence; each goes when the run does it.
func refuseUnsupported(_ plan: Plan, plants: [StackPlant] = []) throws(Problems) {
  let scenario = plan.scenario
  var parts: [String] = []
  if scenario.topology.ground != .lab, scenario.stack.kind.isDriven, scenario.stack.attach == nil {
    parts.append("topology.inventory with stack.kind: \(scenario.stack.kind.rawValue)")
  }
  if !scenario.stack.kind.isDriven, !plants.isEmpty { parts.append("a plant in an external system") }
  for consumer in scenario.workload.consumers where consumer.resume != .checkpoint {
    parts.append("the consumer '\(consumer.name)', which resumes at \(consumer.resume.rawValue)")
  }
  for plant in plants where !scenario.stack.hasEventsInKafka && DrillRun.plantsOfKafkaAlone.contains(plant) {
    parts.append("the plant \(plant.rawValue) on a stack without Kafka")
  }
  for plant in plants where scenario.stack.outbox == nil && DrillRun.plantsOfOutbox.contains(plant) {
    parts.append("the plant \(plant.rawValue) on a store without an outbox")
  }
  if scenario.stack.hasEventsInKafka { parts += unsupportedWithKafka(scenario, plants) }
  guard parts.isEmpty else {
    throw Problems(
      parts.map {
        Problem(.usage, "this version plans \($0), but cannot run it yet", fix: "leave it out of what is run")
      })
  }
}

/// What a drill on Kafka cannot do yet.
private func unsupportedWithKafka(_ scenario: Scenario, _ plants: [StackPlant]) -> [String] {
  if scenario.stack.attach != nil { return plants.map { "the plant \($0.rawValue) in clusters that stand already" } }
  var parts = plants.filter { plant in
    // There is a fence only where somebody is to be kept out.
    !DrillRun.plantsOfKafka.contains(plant) || plant == .fenceOff && !scenario.movesWriteAuthority
  }.map { "the plant \($0.rawValue) on Kafka" }
  guard scenario.movesWriteAuthority else { return parts }
  // Two who set who may write to one topic would undo each other's work.
  let topic = scenario.stack.topic?.name ?? EventTopic.labName
  for step in scenario.steps where [step.action, step.undo].contains(where: { $0?.setsWriters(of: topic) ?? false }) {
    parts.append(
      "the step '\(step.id)', which sets who may write to '\(topic)': the fence does, as the control planes say")
  }
  return parts
}

extension RunbookAction {
  /// Whether it gives or takes the right to write to `topic`.
  fileprivate func setsWriters(of topic: String) -> Bool {
    switch self {
    case .kafka(.grantWrite(let grant)), .kafka(.revokeWrite(let grant)): grant.topics.contains(topic)
    default: false
    }
  }
}
