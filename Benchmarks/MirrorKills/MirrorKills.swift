internal import Glibc
internal import Lab
internal import Stacks
internal import Support

/// How often the worker of a Kafka mirror is killed, and what the mirror promises.
struct MirrorKillsRequest: Sendable {
  var tool: String
  var count: Int
  var rate: Int
  var isExactlyOnce: Bool
  /// How often an at-least-once mirror keeps its position.
  var positionsEvery: Duration
  /// Where the list of all duplicates goes; `nil` for nowhere.
  var list: String?
  var seed: UInt64

  /// What an exactly-once mirror that was killed inside a transaction waits out.
  static let transactionTimeout = Duration.seconds(5)

  /// Reads the words after `mirror-kills`.
  init(_ words: [String]) throws {
    let words = try Words(
      words, switches: ["--at-least-once"],
      options: ["--tool", "--count", "--rate", "--positions-every-ms", "--list", "--seed"])
    if let name = words.names.first {
      throw Problem(.usage, "mirror-kills takes no '\(name)'", fix: "see Benchmarks --help")
    }
    count = try words.number("--count", in: 1...1000, standard: 20)
    rate = try words.number("--rate", in: 1...10_000, standard: 300)
    isExactlyOnce = !words.has("--at-least-once")
    positionsEvery = .milliseconds(try words.number("--positions-every-ms", in: 100...600_000, standard: 4000))
    list = words.text("--list")
    seed = try words.number("--seed", in: 0 ... .max, standard: standardSeed)
    tool = try toolPath(words.text("--tool"))
  }

  fileprivate var settings: KafkaLabSettings {
    KafkaLabSettings(
      exactlyOnce: isExactlyOnce, offsetFlushMilliseconds: isExactlyOnce ? 500 : positionsEvery.milliseconds,
      transactionTimeoutMilliseconds: Self.transactionTimeout.milliseconds)
  }
}

/// Kills the worker of one mirror of one lab at drawn moments, while records flow, and says how long it was until they flowed
/// again, and what stands twice.
///
/// - Returns: whether nothing was lost and the duplicates are those that the mirror may make, by two counts.
func sweepMirrorKills(_ request: MirrorKillsRequest) async throws -> Bool {
  guard geteuid() == 0 else {
    throw Problem(.usage, "mirror-kills needs root; nothing was done", fix: "run it with sudo")
  }
  let promise =
    request.isExactlyOnce
    ? "exactly once, transactions of at most \(MirrorKillsRequest.transactionTimeout.brief)"
    : "at least once, positions kept every \(request.positionsEvery.brief)"
  print(
    "mirror-kills: \(request.count) kills of the worker from east to eu, \(request.rate) records/s, mirrored \(promise)"
  )
  print(try machineLine(seed: request.seed))
  return try await withWorkspace { workspace in
    let lab = try await Lab.up(
      .kafka(id: "kills\(getpid())", request.settings),
      LabSurroundings(logsDirectory: "\(workspace)/logs", program: request.tool))
    let outcome: Result<Bool, any Error>
    do { outcome = .success(try await MirrorKills(request, lab, workspace).run()) } catch { outcome = .failure(error) }
    try await lab.down()
    return try outcome.get()
  }
}

/// The kills in one lab.
private struct MirrorKills: Sendable {
  let request: MirrorKillsRequest
  let lab: Lab
  let workspace: String
  let watch = MirrorWatch()
  let source: RegionHandle
  let target: RegionHandle

  /// After a kill records flow again within this, or never.
  private static let patience = Duration.seconds(120)

  init(_ request: MirrorKillsRequest, _ lab: Lab, _ workspace: String) throws {
    guard let source = lab.region("east"), let target = lab.region("eu") else {
      throw Problem(.fail, "the lab has no east and eu")
    }
    (self.request, self.lab, self.workspace, self.source, self.target) = (request, lab, workspace, source, target)
  }

  func run() async throws -> Bool {
    let stream = MirrorStream(source: source, target: target, rate: request.rate, watch: watch)
    let recoveries = try await withThrowingTaskGroup(of: Samples?.self) { group in
      group.addTask(name: "producer") {
        try await stream.produce()
        return nil
      }
      group.addTask(name: "reader") {
        try await stream.read()
        return nil
      }
      group.addTask(name: "kills") {
        let recoveries = try await killAll()
        watch.endProduction()
        try await wait(for: "the last record in eu", Self.patience) { watch.isComplete }
        watch.endReading()
        return recoveries
      }
      var recoveries = Samples()
      while let taken = try await group.next() { recoveries = taken ?? recoveries }
      return recoveries
    }
    return try await judge(recoveries)
  }

