internal import Support

extension Probe {
  static func read(name: String, _ value: Value) -> Probe? {
    value.fields { fields in
      let region = fields.value("region").flatMap { $0.text(expected: "a region") }
      let host = fields.value("host").flatMap { $0.text(expected: "a host of the inventory") }
      if fields.has("region"), fields.has("host") {
        fields.mistake("region and host both say where it is asked from", fix: "keep one of them")
      }
      let every = fields.optional("every", or: .seconds(1)) { $0.positiveDuration() }
      let timeout = fields.optional("timeout", or: .seconds(1)) { $0.positiveDuration() }
      let kind = fields.only(ProbeQuestion.Kind.allCases.map(\.rawValue), called: "what is asked")
        .flatMap(ProbeQuestion.Kind.init(rawValue:))
      let question = kind.flatMap { ProbeQuestion.read($0, fields) }
      let expect = fields.optional("expect", or: ProbeExpectation()) { value in
        kind.flatMap { ProbeExpectation.read(value, for: $0) }
      }
      guard let every, let timeout, let question, let expect else { return nil }
      return Probe(
        name: name, region: region, host: host, every: every, timeout: timeout, question: question, expect: expect)
    }
  }
}

extension ProbeQuestion {
  fileprivate static func read(_ kind: Kind, _ fields: Fields) -> ProbeQuestion? {
    switch kind {
    case .http: fields.required("http", HTTPCall.read).map { .http($0) }
    case .tcp: fields.required("tcp", TCPEndpoint.read).map { .tcp($0) }
    case .sql: fields.required("sql", SQLQuery.read).map { .sql($0) }
    case .command: fields.required("command", CommandCall.read).map { .command($0) }
    case .metric: fields.required("metric") { $0.fields(Expectation.read) }.map { .metric($0) }
    case .prometheus: fields.required("prometheus", PrometheusQuery.read).map { .prometheus($0) }
    }
  }
}

extension TCPEndpoint {
  fileprivate static func read(_ value: Value) -> TCPEndpoint? {
    value.fields { fields in
      let host = fields.required("host") { $0.text(expected: "a host, an address or a region") }
      let port = fields.required("port") { $0.integer(in: 1...65_535) }
      guard let host, let port else { return nil }
      return TCPEndpoint(host: host, port: UInt16(port))
    }
  }
}

extension SQLQuery {
  fileprivate static func read(_ value: Value) -> SQLQuery? {
    value.fields { fields in
      let store = fields.required("store") { $0.text(expected: "a region with a store") }
      let query = fields.required("query") { $0.text(expected: "a query") }
      guard let store, let query else { return nil }
      return SQLQuery(store: store, query: query)
    }
  }
}

extension PrometheusQuery {
  fileprivate static func read(_ value: Value) -> PrometheusQuery? {
    value.fields { fields in
      let url = fields.required("url") { $0.url() }
      let query = fields.required("query") { $0.text(expected: "a query") }
      guard let url, let query else { return nil }
      return PrometheusQuery(url: url, query: query)
    }
  }
}

extension ProbeExpectation {
  /// Reads what the answer to a question of this kind must be; other keys are unknown there.
  fileprivate static func read(_ value: Value, for kind: ProbeQuestion.Kind) -> ProbeExpectation? {
    value.fields { fields in
      var expect = ProbeExpectation()
      if kind == .http {
        guard let status = fields.optional("status", or: [], { $0.list { $0.integer(in: 100...599) } }) else {
          return nil
        }
        expect.status = status.map { Int($0) }
      }
      if kind == .command { expect.exit = fields.value("exit").flatMap { $0.integer(in: 0...255) }.map { Int($0) } }
      if [.http, .sql, .command].contains(kind) {
        expect.text = fields.value("text").flatMap { $0.text() }
        expect.contains = fields.value("contains").flatMap { $0.text() }
      }
      if [.sql, .command, .prometheus].contains(kind) {
        expect.min = fields.value("min").flatMap { $0.number() }
        expect.max = fields.value("max").flatMap { $0.number() }
      }
      return expect
    }
  }
}
