internal import Support

/// The lab as it was asked for: `lab.json` in its directory, which another process opens the lab by.
struct LabRecord: Sendable, Hashable, Codable {
  var specification: LabSpecification
  /// Where the servers' logs are.
  var logsDirectory: String
  /// What the servers' roles log in with. The file is for root only; no journal and no log has it.
  var password: String

  func write(to path: String) throws {
    try writeFile(path, encodeJSON(self, pretty: true), mode: 0o600)
  }

  static func read(_ path: String) throws -> LabRecord {
    try decodeJSON(LabRecord.self, from: readFile(path, limit: 1 << 20))
  }

  /// 32 characters from an alphabet of 32: 160 bits that need no escaping anywhere.
  static func newPassword(from generator: inout some RandomNumberGenerator) -> String {
    let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)
    return String(decoding: (0..<32).map { _ in alphabet[Int(generator.next() & 31)] }, as: UTF8.self)
  }
}
