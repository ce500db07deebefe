internal import Support

/// What the server answered instead of doing what it was asked.
public struct PostgresServerError: Error, Sendable, Hashable {
  /// The five characters of SQLSTATE (PostgreSQL manual, appendix A), or our own `BS…`.
  public var sqlState: String
  /// `ERROR`, `FATAL` or `PANIC`.
  public var severity: String
  /// The primary message.
  public var message: String
  /// The detail, if there is one.
  public var detail: String?

  /// An answer with its parts.
  public init(sqlState: String, severity: String, message: String, detail: String? = nil) {
    self.sqlState = sqlState
    self.severity = severity
    self.message = message
    self.detail = detail
  }
}

/// Why a call to PostgreSQL did not end well, and whether it may have taken effect all the same.
public enum PostgresError: Error, Sendable, Hashable {
  /// No connection could be made; nothing was asked.
  case unreachable(PostgresAddress, String)
  /// The connection is not open; nothing was asked.
  case closed(PostgresAddress)
  /// Our deadline passed. `sent`: the statement may have reached the server. The connection is closed.
  case timedOut(PostgresAddress, after: Duration, sent: Bool)
  /// The task was cancelled. `sent` as in ``timedOut(_:after:sent:)``. The connection is closed.
  case cancelled(PostgresAddress, sent: Bool)
  /// The connection broke. `sent` as in ``timedOut(_:after:sent:)``. The connection is closed.
  case lost(PostgresAddress, String, sent: Bool)
  /// The server refused; with severity `ERROR` the statement had no effect and the connection goes on.
  case server(PostgresServerError)
  /// The answer has another shape than ours asks for: wrong schema version, or a mistake of ours.
  case malformed(String)

  /// The server's SQLSTATE, if it answered.
  public var sqlState: String? {
    guard case .server(let error) = self else { return nil }
    return error.sqlState
  }

  /// Whether the statement may have taken effect although no answer says so. A history records it as unknown.
  ///
  /// A server that ends the connection (`FATAL`, `PANIC`) may do so after the commit, so that counts as unknown too.
  public var isUnknownOutcome: Bool {
    switch self {
    case .unreachable, .closed: false
    case .timedOut(_, _, let sent), .cancelled(_, let sent), .lost(_, _, let sent): sent
    case .server(let error): error.severity != "ERROR" || error.sqlState == "40003"
    case .malformed: true
    }
  }
}

extension PostgresError: CustomStringConvertible {
  /// What happened, at which server, and whether the statement may have taken effect.
  public var description: String {
    switch self {
    case .unreachable(let address, let why): "cannot connect to \(address): \(why)"
    case .closed(let address): "the connection to \(address) is closed"
    case .timedOut(let address, let limit, let sent):
      "\(address) gave no answer within \(limit.brief)\(Self.state(sent))"
    case .cancelled(let address, let sent): "the call to \(address) was cancelled\(Self.state(sent))"
    case .lost(let address, let why, let sent): "the connection to \(address) broke: \(why)\(Self.state(sent))"
    case .server(let error):
      "\(error.severity) \(error.sqlState): \(error.message)\(error.detail.map { " (\($0))" } ?? "")"
    case .malformed(let what): "PostgreSQL answered in an unexpected shape: \(what)"
    }
  }

  private static func state(_ sent: Bool) -> String {
    sent ? "; whether the statement took effect is unknown" : "; nothing was sent"
  }
}
