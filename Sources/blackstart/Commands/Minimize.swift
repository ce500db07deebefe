internal import Checks
internal import Drill
internal import Scenarios
internal import Support

extension Commands {
  /// `blackstart minimize`
  static let minimize = Command(
    name: "minimize", operands: ["RUN"],
    summary: "Finds the smallest timeline that still fails like an earlier run, by running parts of it.",
    details: """
      Delta debugging: first fewer faults, then each as short as it still makes the same item fail. Every try is a real run \
      (its evidence lies in RUN/minimize). What was tried is kept there, so that the same command goes on where it was stopped. \
      The result is written as a scenario, RUN/minimize/minimal.yaml.

      Ends with status 0 when nothing smaller fails, 7 when --tries or --within ended it before.
      """,
    options: [
      Option(name: "--item", value: "ITEM", help: "the checklist item that must fail (the first that failed)"),
      Option(name: "--tries", value: "N", help: "run at most so many parts (30)"),
      Option(name: "--within", value: "DURATION", help: "begin no further run after this time (1h)"),
      Option(name: "--resolution", value: "DURATION", help: "how exactly durations are found (500ms)"),
      stateOption,
    ]
  ) { invocation, tool in
    let search = try await TimelineSearch(invocation, tool)
    return try await search.run()
  }
}

/// A search for the smallest failing timeline of one run.
private struct TimelineSearch {
  let tool: Tool
  let directory: RunDirectory
  let item: String
  let sources: ScenarioSources
  let plan: Plan
  let hosts: NodeSurvey
  var options: RunOptions
  let reduction: Reduction
  let tries: Int
  let deadline: Int64

  private var place: String { "\(directory.path)/minimize" }
  private var recordPath: String { "\(place)/tries.json" }

  init(_ invocation: Invocation, _ tool: Tool) async throws {
    self.tool = tool
    options = try RunOptions(invocation, tool.console)
    directory = try RunDirectory(opening: invocation.operands[0])
    tries = try count("--tries", 1...10_000, invocation) ?? 30
    let limit = try duration("--within", invocation) ?? .seconds(3600)
    let resolution = try duration("--resolution", invocation) ?? .milliseconds(500)
    item = try failedItem(in: directory, asked: invocation.value("--item"))
    let earlier = try await earlierRun(directory)
    guard let sources = earlier.subject.sources else {
      throw Problem(
        .usage, at: directory.path,
        "this run was made from a plan alone, and has no scenario whose text could be made smaller",
        fix: "run the scenario itself, then minimize that run")
    }
    self.sources = sources
    plan = earlier.subject.plan
    hosts = earlier.subject.hosts
    options.plants = earlier.plants
    let holds = plan.scenario.timeline.holds
    reduction = Reduction(
      of: TimelinePart(holds: Dictionary(holds, uniquingKeysWith: { $1 })), resolution: resolution)
    if plan.scenario.topology.ground == .lab { try checkMachine() }
    deadline = Timebase.system.monotonic() + limit.nanoseconds
  }

  func run() async throws -> ExitCode {
    try makeDirectory(place)
    var record = try ReductionRecord(resuming: recordPath, item: item)
    if !record.tries.isEmpty { tool.console.note("going on after \(record.tries.count) tries\n") }
    var runs = 0
    while true {
      switch reduction.step(known: record.known) {
      case .done(let part):
        try write(part)
        tool.console.print("\(item) still fails with \(part)\n\(place)/minimal.yaml\n")
        if !sources.others.isEmpty {
          tool.console.note("it names other files: to run it, put it where \(sources.file) lay\n")
        }
        return .pass
      case .test(let part):
        guard runs < tries, Timebase.system.monotonic() < deadline else {
          tool.console.note("not finished after \(record.tries.count) tries; the same command goes on from here\n")
          return .inconclusive
        }
        runs += 1
        let (tried, ended) = try await attempt(part, number: record.tries.count + 1)
        if let code = ended, [.recoveryIncomplete, .interrupted, .terminated].contains(code) { return code }
        record.tries.append(tried)
        try record.save(recordPath)
      }
    }
  }

