internal import Events

/// Reads the columns of one row from left to right; a missing or foreign value is an error, never a default.
struct Row {
  private let values: [String?]
  private let what: String
  private var next = 0

  init(_ values: [String?], _ what: String) {
    self.values = values
    self.what = what
  }

  mutating func optional() throws(PostgresError) -> String? {
    guard next < values.count else { throw .malformed("\(what) has only \(values.count) columns") }
    defer { next += 1 }
    return values[next]
  }

  mutating func text() throws(PostgresError) -> String {
    guard let value = try optional() else { throw .malformed("\(what): column \(next) is NULL") }
    return value
  }

  mutating func integer() throws(PostgresError) -> Int64 {
    let value = try text()
    guard let number = Int64(value) else { throw .malformed("\(what): '\(value)' is no 64-bit number") }
    return number
  }

  /// Unsigned numbers travel as the signed column with the same bits.
  mutating func unsigned() throws(PostgresError) -> UInt64 { UInt64(bitPattern: try integer()) }

  mutating func small() throws(PostgresError) -> UInt32 {
    let value = try integer()
    guard let number = UInt32(exactly: value) else { throw .malformed("\(what): \(value) does not fit 32 bits") }
    return number
  }

  mutating func bool() throws(PostgresError) -> Bool {
    switch try text() {
    case "t": true
    case "f": false
    case let other: throw .malformed("\(what): '\(other)' is no truth value")
    }
  }

  /// Microseconds of the server, as nanoseconds.
  mutating func time() throws(PostgresError) -> Int64 {
    let (nanoseconds, overflow) = try integer().multipliedReportingOverflow(by: 1000)
    if overflow { throw .malformed("\(what): a time beyond 2262") }
    return nanoseconds
  }

  /// Like ``time()``, where NULL has a meaning.
  mutating func optionalTime() throws(PostgresError) -> Int64? {
    if next < values.count && values[next] == nil {
      next += 1
      return nil
    }
    return try time()
  }

  mutating func event() throws(PostgresError) -> EventID { EventID(producer: try small(), sequence: try unsigned()) }

  mutating func mode() throws(PostgresError) -> FenceMode {
    let value = try text()
    guard let mode = FenceMode(rawValue: value) else { throw .malformed("\(what): unknown mode '\(value)'") }
    return mode
  }

  mutating func cursor() throws(PostgresError) -> StoreCursor {
    StoreCursor(transaction: try unsigned(), position: try integer())
  }

  mutating func stored() throws(PostgresError) -> StoredEvent {
    StoredEvent(
      cursor: try cursor(), id: try event(), origin: try text(), originSequence: try integer(),
      aggregate: try small(), aggregateSequence: try unsigned(), token: try integer(), checksum: try unsigned(),
      arrivedAt: try time())
  }

  mutating func fence() throws(PostgresError) -> FenceState {
    var state = FenceState(region: try text(), token: try integer(), mode: try mode(), holder: try text())
    state.validUntilWall = try optionalTime()
    return state
  }
}

/// SQL for a timestamp column as whole microseconds since 1970.
func microseconds(_ column: String) -> String { "(extract(epoch from \(column)) * 1000000)::bigint" }

/// SQL for a parameter of microseconds since 1970 as a timestamp; NULL stays NULL.
func timestamp(parameter: Int) -> String { "timestamptz 'epoch' + $\(parameter)::bigint * interval '1 microsecond'" }
