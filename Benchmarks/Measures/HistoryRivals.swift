internal import CSQLite
internal import Events
internal import Support

/// The same operations kept as a user would without us: JSON Lines by a Python script, rows of SQLite.
struct HistoryRivals {
  var workspace: String

  static let python = "/usr/bin/python3"

  /// Has Python write `operations`, an object a line.
  ///
  /// - Returns: processor time for the lines alone, without its start, in nanoseconds, and the bytes of the file.
  func pythonLines(_ operations: ArraySlice<Operation>) throws -> (nanoseconds: Int64, bytes: Int) {
    let (script, output, took) = ("\(workspace)/lines.py", "\(workspace)/lines.jsonl", "\(workspace)/took")
    try writeFile(script, Array(Self.script(operations, output, took).utf8))
    try Program(path: Self.python, arguments: [script]).run(errors: "\(workspace)/errors")
    let words = String(decoding: try readFile(took), as: UTF8.self).split(separator: " ")
    guard words.count == 2, let nanoseconds = Int64(words[0]), let bytes = Int(words[1]) else {
      throw Problem(.fail, at: script, "it did not say how long it took")
    }
    return (nanoseconds, bytes)
  }

  /// The operations stand in the script as tuples, so that only making and writing the lines is timed.
  private static func script(_ operations: ArraySlice<Operation>, _ output: String, _ took: String) -> String {
    let rows = operations.map { op in
      "('\(op.kind.name)',\(op.process),'\(op.event)',\(op.key),\(op.keySequence),\(op.partition?.rawValue ?? 0),"
        + "\(op.position ?? -1),\(op.checksum ?? 0),\(op.invoked),\(op.completed ?? 0))"
    }
    return """
      import json, os, time
      names = ("kind", "process", "event", "key", "keySequence", "partition", "position", "checksum", "invoked", "completed")
      rows = [\(rows.joined(separator: ",\n"))]
      start = time.process_time_ns()
      with open("\(output)", "w") as file:
        for row in rows:
          file.write(json.dumps(dict(zip(names, row)), separators=(",", ":")))
          file.write("\\n")
        file.flush()
        os.fsync(file.fileno())
      took = time.process_time_ns() - start
      with open("\(took)", "w") as file: file.write(f"{took} {os.path.getsize('\(output)')}")

      """
  }

  /// Inserts `operations` into a table, all in one transaction, by one prepared statement.
  ///
  /// - Returns: the bytes of the database.
  func sqliteRows(_ operations: ArraySlice<Operation>, run: Int) throws -> Int {
    let path = "\(workspace)/rows-\(run).sqlite"
    var handle: OpaquePointer?
    // A handle comes back even when opening failed; closing nil does nothing.
    defer { sqlite3_close_v2(handle) }
    try check(sqlite3_open(path, &handle), handle)
    let columns = "kind, process, producer, sequence, key, key_sequence, part, position, checksum, invoked, completed"
    try check(sqlite3_exec(handle, "create table operations (\(columns)); begin", nil, nil, nil), handle)
    var statement: OpaquePointer?
    let insert = "insert into operations values (?,?,?,?,?,?,?,?,?,?,?)"
    try check(sqlite3_prepare_v2(handle, insert, -1, &statement, nil), handle)
    defer { sqlite3_finalize(statement) }
    for op in operations {
      let values: [Int64] = [
        Int64(op.kind.rawValue), Int64(op.process), Int64(op.event.producer), Int64(op.event.sequence), Int64(op.key),
        Int64(op.keySequence), Int64(op.partition?.rawValue ?? 0), op.position ?? -1,
        Int64(bitPattern: op.checksum ?? 0), op.invoked, op.completed ?? 0,
      ]
      for (place, value) in values.enumerated() { sqlite3_bind_int64(statement, Int32(place + 1), value) }
      guard sqlite3_step(statement) == SQLITE_DONE else { throw problem(handle) }
      sqlite3_reset(statement)
    }
    try check(sqlite3_exec(handle, "commit", nil, nil, nil), handle)
    return try fileSize(path)
  }

  private func check(_ code: Int32, _ handle: OpaquePointer?) throws {
    guard code == SQLITE_OK else { throw problem(handle) }
  }

  private func problem(_ handle: OpaquePointer?) -> Problem {
    Problem(.fail, at: "SQLite", String(cString: sqlite3_errmsg(handle)))
  }
}