  /// Runs one part of the timeline.
  private func attempt(_ part: TimelinePart, number: Int) async throws -> (ReductionRecord.Try, ExitCode?) {
    tool.console.note("try \(number): \(part)\n")
    let subject: RunSubject
    do { subject = try self.subject(part) } catch let error as Problems {
      // Part of a valid timeline need not be one: what it refers to may be gone.
      tool.console.note("  no valid scenario: \(error.items.first.map(\.what) ?? "")\n")
      return (ReductionRecord.Try(part: part, failed: false, code: ExitCode.usage.rawValue, directory: nil), nil)
    }
    var path = "\(place)/try-\(number)"
    var attempts = 1
    while fileExists(path) {  // of a search that was stopped in the middle of a run
      attempts += 1
      path = "\(place)/try-\(number)-\(attempts)"
    }
    let ended = try await performRun(subject, options, in: path, tool)
    let failed = ended.verdict?.items.contains { $0.item.rawValue == item && $0.verdict.kind == .fail } ?? false
    tool.console.note("  \(item) \(failed ? "fails" : "does not fail"), exit \(ended.code.rawValue)\n")
    return (
      ReductionRecord.Try(part: part, failed: failed, code: ended.code.rawValue, directory: path), ended.code
    )
  }

  private func restricted(_ part: TimelinePart) throws -> [UInt8] {
    try restrictTimeline(sources.bytes, file: sources.file, to: part.holds.mapValues(Duration.nanoseconds))
  }

  private func subject(_ part: TimelinePart) throws -> RunSubject {
    let sources = ScenarioSources(file: sources.file, bytes: try restricted(part), others: sources.others)
    // With the values that its variables had then, and the files that it named then.
    let given = plan.scenario.variables.filter(\.isGiven).map {
      GivenVariable(name: $0.name, value: $0.value, origin: directory.plan)
    }
    let loaded = try parseScenario(sources.bytes, file: sources.file, inputs: sources.inputs(variables: given))
    let written = Dictionary(loaded.scenario.timeline.holds, uniquingKeysWith: { $1 })
    guard written == part.holds else {
      throw Problem(.usage, at: sources.file, "its timeline cannot be cut down to \(part); nothing was run")
    }
    let plan = try resolvePlan(
      loaded, tool: Version.number, seed: plan.seed, features: try featuresOfThisMachine(), hosts: hosts)
    return RunSubject(plan: plan, sources: sources, remarks: [], hosts: hosts)
  }

  private func write(_ part: TimelinePart) throws {
    try writeFile("\(place)/minimal.yaml", restricted(part))
  }
}

extension [TimelineItem] {
  /// How long each part is written to last (ns), by its id. A pattern, or an entry that ends with something else than a time,
  /// is kept or left out as a whole.
  fileprivate var holds: [(String, Int64)] {
    map { item in
      guard case .entry(let entry) = item, case .after(let hold) = entry.stop else { return (item.id, 0) }
      return (item.id, hold.nanoseconds)
    }
  }
}

/// The item of a run's verdict that is to fail again.
private func failedItem(in directory: RunDirectory, asked: String?) throws -> String {
  let verdict = try judgeRun(in: directory)
  let failed = verdict.items.filter { $0.verdict.kind == .fail }.map(\.item.rawValue)
  guard let first = failed.first else {
    throw Problem(
      .usage, at: directory.path, "no item of this run failed", fix: "minimize a run that ended with status 1")
  }
  guard let asked else { return first }
  guard failed.contains(asked) else {
    throw Problem(
      .usage, at: directory.path, "'\(asked)' did not fail in this run",
      fix: "one of: \(failed.joined(separator: ", "))")
  }
  return asked
}

/// A duration of an option; `nil` when it was not given.
private func duration(_ name: String, _ invocation: Invocation) throws(Problem) -> Duration? {
  guard let text = invocation.value(name) else { return nil }
  guard let value = parseDuration(text), value > .zero else {
    throw Problem(.usage, "\(name) '\(text)' is no duration", fix: "write a number with its unit: 500ms, 10s, 5m, 1h")
  }
  return value
}
