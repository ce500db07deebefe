internal import Support

extension SteadyState {
  static func read(_ value: Value) -> SteadyState? {
    value.fields { fields in
      let hold = fields.required("for") { $0.positiveDuration() }
      let expect = fields.required("expect") { $0.list { $0.fields(Expectation.read) } }
      let continuously = fields.optional("continuously", or: []) { $0.list(Tolerated.read) }
      let after = fields.value("after").flatMap(Afterwards.read)
      guard let hold, let expect, let continuously else { return nil }
      return SteadyState(hold: hold, expect: expect, continuously: continuously, after: after)
    }
  }
}

extension SteadyState.Tolerated {
  static func read(_ value: Value) -> SteadyState.Tolerated? {
    value.fields { fields in
      let expectation = Expectation.read(fields)
      let tolerance: Duration? = fields.required("for") { $0.unit() }
      guard let expectation, let tolerance else { return nil }
      return SteadyState.Tolerated(expectation, tolerance: tolerance)
    }
  }
}

extension SteadyState.Afterwards {
  static func read(_ value: Value) -> SteadyState.Afterwards? {
    value.fields { fields in
      let within = fields.required("within") { $0.positiveDuration() }
      let expect = fields.required("expect") { $0.list { $0.fields(Expectation.read) } }
      guard let within, let expect else { return nil }
      return SteadyState.Afterwards(within: within, expect: expect)
    }
  }
}
