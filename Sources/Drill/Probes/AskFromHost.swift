internal import Agents
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support

/// Asks probes from hosts, by their agents.
struct HostAsker: Sendable {
  let site: Site
  let agents: [String: any Agent]
  let secrets: Secrets

  /// Asks once, from a host. Whatever keeps its agent from answering is no data, with the host's name and why: of what the probe asks it
  /// says nothing.
  ///
  /// - Throws: ``Problem`` for a secret that is not to be had; `CancellationError`.
  func ask(_ probe: Probe, from host: String) async throws -> RawAnswer {
    guard let agent = agents[host] else { return .none("there is no agent of '\(host)'") }
    let question = try question(of: probe)
    let told: HostTold
    do { told = try await agent.ask(question) } catch let error as CancellationError { throw error } catch {
      try Task.checkCancellation()
      return .none("from \(host): \(error)")
    }
    let answer: RawAnswer =
      if case .prometheus = probe.question { prometheusAnswer(told) } else { told.answer }
    if case .none(let why) = answer { return .none("from \(host): \(why)") }
    return answer
  }

  /// What is asked, with its secrets filled in: it goes to the agent and nowhere else.
  private func question(of probe: Probe) throws(Problem) -> HostQuestion {
    switch probe.question {
    case .http(let call):
      var headers: [HostQuestion.Header] = []
      for header in call.headers { headers.append(.init(name: header.name, value: try secrets.fill(header.value))) }
      var body: String?
      if let template = call.body { body = try secrets.fill(template) }
      let what = HostQuestion.What.http(
        method: call.method.rawValue, url: try secrets.fill(call.url), headers: headers, body: body)
      // A body that nobody looks at is not sent.
      let kept = probe.expect.looksAtText ? HostQuestion.mostKeptBytes : 0
      return HostQuestion(what, within: probe.timeout, keeping: kept)
    case .prometheus(let query):
      let url = try query.address(secrets)
      return HostQuestion(.http(method: "GET", url: url, headers: [], body: nil), within: probe.timeout)
    case .tcp(let endpoint):
      guard let address = site.address(of: endpoint) else {
        throw Problem(.usage, "'\(endpoint.host)' is neither a host nor an address; names are not looked up")
      }
      return HostQuestion(.tcp(address, port: endpoint.port), within: probe.timeout)
    case .sql, .command, .metric:
      throw Problem(.usage, "\(probe.question.kind.rawValue) is not asked from hosts")
    }
  }
}

extension Site {
  /// Where a connection goes to; `nil` for a name that is none of the drill's.
  func address(of endpoint: TCPEndpoint) -> IPAddress? {
    region(endpoint.host)?.address4 ?? node(endpoint.host)?.addresses.first ?? IPAddress(endpoint.host)
  }
}

extension ProbeQuestion {
  /// Every text of it in which a secret may stand.
  var templates: [Template] {
    switch self {
    case .http(let call): [call.url] + call.headers.map(\.value) + (call.body.map { [$0] } ?? [])
    case .command(let call): call.argv
    case .prometheus(let query): [query.url]
    case .tcp, .sql, .metric: []
    }
  }
}

extension PrometheusQuery {
  /// The whole address of the query.
  func address(_ secrets: Secrets) throws(Problem) -> String {
    "\(try secrets.fill(url))/api/v1/query?query=\(percentEncoded(query))"
  }
}

extension HostTold {
  /// The same as if it had been asked from here.
  var answer: RawAnswer {
    switch self {
    case .answered(let status, let text, let sent, let all):
      sent < all
        ? .httpBeginning(status: status, text, sentBytes: sent, ofBytes: all) : .http(status: status, body: text)
    case .connected: .yes("connected")
    case .refused(let why): .no(why)
    case .nothing(let why): .none(why)
    }
  }
}

/// The value of the only sample of a query's answer, as a host was told it.
func prometheusAnswer(_ told: HostTold) -> RawAnswer {
  switch told.answer {
  case .http(let status, let body): prometheusAnswer(.answered(status: status, body: Array(body.utf8)))
  case .httpBeginning(_, _, let sent, let all): .none("the answer has \(all) bytes, of which only \(sent) are sent")
  case let other: other
  }
}
