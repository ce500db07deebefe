internal import CSQLite
internal import Support

/// A value of a column.
enum SQLiteValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)

  /// A number, `NULL` for none.
  init(_ value: Double?) { self = value.map { .real($0) } ?? .null }
  /// A whole number, `NULL` for none.
  init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .null }
  /// A text, `NULL` for none.
  init(_ value: String?) { self = value.map { .text($0) } ?? .null }

  var integer: Int64? {
    guard case .integer(let value) = self else { return nil }
    return value
  }

  var real: Double? {
    switch self {
    case .real(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }

  var text: String? {
    guard case .text(let value) = self else { return nil }
    return value
  }
}

/// A database file, open. The only file that talks to SQLite. Statements are literals of this program, values are always
/// bound.
struct SQLite: ~Copyable {
  private let handle: OpaquePointer
  private let path: String

  /// Opens the file at `path`, made when it is not there.
  ///
  /// - Throws: a ``Support/Problem`` with SQLite's words.
  init(path: String) throws(Problem) {
    var handle: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX
    let code = sqlite3_open_v2(path, &handle, flags, nil)
    guard code == SQLITE_OK, let handle else {
      let what = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(handle)  // a handle comes back even when opening failed; closing nil does nothing
      throw Problem(.faultNotApplied, at: path, "the index of runs cannot be opened: \(what)")
    }
    self.handle = handle
    self.path = path
    sqlite3_extended_result_codes(handle, 1)
    sqlite3_busy_timeout(handle, 5000)  // milliseconds; another run may be writing its line
  }

  deinit { sqlite3_close_v2(handle) }

  /// Runs one statement and returns its rows.
  func run(_ statement: StaticString, _ values: [SQLiteValue] = []) throws(Problem) -> [[SQLiteValue]] {
    var prepared: OpaquePointer?
    guard sqlite3_prepare_v2(handle, statement.description, -1, &prepared, nil) == SQLITE_OK, let prepared else {
      throw problem()
    }
    defer { sqlite3_finalize(prepared) }
    for (index, value) in values.enumerated() {
      guard bind(value, to: prepared, at: Int32(index + 1)) == SQLITE_OK else { throw problem() }
    }
    var rows: [[SQLiteValue]] = []
    while true {
      switch sqlite3_step(prepared) {
      case SQLITE_ROW: rows.append((0..<sqlite3_column_count(prepared)).map { Self.column($0, of: prepared) })
      case SQLITE_DONE: return rows
      default: throw problem()
      }
    }
  }

  private func bind(_ value: SQLiteValue, to statement: OpaquePointer, at index: Int32) -> Int32 {
    switch value {
    case .null: return sqlite3_bind_null(statement, index)
    case .integer(let value): return sqlite3_bind_int64(statement, index, value)
    case .real(let value): return sqlite3_bind_double(statement, index, value)
    case .text(let value):
      // SQLITE_TRANSIENT, a cast that Swift does not import: SQLite copies the text before the call returns.
      let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
      return sqlite3_bind_text(statement, index, value, Int32(value.utf8.count), transient)
    }
  }

  private static func column(_ index: Int32, of statement: OpaquePointer) -> SQLiteValue {
    switch sqlite3_column_type(statement, index) {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, index))
    case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, index))
    case SQLITE_NULL: return .null
    default:
      guard let start = sqlite3_column_text(statement, index) else { return .null }
      let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, index)))
      return .text(String(decoding: bytes, as: UTF8.self))
    }
  }

  private func problem() -> Problem {
    let code = sqlite3_extended_errcode(handle)
    return Problem(
      .faultNotApplied, at: path, "the index of runs: \(String(cString: sqlite3_errmsg(handle))) (SQLite \(code))",
      fix: "the run directory is whole without it; move the file away to begin a new index")
  }
}
