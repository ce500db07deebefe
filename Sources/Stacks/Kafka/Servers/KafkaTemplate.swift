internal import Glibc
public import Support

/// What makes a lab's Kafka start quickly: formatted storage to copy, and the classes of a broker and of a Connect worker as they
/// were loaded in an earlier run.
///
/// Made once for a build of Java and a class path, and kept in a cache. One that was made for others is made anew.
public struct KafkaTemplate: Sendable, Hashable {
  /// Where the servers of the run that makes a template may listen: a region's address, and its namespace.
  public struct Place: Sendable, Hashable {
    /// Numeric IPv4 address.
    public var address: String
    /// Descriptor of the network namespace; `nil` for ours.
    public var networkNamespace: Int32?
    /// Ports of the broker, its controller and the worker's REST interface.
    public var ports: (broker: UInt16, controller: UInt16, worker: UInt16)

    /// A place with the servers' usual ports.
    public init(
      address: String, networkNamespace: Int32?,
      ports: (broker: UInt16, controller: UInt16, worker: UInt16) = (9092, 9093, 8083)
    ) {
      self.address = address
      self.networkNamespace = networkNamespace
      self.ports = ports
    }

    /// Whether all of it is the same.
    public static func == (one: Place, other: Place) -> Bool {
      one.address == other.address && one.networkNamespace == other.networkNamespace && one.ports == other.ports
    }

    /// By address and namespace.
    public func hash(into hasher: inout Hasher) {
      hasher.combine(address)
      hasher.combine(networkNamespace)
    }
  }

  /// The directory that holds it.
  public let directory: String
  let java: JavaRuntime
  let distribution: KafkaDistribution

  /// Takes the template for this Java and this distribution from `cache`, or makes it there, which takes 15 s and starts a broker
  /// and a worker at `place`. Makers at the same time wait for each other; a half-made one is never taken for a whole one.
  ///
  /// - Throws: ``Problem`` with the last lines of the log of what failed; ``SystemError``. The cache is unchanged then.
  public static func prepare(
    in cache: String, _ java: JavaRuntime, _ distribution: KafkaDistribution, at place: Place
  ) async throws -> KafkaTemplate {
    try makeDirectory(cache)
    // The home's own part of the name: a newer template for the same home takes the place of the older.
    let family = "kafka-\(sha256(Array(distribution.home.utf8)).prefix(8))-"
    let template = KafkaTemplate(
      directory: "\(cache)/\(family)\(try key(java, distribution))", java: java, distribution: distribution)
    if fileExists(template.directory) { return template }
    let lock = try await FileLock.acquire("\(template.directory).lock")
    defer { lock.release() }
    if fileExists(template.directory) { return template }
    let draft = "\(template.directory).draft"
    try removeTree(draft)  // what a maker that was killed left behind; nobody else makes one while we hold the lock
    do {
      try makeDirectory(draft)
      try await Maker(draft: draft, template: template, place: place).make()
    } catch {
      try removeTree(draft)
      throw error
    }
    if rename(draft, template.directory) != 0 { throw SystemError("rename", template.directory) }
    for name in try listDirectory(cache)
    where name.hasPrefix(family) && !name.contains(".") && "\(cache)/\(name)" != template.directory {
      try removeTree("\(cache)/\(name)")
    }
    return template
  }

  /// What the class archives were made for: the build of Java, every jar with its size and time, and our own way of starting.
  static func key(_ java: JavaRuntime, _ distribution: KafkaDistribution) throws(SystemError) -> String {
    var text = "2\n\(java.program)\n\(java.build)\n"
    for jar in distribution.jars {
      var information = stat()
      guard stat(jar, &information) == 0 else { throw SystemError("stat", jar) }
      text += "\(jar) \(information.st_size) \(information.st_mtim.tv_sec)\n"
    }
    return String(sha256(Array(text.utf8)).prefix(16))
  }

  /// Writes a broker's directory and copies formatted storage into it, under identities of its own.
  ///
  /// - Parameter directory: the broker's own; its data directory lies in it. It must exist, the data must not.
  /// - Returns: what starts the broker; set its network namespace and log file before use.
  public func broker(_ settings: KafkaBrokerSettings, in directory: String) throws -> ProcessRequest {
    try makeDirectory(settings.dataDirectory, mode: 0o700)
    var lines: [String] = []
    for line in String(
      decoding: try readFile("\(self.directory)/storage/meta.properties", limit: 1 << 16), as: UTF8.self
    )
    .split(separator: "\n") where !line.hasPrefix("#") {
      let name = line.prefix { $0 != "=" }
      lines.append(name == "cluster.id" || name == "directory.id" ? "\(name)=\(Self.newID())" : String(line))
    }
    try writeFile("\(settings.dataDirectory)/meta.properties", Array((lines.joined(separator: "\n") + "\n").utf8))
    try writeFile(
      "\(settings.dataDirectory)/bootstrap.checkpoint", readFile("\(self.directory)/storage/bootstrap.checkpoint"))
    return try Self.broker(
      settings,
      JavaServer(
        java: java, distribution: distribution, heapMegabytes: 256, archive: "\(self.directory)/broker.jsa"),
      in: directory)
  }

