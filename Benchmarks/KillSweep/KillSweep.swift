internal import Drill
internal import Glibc
internal import Netlink
internal import Support

/// How often which drill is killed, and what is asked of it.
struct KillSweepRequest: Sendable {
  var tool: String
  var scenario: String
  var count: Int
  var limit: Duration
  var seed: UInt64

  /// Reads the words after `kill-sweep`.
  init(_ words: [String]) throws {
    let words = try Words(words, options: ["--tool", "--scenario", "--count", "--limit-ms", "--seed"])
    if let name = words.names.first {
      throw Problem(.usage, "kill-sweep takes no '\(name)'", fix: "see Benchmarks --help")
    }
    guard let scenario = words.text("--scenario") else {
      throw Problem(.usage, "kill-sweep needs a scenario", fix: "--scenario Tests/Fixtures/quick-blackout.yaml")
    }
    guard fileExists(scenario) else { throw Problem(.usage, at: scenario, "there is no such file") }
    self.scenario = scenario
    count = try words.number("--count", in: 1...10_000, standard: 20)
    limit = .milliseconds(try words.number("--limit-ms", in: 1...60_000, standard: 10))
    seed = try words.number("--seed", in: 0 ... .max, standard: standardSeed)
    tool = try toolPath(words.text("--tool"))
  }
}

/// What became of one killed drill.
struct Kill: Sendable {
  var moment: KillMoment
  /// Tables of faults just before the kill.
  var tablesBefore: Int
  /// From just before the kill was sent until no table was left (ns).
  var gone: Int64
  /// What was on the machine then.
  var remains: LabCensus
  /// What `recover` left.
  var left: LabCensus
  /// How `recover` ended.
  var recovery: ProcessEnd

  /// What is wrong with it; empty if all is as it must be.
  func faults(limit: Duration) -> [String] {
    var found: [String] = []
    if moment.point == .held && tablesBefore == 0 { found.append("no fault was in force, so nothing was measured") }
    if gone > limit.nanoseconds { found.append("a table was left for \(brief(gone)), longer than \(limit.brief)") }
    if recovery != .exited(0) { found.append("recover \(recovery)") }
    if !left.isEmpty { found.append("recover left \(left.details)") }
    return found
  }
}

/// Kills a drill at each of the drawn moments and reports.
///
/// - Returns: whether every one left nothing, in time.
func sweepKills(_ request: KillSweepRequest) async throws -> Bool {
  guard geteuid() == 0 else {
    throw Problem(.usage, "kill-sweep needs root; nothing was done", fix: "run it with sudo")
  }
  print("kill-sweep: \(request.count) drills of \(request.scenario), limit \(request.limit.brief)")
  print(try machineLine(seed: request.seed))
  return try await withWorkspace { workspace in
    var kills: [Kill] = []
    for (index, moment) in KillMoment.draw(request.count, seed: request.seed).enumerated() {
      let kill = try await KilledDrill(request: request, moment: moment, number: index + 1, workspace: workspace).run()
      kills.append(kill)
      print(line(kill, number: index + 1, of: request))
      fflush(nil)
    }
    return summarize(kills, request)
  }
}

/// One drill that is started, followed and killed.
private struct KilledDrill: Sendable {
  let request: KillSweepRequest
  let moment: KillMoment
  let number: Int
  let workspace: String

  private var stateDirectory: String { "\(workspace)/state" }
  private var runDirectory: String { "\(workspace)/run-\(number)" }
  private var log: String { "\(workspace)/run-\(number).log" }

  /// What is known right after the kill.
  private struct Observed: Sendable {
    var tablesBefore: Int
    var gone: Int64
    var trace: LabTrace
    var remains: LabCensus
  }

