internal import Support

extension Condition {
  static func read(_ value: Value) -> Condition? {
    value.fields { fields in
      let subject = Subject.read(fields)
      let quantifier = Quantifier.read(fields)
      guard let subject, let quantifier else { return nil }
      return Condition(subject, quantifier.value)
    }
  }
}

extension Condition.Subject {
  /// Reads the keys that say what is looked at; they may stand among others.
  static func read(_ fields: Fields) -> Condition.Subject? {
    switch fields.only(["metric", "probe", "fault", "step"], called: "what is looked at") {
    case "fault":
      let id = fields.required("fault") { $0.text(expected: "the id of a fault") }
      let state = fields.optional("state", or: .ended) {
        $0.choice(Condition.FaultState.self, called: "a state of a fault")
      }
      guard let id, let state else { return nil }
      return .fault(id, state)
    case "step":
      let id = fields.required("step") { $0.text(expected: "the id of a step") }
      let state = fields.optional("state", or: .done) {
        $0.choice(Condition.StepState.self, called: "a state of a step")
      }
      guard let id, let state else { return nil }
      return .step(id, state)
    case nil:
      return fields.acceptOthers()
    default:
      return Expectation.read(fields).map { .expectation($0) }
    }
  }
}

extension Quantifier {
  /// A quantifier, or that there is none.
  struct Choice {
    var value: Quantifier?
  }

  /// Reads the key of the quantifier, if there is one; it may stand among others.
  static func read(_ fields: Fields) -> Choice? {
    let given = Kind.allCases.filter { fields.value($0.rawValue) != nil }
    guard let kind = given.first else { return Choice(value: nil) }
    guard given.count == 1 else {
      let names = given.map { "'\($0.rawValue)'" }
      fields.mistake("holds in one way over time, found \(listed(names))", fix: "keep one of them")
      return nil
    }
    return fields.required(kind.rawValue) { $0.positiveDuration() }.map { Choice(value: Quantifier(kind, $0)) }
  }
}
