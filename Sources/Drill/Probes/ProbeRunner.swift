internal import Agents
internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization

/// Asks the probes of a drill, each at its interval, until cancelled; then what all answers came to is journalled.
final class ProbeRunner: Sendable {
  private struct Tally {
    var passed = 0
    var failed = 0
    var withoutData = 0

    mutating func count(_ answer: ProbeAnswer) {
      switch answer {
      case .passed: passed += 1
      case .failed: failed += 1
      case .noData: withoutData += 1
      }
    }
  }

  private let run: DrillRun
  private let site: Site
  private let secrets: Secrets
  private let hosts: HostAsker
  private let tallies = Mutex<[String: Tally]>([:])

  /// - Parameter agents: whoever asks from hosts, by node.
  init(run: DrillRun, site: Site, agents: [String: any Agent]) {
    self.run = run
    self.site = site
    secrets = Secrets(run.scenario.secrets)
    hosts = HostAsker(site: site, agents: agents, secrets: secrets)
  }

  /// Asks one probe again and again.
  func follow(_ probe: Probe) async throws {
    var kind: String?
    var due = run.timebase.monotonic()
    while true {
      let answer = try await ask(probe)
      run.view.take(answer, of: probe, at: run.timebase.monotonic())
      tallies.withLock { $0[probe.name, default: Tally()].count(answer) }
      if answer.outcome != kind {
        kind = answer.outcome
        try await run.journal.record(
          ProbeAnswered(probe: probe.name, outcome: answer.outcome, what: answer.what))
      }
      // A slow answer does not make the questions after it come in a heap.
      due = max(due + probe.every.nanoseconds, run.timebase.monotonic())
      try await run.clock.sleep(for: .nanoseconds(max(0, due - run.timebase.monotonic())))
    }
  }

  /// Journals what the answers came to.
  func summarize() async throws {
    for probe in run.scenario.probes {
      let tally = tallies.withLock { $0[probe.name] ?? Tally() }
      try await run.journal.record(
        ProbeSummary(
          probe: probe.name, passed: tally.passed, failed: tally.failed, withoutData: tally.withoutData))
    }
  }

  /// Asks once, and judges the answer.
  func ask(_ probe: Probe) async throws -> ProbeAnswer {
    do {
      // Its agent keeps the time, and the way there and back has its own.
      if let host = probe.host { return judge(try await hosts.ask(probe, from: host), probe) }
      // A question that keeps the time by itself says more about its end than our deadline can.
      let limit = probe.timeout + .milliseconds(250)
      let answer = try await withDeadline(limit, clock: run.clock, "probe \(probe.name)") {
        try await self.put(probe)
      }
      return judge(answer, probe)
    } catch let error as CancellationError {
      throw error
    } catch {
      try Task.checkCancellation()
      return .noData("\(error)")
    }
  }

  private func judge(_ answer: RawAnswer, _ probe: Probe) -> ProbeAnswer {
    probe.expect.judge(answer, hiding: secrets.hiding(of: probe.question.templates))
  }

  private func put(_ probe: Probe) async throws -> RawAnswer {
    let namespace = try site.networkNamespace(of: probe.region)
    switch probe.question {
    case .http(let call): return try await put(call, within: probe.timeout, namespace)
    case .prometheus(let query):
      let call = HTTPRequest(url: try query.address(secrets))
      return prometheusAnswer(try await sendHTTP(call, within: probe.timeout, networkNamespace: namespace))
    case .tcp(let endpoint):
      guard let address = site.address(of: endpoint) else {
        return .none("'\(endpoint.host)' is neither a region nor an address; names are not looked up")
      }
      let refusal = try await connectTCP(
        address, port: endpoint.port, within: probe.timeout, networkNamespace: namespace)
      return refusal.map { .no($0) } ?? .yes("connected")
    case .sql(let query): return try await put(query, within: probe.timeout, from: probe.region)
    case .command(let call):
      let result = try await runProgram(
        call.argv.map { try secrets.fill($0) }, output: "\(run.request.directory.logs)/probe-\(probe.name).out",
        networkNamespace: try site.networkNamespace(of: call.region ?? probe.region), within: probe.timeout,
        clock: run.clock)
      guard case .exited(let code) = result.end else { return .none("the program was \(result.end)") }
      return .program(exit: code, output: result.output)
    case .metric(let expectation):
      let look = run.look(at: expectation)
      return look.holds.map { $0 ? .yes(look.seen) : .no(look.seen) } ?? .none(look.seen)
    }
  }

  private func put(_ call: HTTPCall, within limit: Duration, _ namespace: Int32?) async throws -> RawAnswer {
    let request = HTTPRequest(
      method: call.method.rawValue, url: try secrets.fill(call.url),
      headers: try call.headers.map { ($0.name, try secrets.fill($0.value)) },
      body: try call.body.map { Array(try secrets.fill($0).utf8) })
    switch try await sendHTTP(request, within: limit, networkNamespace: namespace) {
    case .answered(let status, let body): return .http(status: status, body: String(decoding: body, as: UTF8.self))
    case .failed(let why): return .none(why)
    }
  }

  /// A store is asked from the probe's region, or from its own.
  private func put(_ query: SQLQuery, within limit: Duration, from region: String?) async throws -> RawAnswer {
    guard let store = site.region(query.store), let address = store.store else {
      return .none("there is no store in \(query.store)")
    }
    let home = region.flatMap { site.region($0) } ?? store
    let connection = try PostgresConnection(
      address, name: "bs-probe", networkNamespace: home.networkNamespace, timebase: run.timebase)
    let answer: Result<[[String?]], any Error>
    do {
      try await connection.open(within: limit)
      try await connection.query("begin transaction read only", within: limit)
      answer = .success(try await connection.query(query.query, within: limit))
    } catch {
      answer = .failure(error)
    }
    await connection.close()
    let rows = try answer.get()
    guard let first = rows.first?.first else { return .none("the query gave no row") }
    return first.map { .value($0) } ?? .none("the query gave NULL")
  }
}

/// The value of the only sample of an instant query's answer (Prometheus HTTP API, `/api/v1/query`).
func prometheusAnswer(_ outcome: HTTPOutcome) -> RawAnswer {
  guard case .answered(let status, let body) = outcome else {
    if case .failed(let why) = outcome { return .none(why) }
    return .none("no answer")
  }
  let text = String(decoding: body.prefix(120), as: UTF8.self)
  let value: JSONValue
  do { value = try decodeJSON(JSONValue.self, from: body) } catch { return .none("status \(status), no JSON: \(text)") }
  guard value["status"]?.string == "success", let data = value["data"] else {
    return .none("status \(status): \(value["error"]?.string ?? text)")
  }
  if data["resultType"]?.string == "scalar" {
    return data["result"]?.array?.last?.string.map { .value($0) } ?? .none("a scalar without a value")
  }
  let samples = data["result"]?.array ?? []
  guard samples.count == 1, let sample = samples[0]["value"]?.array?.last?.string else {
    return .none("\(samples.count) samples, one is needed")
  }
  return .value(sample)
}