  /// Writes a worker's directory, which must exist.
  ///
  /// - Returns: what starts the worker; set its network namespace and log file before use. It may be started before its broker
  ///   answers: it waits.
  public func worker(_ settings: ConnectWorkerSettings, in directory: String) throws -> ProcessRequest {
    try Self.worker(
      settings,
      JavaServer(
        java: java, distribution: distribution, heapMegabytes: 320, archive: "\(self.directory)/worker.jsa"),
      in: directory)
  }

  fileprivate static func broker(
    _ settings: KafkaBrokerSettings, _ server: JavaServer, in directory: String
  ) throws -> ProcessRequest {
    try writeFile("\(directory)/\(JavaServer.loggingFile)", Array(JavaServer.loggingText.utf8))
    let file = "\(directory)/server.properties"
    try writeFile(file, Array(settings.configurationText.utf8))
    return server.request("kafka.Kafka", [file], in: directory)
  }

  fileprivate static func worker(
    _ settings: ConnectWorkerSettings, _ server: JavaServer, in directory: String
  ) throws -> ProcessRequest {
    try writeFile("\(directory)/\(JavaServer.loggingFile)", Array(JavaServer.loggingText.utf8))
    let file = "\(directory)/worker.properties"
    try writeFile(file, Array(settings.configurationText.utf8))
    return server.request("org.apache.kafka.connect.cli.ConnectDistributed", [file], in: directory)
  }

  /// 128 random bits as Kafka writes them: base64 for addresses, without padding, and never with a dash in front.
  static func newID() -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    var generator = SystemRandomNumberGenerator()
    while true {
      var digits = (0..<21).map { _ in alphabet[Int.random(in: 0..<64, using: &generator)] }
      digits.append(alphabet[Int.random(in: 0..<4, using: &generator) << 4])  // the last one has two bits
      if digits[0] != "-" { return String(digits) }
    }
  }
}

/// Makes one template: formats storage, then lets a broker and a worker do in small what they will do in a drill.
private struct Maker: Sendable {
  let draft: String
  let template: KafkaTemplate
  let place: KafkaTemplate.Place

  private func server(_ heap: Int, records: String? = nil) -> JavaServer {
    JavaServer(
      java: template.java, distribution: template.distribution, heapMegabytes: heap,
      recordsArchive: records.map { "\(draft)/\($0)" })
  }

  func make() async throws {
    let run = "\(draft)/run"
    try makeDirectory("\(run)/broker")
    try makeDirectory("\(run)/worker")
    let settings = KafkaBrokerSettings(
      address: place.address, port: place.ports.broker, controllerPort: place.ports.controller,
      dataDirectory: "\(run)/broker/data")
    _ = try KafkaTemplate.broker(settings, server(128), in: "\(run)/broker")
    try await Stacks.run(
      server(128).request(
        "kafka.tools.StorageTool",
        ["format", "-t", KafkaTemplate.newID(), "-c", "\(run)/broker/server.properties"], in: "\(run)/broker"),
      "formatting Kafka's storage", log: "\(draft)/format.log")
    try makeDirectory("\(draft)/storage")
    for name in ["meta.properties", "bootstrap.checkpoint"] {
      try writeFile("\(draft)/storage/\(name)", readFile("\(run)/broker/data/\(name)"))
    }
    try await record(settings, run)
    for name in ["broker.jsa", "worker.jsa"] where !fileExists("\(draft)/\(name)") {
      throw Problem(
        .usage, at: template.java.program, "it made no class archive \(name)\n\(logTail("\(draft)/broker.log"))",
        fix: "use a Java that has them, such as Debian's openjdk-17-jre-headless")
    }
    try removeTree(run)
    for name in ["broker.log", "worker.log"] { try removeTree("\(draft)/\(name)") }
  }

