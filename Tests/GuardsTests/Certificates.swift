import Guards
import Support
import Testing

/// Certificates made by openssl, in one directory.
struct Certificates: Sendable {
  let directory: String

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// An authority.
  func makeAuthority(_ name: String) async throws {
    try await openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
      "/CN=\(name)", "-keyout", path("\(name).key"), "-out", path("\(name).pem"),
    ])
  }

  /// A certificate of an authority, for these names (`DNS:localhost,IP:127.0.0.1`), with its key beside it.
  func make(_ name: String, of authority: String, for names: String = "DNS:localhost,IP:127.0.0.1") async throws {
    try await openssl([
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)", "-keyout",
      path("\(name).key"), "-out", path("\(name).csr"),
    ])
    try writeFile(path("\(name).ext"), Array("subjectAltName=\(names)\n".utf8))
    try await openssl([
      "x509", "-req", "-in", path("\(name).csr"), "-CA", path("\(authority).pem"), "-CAkey", path("\(authority).key"),
      "-set_serial", "\(Int.random(in: 1...1_000_000))", "-days", "2", "-extfile", path("\(name).ext"), "-out",
      path("\(name).pem"),
    ])
  }

  func identity(_ name: String) -> TLSIdentity {
    TLSIdentity(certificate: path("\(name).pem"), key: path("\(name).key"))
  }

  func openssl(_ arguments: [String]) async throws {
    let (end, said) = try await run("/usr/bin/openssl", arguments, log: path("openssl.log"))
    guard end == 0 else { throw Problem(.fail, at: "openssl", "\(arguments.prefix(2)): \(said.suffix(500))") }
  }

  /// Runs a program to its end.
  ///
  /// - Returns: its exit status, −1 for a signal, and what it said.
  func run(_ program: String, _ arguments: [String], log: String) async throws -> (Int32, String) {
    try writeFile(log, [])
    var request = ProcessRequest(program, arguments)
    request.logPath = log
    let process = try ChildProcess(request)
    let end = try await withDeadline(.seconds(30), program) { await process.wait() }
    let said = String(decoding: try readFile(log), as: UTF8.self)
    if case .exited(let status)? = end { return (status, said) }
    return (-1, "\(String(describing: end)): \(said)")
  }
}

/// Runs `body` with two authorities, `ca` and `other`, and of `ca` a `server` and a `client`.
func withCertificates(_ body: (Certificates) async throws -> Void) async throws {
  try await inTemporaryDirectory { directory in
    let all = Certificates(directory: directory)
    try await all.makeAuthority("ca")
    try await all.makeAuthority("other")
    try await all.make("server", of: "ca")
    try await all.make("client", of: "ca")
    try await body(all)
  }
}
