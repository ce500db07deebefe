internal import Glibc
internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support
internal import Workload

/// Sends the messages of a drill when they are due, with facts as they are then.
struct CommunicationRunner: Sendable {
  let run: DrillRun
  let site: Site

  /// How much later than it is due a message may be, in people's time; what a person would not call late.
  private static let grace: Duration = .seconds(30)
  /// The longest that the end of a drill waits for a message that is still to come.
  private static let longestWait: Int64 = 120_000_000_000

  private var secrets: Secrets { Secrets(run.scenario.secrets) }

  private func entry(_ communication: Communication) -> CommunicationSchedule.Entry {
    // Scaled time must not make a machine's own delays count as people's.
    let grace = max(Self.grace.nanoseconds, Int64(run.request.speed * 2e9))
    return CommunicationSchedule.Entry(
      id: communication.id, anchor: communication.anchor.description, due: communication.due,
      grace: .nanoseconds(grace))
  }

  /// Sends until all are sent, or those left have nothing to count from when `isEnding`.
  func perform(isEnding: @Sendable () -> Bool) async throws {
    let communications = run.scenario.communications
    var schedule = CommunicationSchedule(communications.map(entry), speed: run.request.speed)
    while !schedule.pending.isEmpty {
      for communication in communications {
        if let time = anchorTime(communication.anchor) {
          schedule.happened(communication.anchor.description, at: time)
        }
      }
      let now = run.timebase.monotonic()
      for due in schedule.ready(at: now) {
        guard let communication = communications.first(where: { $0.id == due.id }) else { continue }
        let outcome = await send(communication, schedule.due(due) ?? now)
        try await conclude(communication, due, outcome, &schedule)
      }
      if isEnding() {
        let next = schedule.next ?? .max
        if next > now + Self.longestWait { return try await giveUp(schedule) }
      }
      try await run.clock.sleep(for: .milliseconds(50))
    }
  }

  private func giveUp(_ schedule: CommunicationSchedule) async throws {
    let now = run.timebase.monotonic()
    for entry in schedule.pending {
      let why =
        schedule.due(entry).map {
          "it is due \(Duration.nanoseconds($0 - now).brief) after the drill's end; let time pass faster with --speed"
        } ?? "\(entry.anchor) did not happen"
      try await run.journal.record(CommunicationFailed(communication: entry.id, why: why))
    }
  }

  private func conclude(
    _ communication: Communication, _ entry: CommunicationSchedule.Entry, _ outcome: Result<String, any Error>,
    _ schedule: inout CommunicationSchedule
  ) async throws {
    switch outcome {
    case .success(let text):
      let now = run.timebase.monotonic()
      let isLate = schedule.conclude(entry, .sent(at: now)) != nil
      let passed = Double(now - (anchorTime(communication.anchor) ?? now)) * run.request.speed
      try await run.journal.record(
        CommunicationSent(
          communication: communication.id, audience: communication.audience, sink: communication.sink.text,
          anchor: communication.anchor.description, due: communication.due.nanoseconds, sent: Int64(passed),
          isLate: isLate, text: text))
    case .failure(let error):
      _ = schedule.conclude(entry, .failed("\(error)"))
      try Task.checkCancellation()
      try await run.journal.record(CommunicationFailed(communication: communication.id, why: "\(error)"))
    }
  }

  /// When an anchor happened (ns); `nil`: not yet.
  private func anchorTime(_ anchor: Communication.Anchor) -> Int64? {
    switch anchor {
    case .fault(let id): run.view.time(fault: id, .begun)
    case .step(let id): run.view.time(step: id, .done)
    case .detection(let id): run.view.time(fault: id, .begun).flatMap { run.view.firstBreach(after: $0) }
    }
  }

  /// Sends one; returns what it said, with its secrets left as references.
  private func send(_ communication: Communication, _ due: Int64) async -> Result<String, any Error> {
    let facts = Facts(run: run, anchor: anchorTime(communication.anchor) ?? due, speed: run.request.speed)
    do {
      let text = try communication.text.resolved(
        secret: { (name) throws(Problem) in try secrets.value(name) },
        fact: { (name) throws(Problem) in try facts.value(name) })
      let shown = try communication.text.resolved(
        secret: { (name) throws(Problem) in "${secret:\(name)}" },
        fact: { (name) throws(Problem) in try facts.value(name) })
      try await deliver(text, communication)
      return .success(shown)
    } catch {
      return .failure(error)
    }
  }

