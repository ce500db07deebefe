internal import Guards
internal import Stacks
internal import Support

/// Records over TLS to a real broker, directly and through an admin guard that ends TLS on both of its sides, turn by turn.
let guardTLSMeasure = Measure(
  name: "guard-tls",
  summary: "records acknowledged by a real broker over TLS, through an admin guard with TLS on both sides and past it"
) { bench in
  if let absent = figureWithoutKafka() { return [absent] }
  let certificate = try await BenchCertificate(in: bench.workspace)
  let authority = try TokenAuthority(
    source: SteadySource(), directory: "\(bench.workspace)/guard", report: { _ in })
  let ports = try SecureBrokerPorts()
  let admin = try await AdminGuard(
    routes: [
      AdminRoute(
        listen: Endpoint(host: "127.0.0.1", port: 0), broker: Endpoint(host: "127.0.0.1", port: ports.behind))
    ],
    tls: try GuardTLS(
      TLSSettings(
        listener: .init(identity: certificate.identity), upstream: .init(authorities: certificate.path))),
    authority: authority, report: { _ in })
  let guardPort = admin.routes[0].listen.port
  return try await withBroker(ports, guardPort: guardPort, certificate, bench) {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await admin.run() }
      group.addTask { await authority.run() }
      defer { group.cancelAll() }
      func client(_ port: UInt16) -> KafkaProperties {
        KafkaProperties(bootstrap: ["127.0.0.1:\(port)"]).with("security.protocol", "ssl")
          .with("ssl.ca.location", certificate.path)
      }
      return try await guardedContest(
        "over TLS, ", direct: client(ports.direct), guarded: client(guardPort), networkNamespace: nil, bench)
    }
  }
}

/// Where a broker listens: in clear, and with TLS twice, for those who come directly and for the guard's.
private struct SecureBrokerPorts: Sendable {
  var open: UInt16
  var controller: UInt16
  var direct: UInt16
  var behind: UInt16

  /// Four that are free now. All are held until the last is found, or one may be given twice.
  init() throws {
    let peers = try (0..<4).map { _ in try LoopbackPeer() }
    (open, controller, direct, behind) = withExtendedLifetime(peers) {
      (peers[0].port, peers[1].port, peers[2].port, peers[3].port)
    }
  }
}

/// A certificate that signs itself, for 127.0.0.1.
private struct BenchCertificate: Sendable {
  /// The certificate, and the authority.
  let path: String
  let key: String
  /// Key and certificate, as a broker reads them.
  let store: String

  var identity: TLSIdentity { TLSIdentity(certificate: path, key: key) }

  init(in directory: String) async throws {
    (path, key, store) = ("\(directory)/tls.pem", "\(directory)/tls.key", "\(directory)/tls.store.pem")
    var request = ProcessRequest(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
        "/CN=blackstart-bench", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", path,
      ])
    request.logPath = "\(directory)/openssl.log"
    guard try await ChildProcess(request).wait() == .exited(0) else {
      throw Problem(.fail, at: "openssl", String(decoding: try readFile("\(directory)/openssl.log"), as: UTF8.self))
    }
    try writeFile(store, readFile(key) + readFile(path))
  }
}

/// Runs `body` beside one broker on the loopback.
private func withBroker<T: Sendable>(
  _ ports: SecureBrokerPorts, guardPort: UInt16, _ certificate: BenchCertificate, _ bench: Bench,
  _ body: () async throws -> T
) async throws -> T {
  try await withRollback { undo in
    let directory = "\(bench.workspace)/broker"
    try makeDirectory(directory)
    let listeners = { (behind: UInt16) in
      "PLAINTEXT://127.0.0.1:\(ports.open),DIRECT://127.0.0.1:\(ports.direct),BEHIND://127.0.0.1:\(behind)"
    }
    let text = """
      process.roles=broker,controller
      node.id=1
      controller.quorum.voters=1@127.0.0.1:\(ports.controller)
      controller.listener.names=CONTROLLER
      listeners=\(listeners(ports.behind)),CONTROLLER://127.0.0.1:\(ports.controller)
      advertised.listeners=\(listeners(guardPort))
      listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,DIRECT:SSL,BEHIND:SSL
      ssl.keystore.type=PEM
      ssl.keystore.location=\(certificate.store)
      log.dirs=\(directory)/data
      offsets.topic.replication.factor=1
      message.max.bytes=\(2 << 20)

      """
    let file = "\(directory)/server.properties"
    try writeFile(file, Array(text.utf8))
    let java = try await JavaRuntime.locate()
    let distribution = try KafkaDistribution.locate()
    func request(_ words: [String]) -> ProcessRequest {
      var request = ProcessRequest(
        java.program,
        ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", distribution.classPath] + words)
      request.logPath = "\(directory)/broker.log"
      request.directory = directory
      return request
    }
    let format = ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", file]
    guard try await ChildProcess(request(format)).wait() == .exited(0) else {
      let said = String(decoding: try readFile("\(directory)/broker.log"), as: UTF8.self)
      throw Problem(.fail, at: "kafka-storage", said)
    }
    let process = try ChildProcess(request(["kafka.Kafka", file]))
    undo.push(UndoStep("broker") { try await process.terminate(Signal.kill) })
    let administrator = try await KafkaAdmin(
      KafkaProperties(bootstrap: ["127.0.0.1:\(ports.open)"]), name: "bench", limit: .seconds(60))
    undo.push(UndoStep("client") { await administrator.close() })
    _ = try await administrator.createTopics([
      // The log is let go of as it grows: what is measured is the way to it.
      KafkaTopicSpecification("orders", partitions: 1, configuration: ["retention.bytes": "\(64 << 20)"])
    ])
    return try await body()
  }
}
