internal import Glibc
public import Stacks
internal import Support
internal import TestSupport

/// A real broker with an authorizer that lets nobody in without a name and a proof, over TLS: for what clients are told when they are
/// not let in, or not allowed.
public struct SecureBroker: Sendable {
  /// Whether this machine has a Kafka to start.
  public static let available = getenv("KAFKA_HOME").map { $0[0] != 0 } ?? false
  /// Why not.
  public static let reason = "KAFKA_HOME names no Kafka distribution, so nothing was tried against a real broker"

  /// The passwords: words that stand nowhere else, so that they can be looked for.
  public static let password = "correct-horse-battery-staple-4711"
  /// One that is wrong.
  public static let wrongPassword = "tr0ub4dor-and-3-0815"

  /// The listeners.
  public enum Listener: String, CaseIterable, Sendable {
    /// SASL over TLS, with a certificate for 127.0.0.1.
    case secure
    /// The same with a certificate whose time is over.
    case expired
    /// In clear, for whoever may do everything.
    case open
  }

  /// Certificates of the broker, and of those who did not sign them.
  public let certificates: Certificates
  /// The broker's ports.
  public let ports: [Listener: UInt16]
  /// Its log.
  public let log: String

  /// Clients that may do everything.
  public var administrator: KafkaProperties { KafkaProperties(bootstrap: ["127.0.0.1:\(ports[.open] ?? 0)"]) }

  /// Clients that come in by a listener under a name.
  ///
  /// - Parameter password: where the password is.
  public func client(
    _ name: String, password: KafkaPropertyValue, mechanism: String = "PLAIN", at listener: Listener = .secure,
    host: String = "127.0.0.1"
  ) -> KafkaProperties {
    KafkaProperties(
      bootstrap: ["\(host):\(ports[listener] ?? 0)"],
      [
        "security.protocol": .text("sasl_ssl"), "sasl.mechanisms": .text(mechanism), "sasl.username": .text(name),
        "sasl.password": password, "ssl.ca.location": .text(certificates.authority),
      ])
  }

  /// Runs `body` beside such a broker, with the users `drill` (by PLAIN) and `weak` (by PLAIN and SCRAM-SHA-512), who both have
  /// ``password``.
  public static func with<T: Sendable>(_ body: (SecureBroker) async throws -> T) async throws -> T {
    try await withRollback { undo in
      let directory = "/dev/shm/bs-secure-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      try makeDirectory(directory)
      undo.push(UndoStep("directory \(directory)") { try removeTree(directory) })
      let certificates = try await Certificates(in: directory)
      let good = try await certificates.certificate("broker", for: ["IP:127.0.0.1"], days: 2)
      let expired = try await certificates.certificate("expired", for: ["IP:127.0.0.1"], days: 0)
      let java = try await JavaRuntime.locate()
      let distribution = try KafkaDistribution.locate()
      let free = try (0..<5).map { _ in try freePort() }
      let template = try await KafkaTemplate.prepare(
        in: "/var/cache/blackstart", java, distribution,
        at: KafkaTemplate.Place(
          address: "127.0.0.1", networkNamespace: nil, ports: (broker: free[0], controller: free[1], worker: free[2])))
      var request = try template.broker(
        KafkaBrokerSettings(
          address: "127.0.0.1", port: free[0], controllerPort: free[1], dataDirectory: "\(directory)/data"),
        in: directory)
      let properties = "\(directory)/server.properties"
      let ports: [Listener: UInt16] = [.open: free[0], .secure: free[3], .expired: free[4]]
      // The last word on a property counts.
      try writeFile(
        properties,
        readFile(properties) + Array(text(ports, controller: free[1], good: good, expired: expired).utf8))
      request.logPath = "\(directory)/broker.log"
      let process = try ChildProcess(request)
      undo.push(UndoStep("broker") { try await process.terminate(Signal.kill) })
      let broker = SecureBroker(certificates: certificates, ports: ports, log: "\(directory)/broker.log")
      try await broker.untilReady()
      try await broker.addScram("weak", java, distribution, in: directory)
      return try await body(broker)
    }
  }

  private static func text(
    _ ports: [Listener: UInt16], controller: UInt16, good: String, expired: String
  ) -> String {
    func all(_ word: (Listener) -> String) -> String { Listener.allCases.map(word).joined(separator: ",") }
    let listeners = all { "\($0.rawValue.uppercased())://127.0.0.1:\(ports[$0] ?? 0)" }
    let map = all { "\($0.rawValue.uppercased()):\($0 == .open ? "PLAINTEXT" : "SASL_SSL")" }
    let users = ["drill", "weak"].map { "user_\($0)=\"\(password)\"" }.joined(separator: " ")
    let secured = [(Listener.secure, good), (.expired, expired)].map { listener, file in
      let head = "listener.name.\(listener.rawValue)"
      return """
        \(head).ssl.keystore.type=PEM
        \(head).ssl.keystore.location=\(file)
        \(head).sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
        \(head).plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \(users);
        \(head).scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;

        """
    }
    return """

      listeners=\(listeners),CONTROLLER://127.0.0.1:\(controller)
      advertised.listeners=\(listeners)
      inter.broker.listener.name=OPEN
      listener.security.protocol.map=CONTROLLER:PLAINTEXT,\(map)
      \(secured.joined())
      """
  }

  private func untilReady() async throws {
    let admin = try await KafkaAdmin(administrator, name: "ready", limit: .seconds(1))
    let deadline = Timebase.system.monotonic() + 60_000_000_000
    while true {
      do throws(KafkaFailure) {
        if try await !admin.metadata().brokers.isEmpty { break }
      } catch {
        guard Timebase.system.monotonic() < deadline else {
          await admin.close()
          throw error.problem(.steadyState, at: String(decoding: try readFile(log), as: UTF8.self))
        }
      }
    }
    await admin.close()
  }

  /// Gives a user a password for SCRAM, which lies in the cluster and not in the broker's file.
  private func addScram(
    _ user: String, _ java: JavaRuntime, _ distribution: KafkaDistribution, in directory: String
  ) async throws {
    var request = ProcessRequest(
      java.program,
      [
        "-cp", distribution.classPath, "kafka.admin.ConfigCommand", "--bootstrap-server",
        administrator.bootstrap[0], "--alter", "--entity-type", "users", "--entity-name", user, "--add-config",
        "SCRAM-SHA-512=[iterations=4096,password=\(Self.password)]",
      ])
    request.logPath = "\(directory)/scram.log"
    let end = try await ChildProcess(request).wait()
    guard end == .exited(0) else {
      throw Problem(
        .usage, at: "kafka-configs", String(decoding: try readFile("\(directory)/scram.log"), as: UTF8.self))
    }
  }
}
