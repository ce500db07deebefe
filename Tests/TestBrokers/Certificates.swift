internal import Support

/// An authority and the certificates that it signs, made by `openssl` for one test.
public struct Certificates: Sendable {
  /// Where they are.
  public let directory: String
  private static let program = "/usr/bin/openssl"
  private static let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

  /// The authority's own certificate.
  public var authority: String { "\(directory)/authority.pem" }
  /// That of an authority which has signed nothing.
  public var otherAuthority: String { "\(directory)/other.pem" }

  /// Makes two authorities.
  public init(in directory: String) async throws {
    self.directory = directory
    for name in ["authority", "other"] {
      try await run(
        ["req", "-x509"] + Self.key + [
          "-keyout", "\(directory)/\(name).key", "-out", "\(directory)/\(name).pem", "-days", "2", "-subj",
          "/CN=test \(name)",
        ])
    }
  }

  /// Makes a certificate with its key, in one file as brokers read it; returns the file.
  ///
  /// - Parameters:
  ///   - names: what it is for, `IP:127.0.0.1`.
  ///   - days: how long it is valid; with 0 its time is over as soon as it is made.
  public func certificate(_ name: String, for names: [String], days: Int) async throws -> String {
    let base = "\(directory)/\(name)"
    try await run(["req"] + Self.key + ["-keyout", "\(base).key", "-out", "\(base).csr", "-subj", "/CN=\(name)"])
    try writeFile("\(base).ext", Array("subjectAltName=\(names.joined(separator: ","))\n".utf8))
    try await run([
      "x509", "-req", "-in", "\(base).csr", "-CA", authority, "-CAkey", "\(directory)/authority.key", "-CAcreateserial",
      "-days", "\(days)", "-extfile", "\(base).ext", "-out", "\(base).crt",
    ])
    try writeFile("\(base).pem", readFile("\(base).key") + readFile("\(base).crt"))
    return "\(base).pem"
  }

  private func run(_ arguments: [String]) async throws {
    var request = ProcessRequest(Self.program, arguments)
    request.logPath = "\(directory)/openssl.log"
    let end = try await ChildProcess(request).wait()
    guard end == .exited(0) else {
      throw Problem(.usage, at: Self.program, String(decoding: try readFile("\(directory)/openssl.log"), as: UTF8.self))
    }
  }
}