  private func record(_ settings: KafkaBrokerSettings, _ run: String) async throws {
    var broker = try KafkaTemplate.broker(settings, server(256, records: "broker.jsa"), in: "\(run)/broker")
    broker.networkNamespace = place.networkNamespace
    broker.logPath = "\(draft)/broker.log"
    let bootstrap = "\(place.address):\(place.ports.broker)"
    let workerSettings = ConnectWorkerSettings(
      region: "template", address: place.address, port: place.ports.worker, bootstrap: [bootstrap])
    var worker = try KafkaTemplate.worker(workerSettings, server(320, records: "worker.jsa"), in: "\(run)/worker")
    worker.networkNamespace = place.networkNamespace
    worker.logPath = "\(draft)/worker.log"
    let (brokerRequest, workerRequest) = (broker, worker)
    try await withRollback(limitPerStep: .seconds(90)) { undo in
      let broker = try await onOwnThread("kafka-spawn") { try ChildProcess(brokerRequest) }
      // SIGTERM lets Java write the archive.
      undo.push(UndoStep("the template's broker") { try await broker.terminate(grace: .seconds(60)) })
      let worker = try await onOwnThread("kafka-spawn") { try ChildProcess(workerRequest) }
      undo.push(UndoStep("the template's worker") { try await worker.terminate(grace: .seconds(60)) })
      do {
        try await exercise(bootstrap, workerSettings)
      } catch {
        let ended = [("broker", broker.end), ("worker", worker.end)].compactMap { name, end in
          end.map { "\(name) \($0); " }
        }
        throw Problem(
          .usage, at: template.distribution.home,
          "the template of Kafka could not be made: \(ended.joined())\(error)\n\(logTail("\(draft)/broker.log"))\n"
            + logTail("\(draft)/worker.log"), fix: "read the log's lines above")
      }
    }
  }

  /// Mirrors a record of the broker to itself, so that everything that a drill needs has been loaded once.
  private func exercise(_ bootstrap: String, _ worker: ConnectWorkerSettings) async throws {
    let admin = try await KafkaAdmin(
      KafkaProperties(bootstrap: [bootstrap]), name: "template", networkNamespace: place.networkNamespace)
    let link = KafkaMirrorLink(
      from: .init(alias: "a", bootstrap: [bootstrap]), to: .init(alias: "b", bootstrap: [bootstrap]), topics: ["t"],
      groups: ["g"])
    let connect = ConnectClient(address: worker.endpoint, networkNamespace: place.networkNamespace)
    try await withDeadline(.seconds(90), "a broker and a worker that answer") {
      while true {
        do { _ = try await admin.metadata() } catch is KafkaFailure {
          try await ContinuousClock().sleep(for: .milliseconds(100))
          continue
        }
        do {
          _ = try await connect.connectors()
          return
        } catch is Problem { try await ContinuousClock().sleep(for: .milliseconds(100)) }
      }
    }
    // Heartbeats, too: a mirror that finds a topic later starts its tasks again.
    try await admin.createTopics([
      KafkaTopicSpecification("t", partitions: 1),
      KafkaTopicSpecification("heartbeats", partitions: 1, configuration: ["cleanup.policy": "compact"]),
    ])
    let producer = try await KafkaProducer(
      KafkaProperties(bootstrap: [bootstrap]), name: "template", networkNamespace: place.networkNamespace)
    let delivery = await producer.send(KafkaRecord(topic: "t", value: [1], headers: [KafkaHeader("h", "v")]))
    await producer.close()
    guard case .acknowledged = delivery else { throw Problem(.usage, "a record was not acknowledged: \(delivery)") }
    let consumer = try await KafkaConsumer(
      KafkaProperties(bootstrap: [bootstrap]), name: "template", group: "g", networkNamespace: place.networkNamespace)
    // A group with a position, so that there is something to make a checkpoint of.
    try await consumer.commit([KafkaPartition("t", 0): 0])
    for part in KafkaMirrorLink.Part.allCases { try await connect.put(link.name(part), link.configuration(part)) }
    for part in KafkaMirrorLink.Part.allCases {
      try await connect.waitUntil(link.name(part), is: .running, within: .seconds(60))
    }
    // By assignment: the mirror moves the group, which might then begin behind the record.
    try await withDeadline(.seconds(60), "the first mirrored record") {
      while true {
        do throws(KafkaFailure) {
          try await consumer.assign([KafkaPartition("a.t", 0): .beginning])
          if try await !consumer.read(within: .milliseconds(500)).isEmpty { return }
        } catch {
          guard error.kind == .notFound else { throw error }  // the mirror has not made the topic yet
        }
        try Task.checkCancellation()
      }
    }
    await consumer.close()
    await admin.close()
  }
}
