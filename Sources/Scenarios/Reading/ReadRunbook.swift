internal import Support

extension Runbook {
  static func read(_ value: Value) -> Runbook? {
    value.fields { fields in
      let hasStart = fields.has("at") || fields.has("after") || fields.has("when")
      let start = TimelineStart.read(fields, in: .pattern)
      let onFailure = fields.optional("onFailure", or: .undo) {
        $0.choice(OnFailure.self, called: "a way to go on after a failure")
      }
      let steps = fields.required("steps") { $0.list(RunbookStep.read) }
      guard let start, let onFailure, var steps else { return nil }
      for index in steps.indices.dropFirst() where !steps[index].saysAfter {
        steps[index].step.after = [steps[index - 1].step.id]
      }
      return Runbook(start: hasStart ? start : nil, steps: steps.map(\.step), onFailure: onFailure)
    }
  }
}

extension RunbookStep {
  /// A step, and whether it says what it comes after.
  fileprivate static func read(_ value: Value) -> (step: RunbookStep, saysAfter: Bool)? {
    value.fields { fields in
      let id = fields.required("id") { $0.name() }
      let decides = fields.optional("decides", or: .tool, Decider.read)
      let after = fields.optional("after", or: []) { $0.list { $0.text(expected: "the id of a step") } }
      let precondition = fields.value("precondition").flatMap(Condition.read)
      let action = fields.required("do", RunbookAction.read)
      let verify = fields.value("verify").flatMap(Condition.read)
      let undo = fields.value("undo").flatMap(RunbookAction.read)
      let timeout = fields.required("timeout") { $0.positiveDuration() }
      let retries = fields.value("retries").flatMap(Retries.read)
      let gate = fields.value("gate").flatMap(Condition.read)
      guard let id, let decides, let after, let action, let timeout else { return nil }
      let step = RunbookStep(
        id: id, decides: decides, after: after, precondition: precondition, action: action, verify: verify, undo: undo,
        timeout: timeout, retries: retries, gate: gate)
      return (step, fields.has("after"))
    }
  }
}

extension RunbookStep.Decider {
  fileprivate static func read(_ value: Value) -> RunbookStep.Decider? {
    let form = "'tool', or { person: … } or { role: … }"
    guard case .mapping = value.node.content else {
      guard let text = value.text(expected: form) else { return nil }
      guard text == "tool" else {
        value.mistake("expected \(form), found \(quoted(text))", fix: "a person: { person: \(text) }")
        return nil
      }
      return .tool
    }
    return value.fields { fields in
      switch fields.only(["person", "role"], called: "who decides") {
      case "person": fields.required("person") { $0.text() }.map { .person($0) }
      case "role": fields.required("role") { $0.text() }.map { .role($0) }
      default: nil
      }
    }
  }
}

extension RunbookStep.Retries {
  fileprivate static func read(_ value: Value) -> RunbookStep.Retries? {
    value.fields { fields in
      let times = fields.required("times") { $0.integer(in: 1...1000) }
      let every: Duration? = fields.required("every") { $0.unit() }
      guard let times, let every else { return nil }
      return RunbookStep.Retries(times: Int(times), every: every)
    }
  }
}
