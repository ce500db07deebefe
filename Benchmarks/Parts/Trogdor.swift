internal import Lab
internal import Netlink
internal import Stacks
internal import Support

/// Apache's own produce workload, ProduceBench of Trogdor, which is part of every distribution of Kafka.
struct Trogdor: Sendable {
  /// What it says of a run, in milliseconds as it rounds them.
  struct Latency: Sendable, Decodable {
    var totalSent: Int
    var p50LatencyMs: Int
    var p95LatencyMs: Int
    var p99LatencyMs: Int
  }

  var java: JavaRuntime
  var distribution: KafkaDistribution
  var region: RegionHandle
  var workspace: String

  /// Lets it write so many records at a steady rate, without company in a batch.
  ///
  /// - Throws: ``Problem`` with the end of what it said where it does not succeed.
  func produce(_ count: Int, perSecond rate: Int, valueBytes: Int) async throws -> Latency {
    guard let bootstrap = region.kafka?.bootstrap.joined(separator: ",") else {
      throw Problem(.fail, at: region.name, "there is no cluster")
    }
    let specification: JSONValue = .object([
      "class": .string("org.apache.kafka.trogdor.workload.ProduceBenchSpec"), "startMs": .integer(0),
      "durationMs": .integer(120_000), "producerNode": .string("node0"), "bootstrapServers": .string(bootstrap),
      "targetMessagesPerSec": .integer(Int64(rate)), "maxMessages": .integer(Int64(count)),
      "valueGenerator": .object(["type": .string("constant"), "size": .integer(Int64(valueBytes))]),
      "producerConf": .object([
        "linger.ms": .string("0"), "acks": .string("all"), "enable.idempotence": .string("true"),
      ]),
      "activeTopics": .object([
        "trogdor[1-1]": .object(["numPartitions": .integer(1), "replicationFactor": .integer(1)])
      ]), "inactiveTopics": .object([:]),
    ])
    let agent: JSONValue = .object([
      "platform": .string("org.apache.kafka.trogdor.basic.BasicPlatform"),
      "nodes": .object([
        "node0": .object(["hostname": .string("localhost"), "trogdor.agent.port": .integer(8888)])
      ]),
    ])
    let (specificationFile, agentFile) = ("\(workspace)/trogdor.json", "\(workspace)/trogdor-agent.json")
    try writeFile(specificationFile, encodeJSON(specification))
    try writeFile(agentFile, encodeJSON(agent))
    var request = ProcessRequest(
      java.program,
      [
        "-Xmx256m", "-cp", distribution.classPath, "org.apache.kafka.trogdor.agent.Agent", "--agent.config", agentFile,
        "--node-name", "node0", "--exec", specificationFile,
      ])
    request.networkNamespace = region.namespace.fileDescriptor
    let log = "\(workspace)/trogdor.log"
    try removeTree(log)  // of the run before
    request.logPath = log
    request.directory = workspace
    let started = request
    let process = try await onOwnThread("trogdor") { try ChildProcess(started) }
    let latency: Result<Latency, any Error>
    do { latency = .success(try await result(of: process, log: log)) } catch { latency = .failure(error) }
    try await process.terminate(Signal.kill)
    return try latency.get()
  }

  /// Waits for its result, and not for its end: its shutdown hook may wait for a server of its own that never stops.
  private func result(of process: ChildProcess, log: String) async throws -> Latency {
    try await withDeadline(.seconds(150), "Trogdor") {
      while true {
        let hasEnded = process.end != nil
        let said = String(decoding: try readFile(log, limit: 1 << 24), as: UTF8.self)
        if let from = said.ranges(of: "Task succeeded with status ").last?.upperBound,
          let to = said[from...].firstIndex(of: "}")
        {
          return try decodeJSON(Latency.self, from: Array(said[from...to].utf8))
        }
        if hasEnded { throw Problem(.fail, at: "Trogdor", "it did not succeed: \(said.suffix(400))") }
        try await ContinuousClock().sleep(for: .milliseconds(50))  // nothing tells us of a line in a log
      }
    }
  }
}
