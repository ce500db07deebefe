internal import Support

/// What the guard answers by itself: JSON in the shape of the registry's own errors, with the rule beside it, so that a refusal of
/// the guard can be told from one of the registry.
struct RegistryAnswer: Sendable {
  var status: Int
  var body: JSONValue

  /// A refusal by rule.
  ///
  /// - Parameter decision: what was decided.
  init(refused decision: GuardDecision) {
    // A frozen registry answers as Confluent's does in mode READONLY.
    let isFrozen = decision.rule == .frozen
    status = isFrozen ? 422 : 409
    var members: [String: JSONValue] = [
      "error_code": .integer(isFrozen ? 42205 : 40911),
      "message": .string("Refused by the registry guard: \(decision.rule.explanation)."),
      "guard": "blackstart", "rule": .string(decision.rule.rawValue),
    ]
    if let token = decision.token { members["token"] = .string(token) }
    body = .object(members)
  }

  /// An error of another kind.
  init(_ status: Int, _ message: String, rule: GuardRule? = nil) {
    self.status = status
    var members: [String: JSONValue] = [
      "error_code": .integer(Int64(status * 100 + 1)), "message": .string(message), "guard": "blackstart",
    ]
    if let rule { members["rule"] = .string(rule.rawValue) }
    body = .object(members)
  }

  /// An answer that is no error.
  init(_ body: JSONValue) {
    status = 200
    self.body = body
  }

  /// The whole response.
  func bytes(keepsAlive: Bool, isHead: Bool = false) -> [UInt8] {
    let content: [UInt8]
    do { content = try encodeJSON(body) } catch { preconditionFailure("an answer that is no JSON: \(error)") }
    let head = """
      HTTP/1.1 \(status) \(Self.reasons[status] ?? "Error")\r
      Content-Type: application/vnd.schemaregistry.v1+json\r
      Content-Length: \(content.count)\r
      Cache-Control: no-store\r
      Connection: \(keepsAlive ? "keep-alive" : "close")\r
      \r

      """
    return Array(head.utf8) + (isHead ? [] : content)
  }

  private static let reasons = [
    200: "OK", 400: "Bad Request", 405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict",
    413: "Content Too Large", 417: "Expectation Failed", 422: "Unprocessable Content",
    431: "Request Header Fields Too Large", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout", 505: "HTTP Version Not Supported",
  ]
}
