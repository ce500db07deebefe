internal import CPq
internal import Glibc
internal import Support

/// One libpq connection in non-blocking mode. The only place that touches libpq; it belongs to one thread.
///
/// Frees the connection at the end of its life: libpq then tries to send one message without waiting for it, because
/// the connection is non-blocking (fe-connect.c, `sendTerminateConn`), so that is safe over a dead path too.
final class PQLink {
  /// What the socket has to be ready for before the next step.
  enum Step: Equatable {
    case read
    case write
    case done
    case failed(String)
  }

  /// What came of one statement, or of a script's statements.
  enum Answer {
    case rows([[String?]])
    case refused(PostgresServerError)
    case broken(String)
  }

  private let connection: OpaquePointer

  /// Begins to connect; drive it with ``advanceConnect()``.
  init?(parameters: [(name: String, value: String)]) {
    let started = withCStrings(parameters.map(\.name)) { names in
      withCStrings(parameters.map(\.value)) { values in PQconnectStartParams(names, values, 0) }
    }
    guard let started else { return nil }
    connection = started
    PQsetNoticeProcessor(connection, ignoreNotice, nil)
  }

  deinit { PQfinish(connection) }

  /// The socket; it may change while connecting.
  var descriptor: Int32 { PQsocket(connection) }

  /// The last error, one line.
  var errorText: String {
    let text = String(cString: PQerrorMessage(connection))
    return text.split(separator: "\n").joined(separator: "; ")
  }

  /// Whether libpq has given the connection up.
  var isBroken: Bool { PQstatus(connection) == CONNECTION_BAD }

  /// Takes one step of the connection's set-up.
  func advanceConnect() -> Step {
    switch PQconnectPoll(connection) {
    case PGRES_POLLING_READING: return .read
    case PGRES_POLLING_WRITING: return .write
    case PGRES_POLLING_OK:
      return PQsetnonblocking(connection, 1) == 0 ? .done : .failed(errorText)
    default: return .failed(errorText)
    }
  }

  /// Queues one statement with its parameters as text.
  func send(_ sql: String, _ parameters: [String?]) -> Bool {
    withOptionalCStrings(parameters) { values in
      PQsendQueryParams(connection, sql, Int32(parameters.count), nil, values, nil, nil, 0) == 1
    }
  }

  /// Queues a script of statements without parameters; they run as one transaction.
  func send(script: String) -> Bool { PQsendQuery(connection, script) == 1 }

  /// Writes what is queued, as far as the socket takes it.
  func flush() -> Step {
    switch PQflush(connection) {
    case 0: .done
    case 1: .write
    default: .failed(errorText)
    }
  }

  /// Takes in what has arrived; `.done` when a whole answer can be read without waiting.
  func receive() -> Step {
    guard PQconsumeInput(connection) == 1 else { return .failed(errorText) }
    return PQisBusy(connection) == 1 ? .read : .done
  }

  /// The next result of the statements sent; `nil` after the last one. Call it only after ``receive()`` said `.done`.
  func nextAnswer() -> Answer? {
    guard let result = PQgetResult(connection) else { return nil }
    defer { PQclear(result) }
    switch PQresultStatus(result) {
    case PGRES_TUPLES_OK: return .rows(Self.rows(of: result))
    case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return .rows([])
    case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
      // Without a SQLSTATE the error is libpq's own: the connection broke.
      guard let state = Self.field("C", of: result) else { return .broken(errorText) }
      return .refused(
        PostgresServerError(
          sqlState: state, severity: Self.field("V", of: result) ?? "FATAL",
          message: Self.field("M", of: result) ?? "", detail: Self.field("D", of: result)))
    case let other: return .broken("unexpected result \(other.rawValue) (a COPY or a pipeline was never asked for)")
    }
  }

  /// The letters are those of the wire protocol (PostgreSQL manual, "Error and Notice Message Fields").
  private static func field(_ letter: Unicode.Scalar, of result: OpaquePointer) -> String? {
    PQresultErrorField(result, Int32(letter.value)).map { String(cString: $0) }
  }

  private static func rows(of result: OpaquePointer) -> [[String?]] {
    let columns = PQnfields(result)
    return (0..<PQntuples(result)).map { row in
      (0..<columns).map { column in
        if PQgetisnull(result, row, column) == 1 { return nil }
        let bytes = UnsafeRawBufferPointer(
          start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
        return String(decoding: bytes, as: UTF8.self)
      }
    }
  }

  /// A password as a server keeps it, so that the password itself never travels: `SCRAM-SHA-256$…`.
  func encrypted(password: String, user: String) -> String? {
    guard let text = PQencryptPasswordConn(connection, password, user, "scram-sha-256") else { return nil }
    defer { PQfreemem(text) }
    return String(cString: text)
  }
}

/// Takes the place of libpq's own, which writes to standard error. Runs on the connection's thread.
private func ignoreNotice(_ context: UnsafeMutableRawPointer?, _ message: UnsafePointer<CChar>?) {}

private func withCStrings<T>(_ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> T) -> T {
  withOptionalCStrings(texts, body)
}

/// Calls `body` with a NULL-terminated array of C strings (NULL where there is no text) that live as long as the call.
private func withOptionalCStrings<T>(_ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> T) -> T {
  let pointers = texts.map { text in text.map { UnsafePointer<CChar>(strdup($0)) } ?? nil } + [nil]
  defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
  return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
}
