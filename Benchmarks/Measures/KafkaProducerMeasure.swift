internal import Drill
internal import Events
internal import Glibc
internal import Lab
internal import Netlink
internal import Stacks
internal import Support
internal import Workload

/// The workload's producers, with the history recorded, beside producers of as many threads straight on librdkafka: the same broker,
/// the same kind of record, one record of each under way, turn by turn.
let kafkaProducerMeasure = Measure(
  name: "kafka-producer",
  summary:
    "records acknowledged by a real broker: our workload with its history recorded, beside bare librdkafka and Trogdor"
) { bench in
  if let absent = figureWithoutKafka() { return [absent] }
  let lab = try await Lab.up(
    LabSpecification(id: "bench\(getpid())", regions: [RegionSpecification("east", [.broker])], preferredWriter: "east")
      .with(KafkaLabSettings()),
    LabSurroundings(
      stateDirectory: "\(bench.workspace)/state", logsDirectory: "\(bench.workspace)/logs",
      program: try toolPath(bench.tool)))
  let outcome: Result<[Figure], any Error>
  do { outcome = .success(try await figures(bench, lab)) } catch { outcome = .failure(error) }
  try await lab.down()
  return try outcome.get()
}

private func figures(_ bench: Bench, _ lab: Lab) async throws -> [Figure] {
  guard let region = lab.region("east"), let cluster = region.kafka else {
    throw Problem(.fail, "the lab has no cluster in east")
  }
  var figures: [Figure] = []
  for width in [1, 2, 16] where bench.part == nil || bench.part == "\(width)" {
    let contest = ProducerContest(
      bench: bench, lab: lab, region: region, width: width, turn: bench.isQuick ? .milliseconds(500) : .seconds(2))
    let taken = try await contest.samples(cluster, rounds: bench.size(quick: 2, full: 15))
    let name = "a record, \(width) under way"
    let share = taken.ours.ratio(to: taken.bare).map { "\(fixed(1 / $0, 2)) of the bare throughput" } ?? ""
    figures.append(Figure(what: "\(name): bare librdkafka", samples: taken.bare))
    figures.append(
      Figure(what: "\(name): our workload, recorded", samples: taken.ours, base: taken.bare, note: share))
  }
  if bench.part == nil || bench.part == "latency" { figures += try await latencies(bench, lab, region) }
  return figures
}

/// From a write until its acknowledgement at a steady 1,000 a second, as our history has it and as Trogdor says.
private func latencies(_ bench: Bench, _ lab: Lab, _ region: RegionHandle) async throws -> [Figure] {
  let trogdor = Trogdor(
    java: try await JavaRuntime.locate(), distribution: try KafkaDistribution.locate(), region: region,
    workspace: bench.workspace)
  var figures: [Figure] = []
  for _ in 0..<bench.size(quick: 1, full: 3) {
    let path = "\(bench.workspace)/latency.bsh"
    let contest = ProducerContest(
      bench: bench, lab: lab, region: region, width: 10, rate: 100, payloadBytes: 512,
      turn: bench.isQuick ? .seconds(2) : .seconds(10))
    try await contest.write(path)
    var ours = Samples()
    for operation in try History(path: path).operations where operation.kind == .append && operation.outcome == .ok {
      if let completed = operation.completed { ours.add(completed - operation.invoked) }
    }
    try removeTree(path)
    figures.append(
      Figure(
        what: "acknowledged, 1,000 a second", samples: ours,
        note: "p95 \(brief(ours.quantile(0.95))), our workload, recorded"))
    let theirs = try await trogdor.produce(bench.isQuick ? 2000 : 10_000, perSecond: 1000, valueBytes: 512)
    figures.append(
      Figure(
        what: "the same by Trogdor's ProduceBench", samples: Samples(),
        note: "median \(theirs.p50LatencyMs) ms, p95 \(theirs.p95LatencyMs) ms, p99 \(theirs.p99LatencyMs) ms of "
          + "\(theirs.totalSent)"))
  }
  return figures
}

/// One turn of each, for as many producers.
private struct ProducerContest: Sendable {
  var bench: Bench
  var lab: Lab
  var region: RegionHandle
  var width: Int
  /// Records a second of each; more than any can.
  var rate = 1_000_000.0
  var payloadBytes = 100
  var turn: Duration

  private static let topic = "orders"

  /// In which both connect, and are not measured.
  private static let warmUp = Duration.milliseconds(500)