  func run() async throws -> Kill {
    var start = ProcessRequest(
      request.tool, ["run", request.scenario, "--run-dir", runDirectory, "--state", stateDirectory])
    start.logPath = log
    let drill = try ChildProcess(start)
    do {
      let observed = try await onOwnThread("kill") { try followAndKill(drill) }
      let recovery = try await recover()
      let left = try await onOwnThread("census") { try observed.trace.census() }
      try removeTree(runDirectory)
      return Kill(
        moment: moment, tablesBefore: observed.tablesBefore, gone: observed.gone, remains: observed.remains, left: left,
        recovery: recovery)
    } catch {
      try drill.send(Signal.kill)
      _ = await drill.wait()
      _ = try await recover()
      let output = String(decoding: ((try? readFile(log)) ?? []).suffix(2000), as: UTF8.self)  // there may be none yet
      throw Problem(.fail, at: "drill \(number), \(moment.point)", "\(error)\nits output ended with:\n\(output)")
    }
  }

  /// Blocks until the drill is dead and its tables are gone.
  private func followAndKill(_ drill: ChildProcess) throws -> Observed {
    let follower = JournalFollower("\(runDirectory)/journal.jsonl")
    func next<T: JournalEvent>(_ type: T.Type) throws -> T {
      try follower.next(type, limit: .seconds(60)) { drill.end == nil }
    }
    let lab = try next(LabIsUp.self)
    let namespaces = try (lab.regions + ["wan"]).map { try NetworkNamespace.open(named: "bs-\(lab.lab)-\($0)") }
    let trace = try LabTrace(lab: lab.lab, namespaces: namespaces, stateDirectory: stateDirectory)
    let watch = try TableWatch(namespaces)
    defer { watch.close() }
    switch moment.point {
    case .arming: _ = try next(FaultArming.self)
    case .held: _ = try next(FaultProven.self)
    case .disarming:
      _ = try next(FaultProven.self)
      try drill.send(Signal.terminate)
      _ = try next(FaultDisarming.self)
    }
    usleep(UInt32(clamping: moment.delay.nanoseconds / 1000))
    let tablesBefore = try watch.tables().count
    let (killedAt, release) = try inRealTime {
      let killedAt = Timebase.system.monotonic()
      try drill.send(Signal.kill)
      return (killedAt, try watch.waitUntilNone(limit: .seconds(5)) { drill.end != nil })
    }
    guard drill.end == .signalled(Signal.kill) else {
      throw Problem(.fail, "the drill had ended before it was killed: \(drill.end.map { "\($0)" } ?? "it still runs")")
    }
    return Observed(
      tablesBefore: tablesBefore, gone: release.lastAt - killedAt, trace: trace, remains: try trace.census())
  }

  private func recover() async throws -> ProcessEnd {
    var request = ProcessRequest(request.tool, ["recover", "--state", stateDirectory])
    request.logPath = log
    let process = try ChildProcess(request)
    guard let end = await process.wait() else { throw CancellationError() }
    return end
  }
}

private func line(_ kill: Kill, number: Int, of request: KillSweepRequest) -> String {
  let faults = kill.faults(limit: request.limit)
  return "\(number)/\(request.count) \(kill.moment.point) +\(kill.moment.delay.brief): \(kill.tablesBefore) tables, "
    + "gone after \(brief(kill.gone))" + (faults.isEmpty ? "" : "  FAILED: \(faults.joined(separator: "; "))")
}

private func summarize(_ kills: [Kill], _ request: KillSweepRequest) -> Bool {
  var table = TextTable([.right, .left, .right, .right, .right, .left, .left])
  table.add("#", "killed at", "after", "tables", "gone", "remained", "after recover")
  var gone = Samples()
  for (index, kill) in kills.enumerated() {
    if kill.tablesBefore > 0 { gone.add(kill.gone) }
    table.add(
      "\(index + 1)", kill.moment.point.rawValue, kill.moment.delay.brief, "\(kill.tablesBefore)", brief(kill.gone),
      kill.remains.brief, kill.left.brief)
  }
  print("")
  for line in table.lines { print(line) }
  print(
    "\n\(kills.count) kills, \(gone.count) with a fault in force: its tables gone after min \(brief(gone.min)), "
      + "median \(brief(gone.median)), p99 \(brief(gone.quantile(0.99))), max \(brief(gone.max)); "
      + "limit \(request.limit.brief)")
  let bad = kills.count { !$0.faults(limit: request.limit).isEmpty }
  print(bad == 0 ? "Nothing outlived its drill." : "\(bad) of \(kills.count) drills left something for too long.")
  return bad == 0
}
