internal import Support

// The form of the scenario file: { metric: leader, is: eu, eventually: 30s }, { fault: blackout, state: ended }.
extension Condition: Codable {
  private enum Key: String, CodingKey {
    case fault, step, state
    case eventually, always, never, stable
  }

  /// Reads the form of the scenario file.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    if let id = try values.decodeIfPresent(String.self, forKey: .fault) {
      subject = .fault(id, try values.decode(FaultState.self, forKey: .state))
    } else if let id = try values.decodeIfPresent(String.self, forKey: .step) {
      subject = .step(id, try values.decode(StepState.self, forKey: .state))
    } else {
      subject = .expectation(try Expectation(from: decoder))
    }
    let keys: [(Key, Quantifier.Kind)] = [
      (.eventually, .eventually), (.always, .always), (.never, .never), (.stable, .stable),
    ]
    for (key, kind) in keys {
      if let time = try values.decodeIfPresent(DurationText<Duration>.self, forKey: key) {
        quantifier = Quantifier(kind, time.wrappedValue)
        return
      }
    }
    quantifier = nil
  }

  /// Writes the form of the scenario file.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch subject {
    case .expectation(let expectation): try expectation.encode(to: encoder)
    case .fault(let id, let state):
      try values.encode(id, forKey: .fault)
      try values.encode(state, forKey: .state)
    case .step(let id, let state):
      try values.encode(id, forKey: .step)
      try values.encode(state, forKey: .state)
    }
    guard let quantifier else { return }
    let time = DurationText(wrappedValue: quantifier.duration)
    switch quantifier.kind {
    case .eventually: try values.encode(time, forKey: .eventually)
    case .always: try values.encode(time, forKey: .always)
    case .never: try values.encode(time, forKey: .never)
    case .stable: try values.encode(time, forKey: .stable)
    }
  }
}