  /// As long as those of the workload's records are.
  private static let headers: [(name: String, value: [UInt8])] = [
    ("bs-id", "p7-12345"), ("bs-key", "512"), ("bs-seq", "193"), ("bs-token", "1"), ("bs-cause", "p7-12281"),
  ].map { ($0, Array($1.utf8)) }

  /// Turn by turn; the first turn connects and warms up.
  func samples(_ cluster: KafkaProperties, rounds: Int) async throws -> (bare: Samples, ours: Samples) {
    var bare = Samples()
    var ours = Samples()
    for round in 0...rounds {
      // What the machine does beside is the same for both only on the whole: neither always comes first.
      let oursFirst = round % 2 == 1
      let before = oursFirst ? try await self.ours(history(round)) : nil
      let one = try await self.bare(cluster)
      let after = oursFirst ? nil : try await self.ours(history(round))
      guard round > 0, let other = before ?? after else { continue }
      bare.add(one)
      ours.add(other)
    }
    return (bare, ours)
  }

  private func history(_ round: Int) -> String { "\(bench.workspace)/history-\(width)-\(round).bsh" }

  // Inlined into what calls it, Swift 6.3 crashes when it splits the coroutine.
  /// - Returns: nanoseconds a record.
  @inline(never)
  func bare(_ cluster: KafkaProperties) async throws -> Int64 {
    let properties = [
      "bootstrap.servers": cluster.bootstrap.joined(separator: ","), "enable.idempotence": "true", "linger.ms": "0",
      "socket.keepalive.enable": "true",
    ]
    let measured = Timebase.system.monotonic() + Self.warmUp.nanoseconds
    let deadline = measured + turn.nanoseconds
    let written = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<width {
        group.addTask { [region] in
          try await onOwnThread("bare-\(number)", networkNamespace: region.namespace.fileDescriptor) {
            let producer = try BareProducer(properties)
            func write(until moment: Int64) throws -> Int {
              try producer.write(
                to: Self.topic, partition: 0, key: Array("512".utf8), value: [UInt8](repeating: 120, count: 100),
                headers: Self.headers, width: 1, until: moment)
            }
            _ = try write(until: measured)
            return try write(until: deadline)
          }
        }
      }
      var sum = 0
      while let count = try await group.next() { sum += count }
      return sum
    }
    return turn.nanoseconds / Int64(max(1, written))
  }

  /// - Returns: nanoseconds a record.
  @inline(never)
  func ours(_ path: String) async throws -> Int64 {
    let window = try await write(path)
    try removeTree(path)
    return window.took / max(1, window.records)
  }

  /// Lets our workload write for a turn, and its history be recorded.
  ///
  /// - Returns: how many records were acknowledged after the warm-up, and in how many nanoseconds.
  @discardableResult @inline(never)
  func write(_ path: String) async throws -> (records: Int64, took: Int64) {
    let recorder = try HistoryRecorder(
      path: path, runID: "bench", clock: Timebase.system.monotonic, wall: Timebase.system.wall)
    let counters = WorkloadCounters()
    let stop = StopSignal()
    let surroundings = Surroundings(
      recorder: recorder, counters: counters,
      connector: kafkaConnector(to: lab, topic: Self.topic, partitions: 1), authority: EastWrites(),
      timebase: .system, clock: ContinuousClock(), seed: bench.seed, stop: stop)
    @Sendable func standing() -> (records: Int64, time: Int64) {
      (Int64(clamping: counters.byRegion[region.name]?.acknowledged ?? 0), Timebase.system.monotonic())
    }
    async let window = {
      defer { stop.request() }
      try await ContinuousClock().sleep(for: Self.warmUp)
      let begin = standing()
      try await ContinuousClock().sleep(for: turn)
      let end = standing()
      return (end.records - begin.records, end.time - begin.time)
    }()
    await withTaskGroup { group in
      for number in 0..<width {
        let producer = Producer(
          worker: UInt32(number), region: region.name, rate: rate, keys: (UInt32(number * 64), 64),
          payloadBytes: payloadBytes)
        group.addTask { await producer.run(in: surroundings) }
      }
    }
    let measured = try await window
    try await recorder.close()
    guard let totals = counters.byRegion[region.name], measured.0 > 0, totals.failed == 0, totals.unknown == 0
    else { throw Problem(.fail, "the workload could not write without refusals: \(counters.byRegion)") }
    return measured
  }
}

private struct EastWrites: AuthoritySource {
  func authority(in region: String) -> Authority { Authority(writer: "east", token: 1) }
}