  /// - Returns: how long it was after each kill until records flowed again.
  private func killAll() async throws -> Samples {
    var recoveries = Samples()
    var random = SeededRandom(seed: request.seed, for: "mirror-kills")
    // Over one whole interval between two keepings of the position, so that every moment of it is as likely.
    let spread = (request.isExactlyOnce ? .seconds(2) : request.positionsEvery).nanoseconds
    try await wait(for: "the first records in eu", Self.patience) { watch.seen > request.rate }
    for number in 1...request.count {
      let delay = Duration.nanoseconds(Int64.random(in: 0..<spread, using: &random))
      // Once it has kept a position of its own: a younger one would only repeat what the kill before was to show.
      try await ContinuousClock().sleep(for: (request.isExactlyOnce ? .seconds(1) : request.positionsEvery) + delay)
      guard
        let worker = lab.servers.first(where: { $0.region == target.name && $0.kind == .worker }),
        try worker.process.send(SIGKILL)
      else { throw Problem(.fail, at: "kill \(number)", "the worker had ended by itself") }
      let killed = Timebase.system.monotonic()
      try await wait(for: "the end of the worker", .seconds(5)) { !worker.process.isAlive }
      _ = try await lab.restart(worker)
      try await wait(for: "records in eu after kill \(number)", Self.patience) { watch.progress(after: killed) != nil }
      guard let flowing = watch.progress(after: killed) else { continue }
      recoveries.add(flowing - killed)
      print("kill \(number)/\(request.count) after \(delay.brief): records flow again after \(brief(flowing - killed))")
      fflush(nil)
    }
    return recoveries
  }

  private func wait(for what: String, _ limit: Duration, _ condition: @Sendable @escaping () -> Bool) async throws {
    try await withDeadline(limit, what) {
      while !condition() { try await ContinuousClock().sleep(for: .milliseconds(5)) }
    }
  }

  private func judge(_ recoveries: Samples) async throws -> Bool {
    let duplicates = watch.duplicates
    let count = try await independentCount()
    let lost = watch.lost
    let waitedOut = recoveries.count(atLeast: MirrorKillsRequest.transactionTimeout.nanoseconds)
    print(
      "\n\(recoveries.count) kills: records flow again after min \(brief(recoveries.min)), median "
        + "\(brief(recoveries.median)), p90 \(brief(recoveries.quantile(0.9))), max \(brief(recoveries.max))"
        + (request.isExactlyOnce ? "; \(waitedOut) of them no sooner than a transaction's time-out" : ""))
    print(
      "\(watch.acknowledged) records acknowledged in east, \(lost) of them not in eu; \(duplicates.count) more than once "
        + "(\(count.twice) by kafka dump, sort and uniq -d), \(count.withdrawn) in transactions that were aborted")
    for stretch in watch.stretches { print("  carried again: \(stretch)") }
    if let list = request.list {
      try writeFile(list, Array(duplicates.map { $0 + "\n" }.joined().utf8))
      print("all duplicates: \(list)")
    }
    var wrong: [String] = []
    if lost > 0 { wrong.append("\(lost) records were lost") }
    if count.twice != duplicates.count { wrong.append("the two counts differ") }
    if request.isExactlyOnce, !duplicates.isEmpty { wrong.append("an exactly-once mirror carried records twice") }
    if request.isExactlyOnce, count.withdrawn == 0 { wrong.append("no kill fell inside a transaction with records") }
    if !request.isExactlyOnce, duplicates.isEmpty { wrong.append("nothing was carried again, so nothing was shown") }
    for what in wrong { print("FAILED: \(what)") }
    return wrong.isEmpty
  }

  /// The same count by programs that know nothing of ours: the files of the broker's log, sorted, and what stands twice in them.
  private func independentCount() async throws -> (twice: Int, withdrawn: Int) {
    guard let log = target.kafkaLog else { throw Problem(.fail, at: target.name, "it has no log") }
    return try await onOwnThread("count") { [request, workspace] in
      func lines(_ path: String) throws -> Int {
        try readFile(path, limit: 1 << 30).count { $0 == UInt8(ascii: "\n") }
      }
      func dump(_ partition: String, _ options: [String]) throws -> String {
        var program = Program(
          path: request.tool,
          arguments: ["kafka", "dump", "\(log)/\(partition)", "--identities", "--header", MirrorStream.header] + options
        )
        program.output = "\(workspace)/\(partition)\(options.joined())"
        try program.run(errors: "\(workspace)/dump.errors")
        return program.output
      }
      let partitions = try listDirectory(log).filter { $0.hasPrefix("east.\(MirrorStream.topic)-") }.sorted()
      let committed = try partitions.map { try dump($0, ["--committed"]) }
      let all = try partitions.map { try dump($0, []) }
      let sorted = "\(workspace)/sorted"
      try Program(path: "/usr/bin/sort", arguments: ["-o", sorted] + committed).run(errors: "\(workspace)/sort.errors")
      var unique = Program(path: "/usr/bin/uniq", arguments: ["-d", sorted])
      unique.output = "\(workspace)/twice"
      try unique.run(errors: "\(workspace)/uniq.errors")
      return (
        try lines(unique.output),
        try all.map(lines).reduce(0, +) - committed.map(lines).reduce(0, +)
      )
    }
  }
}
