import Guards
import Stacks
import Support
import TestSupport
import Testing

/// librdkafka over TLS through admin guards, before a real broker that listens in clear, with TLS, and for names with passwords.
@Suite(.serialized) struct RealTLSTests {
  /// Guards before one broker, by what they do.
  private struct Ports {
    var plain: UInt16
    var secure: UInt16
    var named: UInt16
    var demanding: UInt16
    var misled: UInt16
  }

  private static let light = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]

  @Test(.enabled(if: home("KAFKA_HOME") != nil, "KAFKA_HOME is not set"))
  func librdkafkaComesThroughTLS() async throws {
    let light = Self.light + ["\(home("KAFKA_HOME") ?? "")/libs/*"]
    try await withCertificates { certificates in
      let directory = certificates.directory
      let (inClear, inTLS, forNames, controller) = (try freePort(), try freePort(), try freePort(), try freePort())
      let (shown, ca) = (certificates.identity("server"), certificates.path("ca.pem"))
      let listener = TLSSettings.Listener(identity: shown)
      let said = Said()
      let trusting = TLSSettings.Upstream(authorities: ca)
      let misled = TLSSettings.Upstream(authorities: ca, name: "broker.example")
      try await withAuthority(StagedSource(7), "\(directory)/guard") { authority in
        func before(_ port: UInt16, _ tls: TLSSettings, _ body: (UInt16) async throws -> Void) async throws {
          try await withAdminGuard(
            before: port, host: "localhost", tls: try GuardTLS(tls), said: said, authority, body)
        }
        try await before(inClear, TLSSettings(listener: listener)) { plain in
          try await before(inTLS, TLSSettings(listener: listener, upstream: trusting)) { secure in
            try await before(forNames, TLSSettings(listener: listener)) { named in
              try await before(inClear, TLSSettings(listener: .init(identity: shown, clientAuthorities: ca))) {
                demanding in
                try await before(inTLS, TLSSettings(listener: listener, upstream: misled)) { misled in
                  let ports = Ports(plain: plain, secure: secure, named: named, demanding: demanding, misled: misled)
                  try write(ports, (inClear, inTLS, forNames, controller), certificates)
                  let properties = "\(directory)/broker.properties"
                  try await run(
                    light + ["kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", properties],
                    log: "\(directory)/format.log")
                  try await withServer(
                    light + ["kafka.Kafka", properties], log: "\(directory)/broker.log", port: inClear
                  ) { try await check(ports, certificates, said) }
                }
              }
            }
          }
        }
      }
    }
  }

  private func write(
    _ ports: Ports, _ own: (clear: UInt16, tls: UInt16, names: UInt16, controller: UInt16), _ certificates: Certificates
  ) throws {
    let store = certificates.path("broker.store.pem")
    try writeFile(
      store, try readFile(certificates.path("server.key")) + (try readFile(certificates.path("server.pem"))))
    try writeFile(certificates.path("password"), Array("right\n".utf8))
    try writeFile(certificates.path("wrong"), Array("wrong\n".utf8))
    try writeFile(
      certificates.path("broker.properties"),
      Array(
        """
        process.roles=broker,controller
        node.id=1
        controller.quorum.voters=1@127.0.0.1:\(own.controller)
        listeners=PLAINTEXT://127.0.0.1:\(own.clear),SSL://127.0.0.1:\(own.tls),SASL_PLAINTEXT://127.0.0.1:\(own.names),\
        CONTROLLER://127.0.0.1:\(own.controller)
        advertised.listeners=PLAINTEXT://localhost:\(ports.plain),SSL://localhost:\(ports.secure),\
        SASL_PLAINTEXT://localhost:\(ports.named)
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT
        ssl.keystore.type=PEM
        ssl.keystore.location=\(store)
        listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN
        listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \
        required user_alice="right";
        log.dirs=\(certificates.directory)/data
        offsets.topic.replication.factor=1
        auto.create.topics.enable=false
        authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
        super.users=User:ANONYMOUS;User:alice

        """.utf8))
  }

  private func check(_ ports: Ports, _ certificates: Certificates, _ said: Said) async throws {
    func client(_ port: UInt16, trusting authority: String = "ca.pem", token: Int64? = 7) -> KafkaProperties {
      let properties = KafkaProperties(bootstrap: ["localhost:\(port)"]).with("security.protocol", "ssl")
        .with("ssl.ca.location", certificates.path(authority))
      return token.map { properties.with(clientID: KafkaProperties.clientID(token: $0)) } ?? properties
    }
    func showing(_ name: String, _ properties: KafkaProperties) -> KafkaProperties {
      properties.with("ssl.certificate.location", certificates.path("\(name).pem"))
        .with("ssl.key.location", certificates.path("\(name).key"))
    }
    func named(_ password: String) -> KafkaProperties {
      var properties = client(ports.named).with("security.protocol", "sasl_ssl").with("sasl.mechanisms", "PLAIN")
        .with("sasl.username", "alice")
      properties.values["sasl.password"] = .file(certificates.path(password))
      return properties
    }
    // With the token, over TLS on one side, on both, and under a name with a password, which passes as it is.
    #expect(try await make("plain", client(ports.plain)) == nil)
    #expect(try await make("secure", client(ports.secure)) == nil)
    #expect(try await make("named", named("password")) == nil)
    // TLS takes nothing from the judgement.
    for port in [ports.plain, ports.secure] {
      #expect(try await make("none", client(port, token: nil))?.kind == .notAllowed)
      #expect(try await make("stale", client(port, token: 6))?.kind == .notAllowed)
    }
    // The wrong password is the broker's to refuse, the wrong authority the client's, and a missing certificate the guard's.
    for (what, properties) in [
      ("wrong password", named("wrong")), ("another authority", client(ports.plain, trusting: "other.pem")),
      ("no certificate", client(ports.demanding)), ("another broker than it should be", client(ports.misled)),
      ("in clear", KafkaProperties(bootstrap: ["localhost:\(ports.plain)"])),
    ] { #expect(try await reaches(properties) == false, "\(what)") }
    #expect(try await reaches(showing("client", client(ports.demanding))))
    for why in ["did not return a certificate", "ostname mismatch", "the client does not speak TLS"] {
      #expect(said.lines.contains { $0.contains(why) }, "\(why): \(said.lines)")
    }
  }

  /// - Returns: why the topic was not made.
  private func make(_ topic: String, _ properties: KafkaProperties) async throws -> KafkaFailure? {
    let admin = try await KafkaAdmin(properties, name: "tls", limit: .seconds(10))
    var failure: KafkaFailure?
    do throws(KafkaFailure) { try await admin.createTopics([KafkaTopicSpecification(topic, partitions: 1)]) } catch {
      failure = error
    }
    await admin.close()
    return failure
  }

  private func reaches(_ properties: KafkaProperties) async throws -> Bool {
    let admin = try await KafkaAdmin(properties, name: "tls", limit: .seconds(3))
    var outcome = true
    do throws(KafkaFailure) { _ = try await admin.metadata() } catch { outcome = false }
    await admin.close()
    return outcome
  }
}
