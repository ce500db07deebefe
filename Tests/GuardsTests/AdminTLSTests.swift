import Guards
import KafkaWire
import Support
import Testing

/// TLS on both sides of an admin guard. Two guards stand in a row, the first of which takes its clients in clear and speaks TLS with
/// the second: so each side's bytes are compared as they are without TLS.
@Suite(.serialized) struct AdminTLSTests {
  /// What the two guards are told, and what came of it.
  struct Row {
    var before: TLSSettings.Upstream
    var behind: TLSSettings.Listener
    /// Where the first guard believes the second one to be.
    var host = "127.0.0.1"
    let saidBefore = Said()
    let saidBehind = Said()
  }

  /// - Parameter body: gets the port of the first guard, that of the second, and the broker.
  private func with(
    _ row: Row, _ directory: String, _ body: (UInt16, UInt16, EchoBroker) async throws -> Void
  ) async throws -> [GuardDecision] {
    let broker = try EchoBroker()
    let source = StagedSource(7)
    try await withAuthority(source, "\(directory)/behind") { behind in
      try await serving({ await broker.serve() }) {
        try await withAdminGuard(
          before: broker.peer.port, tls: try GuardTLS(TLSSettings(listener: row.behind)), said: row.saidBehind, behind
        ) { secure in
          try await withAuthority(source, "\(directory)/before") { before in
            try await withAdminGuard(
              before: secure, host: row.host, tls: try GuardTLS(TLSSettings(upstream: row.before)),
              said: row.saidBefore,
              before
            ) { try await body($0, secure, broker) }
          }
        }
      }
    }
    return try GuardDecision.read("\(directory)/behind/decisions.jsonl").decisions
  }

  /// Whether a request through the first guard is answered.
  private func asks(_ port: UInt16) async throws -> Bool {
    try await onOwnThread("client") {
      let wire = try Wire(port: port)
      do { try wire.send(metadata(1)) } catch { return false }
      return try wire.toTheEnd(orAfter: 4).count >= 4
    }
  }