  private func deliver(_ text: String, _ communication: Communication) async throws {
    switch communication.sink {
    case .file(let name): try append(text, to: name)
    case .command(let call):
      let result = try await runProgram(
        call.argv.map { try secrets.fill($0) }, input: Array("\(text)\n".utf8),
        output: "\(run.request.directory.logs)/message-\(communication.id).out",
        networkNamespace: try site.networkNamespace(of: call.region),
        within: .seconds(10), clock: run.clock)
      guard result.end == .exited(0) else { throw StepFailure("\(call.argv.first?.text ?? "") \(result.end)") }
    case .webhook(let call):
      struct Message: Encodable {
        var communication, audience, text: String
      }
      let body = try encodeJSON(
        Message(communication: communication.id, audience: communication.audience, text: text))
      let headers = try call.headers.map { ($0.name, try secrets.fill($0.value)) }
      let request = HTTPRequest(
        method: call.method == .get ? "POST" : call.method.rawValue, url: try secrets.fill(call.url),
        headers: [("Content-Type", "application/json")] + headers, body: body)
      switch try await sendHTTP(request, within: .seconds(10)) {
      case .answered(let status, _) where status < 400: return
      case .answered(let status, _): throw StepFailure("status \(status)")
      case .failed(let why): throw StepFailure(why)
      }
    }
  }

  /// Adds a message to a file of the run directory; a name that leads out of it is refused.
  private func append(_ text: String, to name: String) throws {
    guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
      throw Problem(.usage, at: name, "a message's file lies in the run directory; nothing was written")
    }
    let directory = "\(run.request.directory.path)/messages"
    try makeDirectory(directory)
    let path = "\(directory)/\(name.split(separator: "/").joined(separator: "-"))"
    let before = fileExists(path) ? try readFile(path) : []
    try writeFile(path, before + Array("\(timestamp(run.timebase.wall())) \(text)\n".utf8))
  }
}

extension Communication.Sink {
  /// Where it goes, in words.
  fileprivate var text: String {
    switch self {
    case .file(let name): "file \(name)"
    case .command(let call): "command \(call.argv.first?.text ?? "")"
    case .webhook(let call): "webhook \(call.url)"
    }
  }
}

/// What messages say of a drill, as it stands when they are sent.
private struct Facts {
  let run: DrillRun
  let anchor: Int64
  let speed: Double

  func value(_ name: String) throws(Problem) -> String {
    guard let fact = Fact(rawValue: name) else { throw Problem(.usage, "there is no fact '\(name)'") }
    let now = run.timebase.monotonic()
    let since = run.view.totals(since: anchor, now: run.counters.byRegion)
    switch fact {
    case .scenario: return run.scenario.metadata.name
    case .run: return run.request.directory.path.split(separator: "/").last.map(String.init) ?? "run"
    case .phase: return run.view.phase
    case .elapsed: return Duration.nanoseconds(Int64(Double(now - anchor) * speed)).brief
    case .faults: return run.view.faultsInForce.isEmpty ? "none" : run.view.faultsInForce.joined(separator: ", ")
    case .since: return timestamp(run.timebase.wall() - (now - anchor))
    case .leader: return run.board.writer?.region ?? "nobody"
    case .token: return run.board.writer.map { "\($0.token)" } ?? "none"
    case .acknowledged: return "\(since.acknowledged)"
    case .failed: return "\(since.failed)"
    case .unknown: return "\(since.unknown)"
    case .mirrorLag:
      return run.lag.current(now: now).values.map(\.age).max().map { Duration.nanoseconds($0).brief } ?? "unknown"
    case .steps: return run.view.doneSteps.isEmpty ? "none" : run.view.doneSteps.joined(separator: ", ")
    }
  }
}
