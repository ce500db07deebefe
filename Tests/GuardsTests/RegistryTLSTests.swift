import Guards
import Support
import Synchronization
import Testing

/// TLS on both sides of a registry guard, with curl as the client.
@Suite(.serialized) struct RegistryTLSTests {
  /// A registry in clear that answers everything with `[]`, and counts.
  private final class PlainRegistry: Sendable {
    let peer: Peer
    private let count = Mutex(0)

    init() throws { peer = try Peer() }

    var requests: Int { count.withLock { $0 } }

    func serve() async {
      await peer.serve { [self] wire in
        var last: [UInt8] = []
        while true {
          let more = try wire.some()
          if more.isEmpty { return }
          last = (last + more).suffix(4)
          // The tests' bodies end with a brace.
          guard last == Array("\r\n\r\n".utf8) || last.last == UInt8(ascii: "}") else { continue }
          count.withLock { $0 += 1 }
          try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        }
      }
    }
  }

  private func withRegistryGuard(
    before upstream: UInt16, _ directory: String, host: String = "127.0.0.1", _ tls: GuardTLS, said: Said = Said(),
    _ body: (UInt16) async throws -> Void
  ) async throws {
    try await withAuthority(StagedSource(7), directory) { authority in
      let proxy = try await RegistryGuard(
        RegistrySettings(
          listen: Endpoint(host: "127.0.0.1", port: 0), upstream: Endpoint(host: host, port: upstream)),
        tls: tls, authority: authority, report: { said.add($0) })
      let running = Task { try? await proxy.run() }
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await body(proxy.endpoint.port)) } catch { outcome = .failure(error) }
      running.cancel()
      await running.value
      try outcome.get()
    }
  }

  /// - Returns: curl's exit status, and what it was answered: the body and, behind a space, the status.
  private func curl(_ certificates: Certificates, _ arguments: [String]) async throws -> (Int32, String) {
    try await certificates.run(
      "/usr/bin/curl", ["-sS", "-m", "10", "-w", " %{http_code}"] + arguments, log: certificates.path("curl.log"))
  }

  @Test func curlReadsAndWritesOverTLS() async throws {
    try await withCertificates { certificates in
      let registry = try PlainRegistry()
      let tls = try GuardTLS(TLSSettings(listener: .init(identity: certificates.identity("server"))))
      let trusting = ["--cacert", certificates.path("ca.pem")]
      try await serving({ await registry.serve() }) {
        try await withRegistryGuard(before: registry.peer.port, certificates.path("guard"), tls) { port in
          let address = "https://localhost:\(port)/subjects"
          #expect(try await curl(certificates, trusting + [address]) == (0, "[] 200"))
          let write = trusting + ["-d", "{}", "\(address)/a/versions"]
          let refused = try await curl(certificates, write)
          #expect(refused.0 == 0 && refused.1.contains("no-token") && refused.1.hasSuffix(" 409"), "\(refused)")
          #expect(try await curl(certificates, ["-H", "X-Fencing-Token: 7"] + write) == (0, "[] 200"))
          // A client that trusts another authority goes no further (60: the certificate cannot be verified).
          #expect(try await curl(certificates, ["--cacert", certificates.path("other.pem"), address]).0 == 60)
          // In clear there is nothing to be had.
          #expect(try await curl(certificates, ["http://localhost:\(port)/subjects"]).0 != 0)
        }
      }
      #expect(registry.requests == 2)
      let decisions = try GuardDecision.read("\(certificates.path("guard"))/decisions.jsonl").decisions
      #expect(decisions.map(\.rule) == [.noToken, .currentToken, .tlsFailed, .tlsFailed])
      #expect(decisions.last?.asked == "TLS: the client does not speak TLS")
    }
  }

  @Test func curlMustShowACertificateWhereThatIsDemanded() async throws {
    try await withCertificates { certificates in
      try await certificates.make("stranger", of: "other")
      let registry = try PlainRegistry()
      let said = Said()
      let tls = try GuardTLS(
        TLSSettings(
          listener: .init(identity: certificates.identity("server"), clientAuthorities: certificates.path("ca.pem"))))
      try await serving({ await registry.serve() }) {
        try await withRegistryGuard(before: registry.peer.port, certificates.path("guard"), tls, said: said) { port in
          func ask(_ name: String?) async throws -> (Int32, String) {
            let shown = name.map {
              ["--cert", certificates.path("\($0).pem"), "--key", certificates.path("\($0).key")]
            }
            return try await curl(
              certificates,
              (shown ?? []) + ["--cacert", certificates.path("ca.pem"), "https://127.0.0.1:\(port)/subjects"])
          }
          let answers = [try await ask(nil), try await ask("stranger"), try await ask("client")]
          #expect(answers[0].0 != 0 && answers[1].0 != 0, "\(answers)")
          #expect(answers[2] == (0, "[] 200"))
        }
      }
      #expect(registry.requests == 1)
      #expect(said.lines.contains { $0.contains("did not return a certificate") }, "\(said.lines)")
    }
  }

  /// The registry itself behind TLS: its authority and its name are checked before anything is sent.
  @Test(arguments: [("ca.pem", String?.none, 200), ("other.pem", nil, 502), ("ca.pem", "registry.example", 502)])
  func aRegistryBehindMustBeWhoItShouldBe(authorities: String, name: String?, status: Int) async throws {
    try await withCertificates { certificates in
      let registry = try PlainRegistry()
      let said = Said()
      let behind = try GuardTLS(TLSSettings(listener: .init(identity: certificates.identity("server"))))
      let before = try GuardTLS(
        TLSSettings(upstream: .init(authorities: certificates.path(authorities), name: name)))
      try await serving({ await registry.serve() }) {
        try await withRegistryGuard(before: registry.peer.port, certificates.path("behind"), behind) { secure in
          try await withRegistryGuard(
            before: secure, certificates.path("before"), host: "localhost", before, said: said
          ) {
            port in
            let answer = try await curl(certificates, ["http://127.0.0.1:\(port)/subjects"])
            #expect(answer.1.hasSuffix(" \(status)"), "\(answer)")
          }
        }
      }
      #expect(registry.requests == (status == 200 ? 1 : 0))
      #expect((status == 200) == said.lines.isEmpty, "\(said.lines)")
    }
  }

  /// Certificates that were replaced are shown from the next connection on; files that are no use change nothing.
  @Test func certificatesAreReadAgain() async throws {
    try await withCertificates { certificates in
      let registry = try PlainRegistry()
      let tls = try GuardTLS(TLSSettings(listener: .init(identity: certificates.identity("server"))))
      try await serving({ await registry.serve() }) {
        try await withRegistryGuard(before: registry.peer.port, certificates.path("guard"), tls) { port in
          func ask(trusting authority: String) async throws -> Int32 {
            try await curl(
              certificates, ["--cacert", certificates.path(authority), "https://localhost:\(port)/subjects"]
            ).0
          }
          #expect(try await ask(trusting: "ca.pem") == 0)
          try await certificates.make("server", of: "other")
          try tls.reload()
          #expect(try await ask(trusting: "ca.pem") == 60)
          #expect(try await ask(trusting: "other.pem") == 0)
          try writeFile(certificates.path("server.pem"), Array("nothing".utf8))
          #expect(throws: Problem.self) { try tls.reload() }
          #expect(try await ask(trusting: "other.pem") == 0)
        }
      }
    }
  }
}