  @Test(arguments: [false, true]) func everythingPassesOverTLSByteForByte(demandsCertificates: Bool) async throws {
    try await withCertificates { certificates in
      let row = Row(
        before: .init(
          authorities: certificates.path("ca.pem"),
          identity: demandsCertificates ? certificates.identity("client") : nil),
        behind: .init(
          identity: certificates.identity("server"),
          clientAuthorities: demandsCertificates ? certificates.path("ca.pem") : nil))
      var random = SeededRandom(seed: 11)
      let conversation = AdminStreamTests.Conversation.drawn(30, &random)
      _ = try await with(row, certificates.directory) { port, _, broker in
        try await AdminStreamTests.hold(conversation, try Wire(port: port), seed: 11)
        #expect(broker.requests == conversation.passed)
        // The end of one half goes through both.
        try await onOwnThread("client") {
          let wire = try Wire(port: port)
          try wire.send(metadata(1))
          wire.shutWriting()
          #expect(number(try wire.frame()) == 1)
          #expect(try wire.toTheEnd().isEmpty)
        }
      }
      #expect(
        row.saidBefore.lines.isEmpty && row.saidBehind.lines.isEmpty, "\(row.saidBefore.lines + row.saidBehind.lines)")
    }
  }

  /// What is behind shows a certificate of another authority, or of another name: nothing goes to it.
  @Test(arguments: [
    ("other.pem", "127.0.0.1", String?.none, "the certificate shown is refused"),
    ("ca.pem", "127.0.0.1", "broker.example", "mismatch"),
    ("ca.pem", "127.0.0.2", nil, "mismatch"), ("ca.pem", "localhost", nil, ""),
    ("ca.pem", "127.0.0.1", "localhost", ""),
  ])
  func whatIsBehindMustBeWhoItShouldBe(authorities: String, host: String, name: String?, why: String) async throws {
    try await withCertificates { certificates in
      var row = Row(
        before: .init(authorities: certificates.path(authorities), name: name),
        behind: .init(identity: certificates.identity("server")))
      // Where another address is connected to, the second guard has to listen there: on all of 127.0.0.0/8 it does not.
      row.host = host == "127.0.0.2" ? "127.0.0.1" : host
      if host == "127.0.0.2" { row.before.name = host }
      _ = try await with(row, certificates.directory) { port, _, broker in
        let isAnswered = try await asks(port)
        #expect(isAnswered == why.isEmpty)
        #expect(broker.requests.count == (why.isEmpty ? 1 : 0))
      }
      #expect(
        why.isEmpty
          ? row.saidBefore.lines.isEmpty
          : row.saidBefore.lines.contains { $0.hasPrefix("cannot speak TLS with the broker") && $0.contains(why) },
        "\(row.saidBefore.lines)")
    }
  }

  /// Clients without a certificate, or with one of another authority, are refused, and that is written down.
  @Test(arguments: [(String?.none, "did not return a certificate"), ("stranger", "is refused")])
  func clientsMustShowACertificateWhereThatIsDemanded(shown: String?, why: String) async throws {
    try await withCertificates { certificates in
      try await certificates.make("stranger", of: "other")
      let row = Row(
        before: .init(authorities: certificates.path("ca.pem"), identity: shown.map(certificates.identity)),
        behind: .init(identity: certificates.identity("server"), clientAuthorities: certificates.path("ca.pem")))
      let decisions = try await with(row, certificates.directory) { port, _, broker in
        let isAnswered = try await asks(port)
        #expect(!isAnswered)
        #expect(broker.requests.isEmpty)
      }
      #expect(decisions.map(\.rule) == [.tlsFailed] && decisions.allSatisfy { !$0.isAllowed })
      #expect(row.saidBehind.lines.contains { $0.contains(why) }, "\(row.saidBehind.lines)")
    }
  }

  /// A client in clear at a port of TLS, whatever it speaks: closed, and said why.
  @Test(arguments: [
    metadata(1), request(18, 3, 1, client: "rdkafka", flexible: true), produce(1, acks: 1, bytes: 100_000),
    Array("GET / HTTP/1.1\r\nHost: r\r\n\r\n".utf8), [UInt8](repeating: 0xff, count: 600),
  ])
  func aClientInClearIsToldApart(bytes: [UInt8]) async throws {
    try await withCertificates { certificates in
      let row = Row(
        before: .init(authorities: certificates.path("ca.pem")),
        behind: .init(identity: certificates.identity("server")))
      let decisions = try await with(row, certificates.directory) { _, secure, broker in
        try await onOwnThread("client") {
          let wire = try Wire(port: secure)
          try wire.send(bytes)
          // An alert at most.
          #expect(try wire.toTheEnd().count < 16)
        }
        #expect(broker.requests.isEmpty)
      }
      #expect(decisions.map(\.rule) == [.tlsFailed])
      #expect(row.saidBehind.lines.contains { $0.contains("the client does not speak TLS") }, "\(row.saidBehind.lines)")
    }
  }

  /// Older versions than 1.2 are refused; 1.2 and 1.3 are spoken.
  @Test(arguments: [("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)])
  func versions(option: String, works: Bool) async throws {
    try await withCertificates { certificates in
      let row = Row(
        before: .init(authorities: certificates.path("ca.pem")),
        behind: .init(identity: certificates.identity("server")))
      _ = try await with(row, certificates.directory) { _, secure, _ in
        let (status, said) = try await certificates.run(
          "/usr/bin/openssl",
          [
            "s_client", "-connect", "127.0.0.1:\(secure)", option, "-cipher", "ALL:@SECLEVEL=0", "-CAfile",
            certificates.path("ca.pem"), "-verify_return_error", "-brief",
          ], log: certificates.path("client.log"))
        #expect((status == 0) == works, "\(said)")
      }
    }
  }

  /// Files that a guard must not start with.
  @Test func unusableFilesAreNamed() async throws {
    try await withCertificates { certificates in
      func what(_ settings: TLSSettings) -> String {
        do throws(Problem) {
          _ = try GuardTLS(settings)
          return ""
        } catch { return "\(error)" }
      }
      let (server, client) = (certificates.identity("server"), certificates.identity("client"))
      #expect(what(TLSSettings(listener: .init(identity: server))) == "")
      let mixed = TLSIdentity(certificate: server.certificate, key: client.key)
      #expect(what(TLSSettings(listener: .init(identity: mixed))).contains("is not that of"))
      let missing = TLSIdentity(certificate: "/nowhere.pem", key: server.key)
      #expect(
        what(TLSSettings(listener: .init(identity: missing))).contains(
          "/nowhere.pem: error: the certificate cannot be read"))
      #expect(
        what(TLSSettings(upstream: .init(authorities: server.key))).contains(
          "the certificate authorities cannot be read"))
      try await certificates.openssl([
        "ec", "-in", server.key, "-aes256", "-passout", "pass:secret", "-out", certificates.path("locked.key"),
      ])
      let locked = TLSIdentity(certificate: server.certificate, key: certificates.path("locked.key"))
      #expect(what(TLSSettings(listener: .init(identity: locked))).contains("without a passphrase"))
      _ = try await certificates.run("/usr/bin/chmod", ["0644", client.key], log: certificates.path("chmod.log"))
      let open = what(TLSSettings(upstream: .init(authorities: certificates.path("ca.pem"), identity: client)))
      #expect(open.contains("the key can be read or written by others") && open.contains("chmod 600"), "\(open)")
    }
  }

  /// What came encrypted does not go on in clear to another machine.
  @Test func nothingGoesOnInClearToAnotherMachine() async throws {
    try await withCertificates { certificates in
      let tls = try GuardTLS(TLSSettings(listener: .init(identity: certificates.identity("server"))))
      try await withAuthority(StagedSource(7), "\(certificates.directory)/guard") { authority in
        await #expect(throws: Problem.self) {
          try await withAdminGuard(before: 9092, host: "192.0.2.1", tls: tls, authority) { _ in }
        }
        await #expect(throws: Problem.self) {
          _ = try await RegistryGuard(
            RegistrySettings(
              listen: Endpoint(host: "127.0.0.1", port: 0), upstream: Endpoint(host: "192.0.2.1", port: 8081)),
            tls: tls, authority: authority, report: { _ in })
        }
      }
    }
  }
}
