internal import CSQLite
internal import Checks
internal import Glibc
internal import Support

/// What a user would do without the checks: scripts over the same events.
enum CheckRivals {
  /// The Python that runs the scripts: `$PYTHON`, for one that has DuckDB, or the system's.
  static var python: String { getenv("PYTHON").map { String(cString: $0) } ?? "/usr/bin/python3" }

  /// Events into a table, then a query for each of four rows. Processor time for 1,000 operations.
  static func sqlite(_ count: Int, seed: UInt64) throws -> Samples {
    var load = CheckLoad(isOpaque: false, seed: seed)
    var events: [LogEvent] = []
    var database: OpaquePointer?
    guard sqlite3_open(":memory:", &database) == SQLITE_OK else { throw problem(database) }
    defer { sqlite3_close(database) }
    let table =
      "CREATE TABLE e(kind INT, log INT, offset INT, producer INT, sequence INT, key INT, number INT, process INT)"
    let start = threadTime()
    var outside: Int64 = 0
    for text in [table, "BEGIN"] { try execute(text, database) }
    var insert: OpaquePointer?
    guard sqlite3_prepare_v2(database, "INSERT INTO e VALUES(?,?,?,?,?,?,?,?)", -1, &insert, nil) == SQLITE_OK
    else { throw problem(database) }
    defer { sqlite3_finalize(insert) }
    while load.operations < count {
      let before = threadTime()
      load.fill(&events, 1024)
      outside += threadTime() - before
      for event in events where event.kind != .sendInvoked {
        let values = [
          Int64(event.kind.rawValue), Int64(event.log), event.offset, Int64(event.producer), Int64(event.sequence),
          Int64(event.key), Int64(event.keySequence), Int64(event.process),
        ]
        for (place, value) in values.enumerated() { sqlite3_bind_int64(insert, Int32(place + 1), value) }
        guard sqlite3_step(insert) == SQLITE_DONE else { throw problem(database) }
        sqlite3_reset(insert)
      }
    }
    let (sent, read) = (LogEvent.Kind.sendAcknowledged.rawValue, LogEvent.Kind.polled.rawValue)
    for text in [
      "COMMIT", "CREATE INDEX i ON e(kind, producer, sequence)",
      "SELECT count(*) FROM (SELECT 1 FROM e WHERE kind=\(read) GROUP BY producer, sequence "
        + "HAVING count(DISTINCT log * 1000000000000 + offset) > 1)",
      "SELECT count(*) FROM e a WHERE kind=\(sent) AND NOT EXISTS (SELECT 1 FROM e b WHERE b.kind=\(read) "
        + "AND b.producer=a.producer AND b.sequence=a.sequence)",
      "SELECT count(*) FROM (SELECT number - lag(number) OVER (PARTITION BY key ORDER BY offset) d FROM e "
        + "WHERE kind=\(read)) WHERE d <= 0",
      "SELECT count(*) FROM (SELECT offset - lag(offset) OVER (PARTITION BY process, log ORDER BY rowid) d FROM e "
        + "WHERE kind=\(read)) WHERE d <> 1",
    ] { try execute(text, database) }
    var samples = Samples()
    samples.add((threadTime() - start - outside) * 1000 / Int64(load.operations))
    return samples
  }

  private static func execute(_ text: String, _ database: OpaquePointer?) throws {
    guard sqlite3_exec(database, text, nil, nil, nil) == SQLITE_OK else { throw problem(database) }
  }

  private static func problem(_ database: OpaquePointer?) -> Problem {
    Problem(.fail, at: "SQLite", String(cString: sqlite3_errmsg(database)))
  }

  /// A script with a set and a few dictionaries, over the events as lines. It writes its own processor time.
  static func python(_ count: Int, seed: UInt64, workspace: String) throws -> Samples {
    try script(sets, count, seed, workspace)
  }

  /// The same questions to DuckDB, on one thread, over the same lines. `nil`: this Python does not have it.
  static func duckDB(_ count: Int, seed: UInt64, workspace: String) throws -> Samples? {
    let look = Program(
      path: python, arguments: ["-c", "import sys\ntry: import duckdb\nexcept ImportError: sys.exit(9)"])
    do { try look.run(errors: "\(workspace)/no-duckdb") } catch is Problem { return nil }
    return try script(duckDB, count, seed, workspace)
  }

  private static func script(_ program: String, _ count: Int, _ seed: UInt64, _ workspace: String) throws -> Samples {
    var load = CheckLoad(isOpaque: false, seed: seed)
    var events: [LogEvent] = []
    let (lines, script, result) = ("\(workspace)/events.txt", "\(workspace)/check.py", "\(workspace)/took")
    guard let file = fopen(lines, "w") else { throw SystemError("fopen", lines) }
    while load.operations < count {
      load.fill(&events, 1024)
      var text = ""
      for event in events where event.kind != .sendInvoked {
        text += "\(event.kind == .polled ? "r" : "s") \(event.log) \(event.offset) \(event.producer) \(event.sequence) "
        text += "\(event.key) \(event.keySequence) \(event.process)\n"
      }
      guard fputs(text, file) >= 0 else { throw SystemError("fputs", lines) }
    }
    guard fclose(file) == 0 else { throw SystemError("fclose", lines) }
    guard let source = fopen(script, "w") else { throw SystemError("fopen", script) }
    fputs(program, source)
    guard fclose(source) == 0 else { throw SystemError("fclose", script) }
    try Program(path: python, arguments: [script, lines, result]).run(errors: "\(workspace)/errors")
    let took = String(decoding: try readFile(result, limit: 64), as: UTF8.self)
    guard let nanoseconds = Int64(took) else { throw Problem(.fail, at: script, "it says '\(took)'") }
    var samples = Samples()
    samples.add(nanoseconds * 1000 / Int64(load.operations))
    return samples
  }

  private static let sets = """
    import sys, time
    acked, seen, place, last, position = set(), set(), {}, {}, {}
    found = 0
    for line in open(sys.argv[1]):
        kind, log, offset, producer, sequence, key, number, process = line.split()
        offset, number, event = int(offset), int(number), (producer, sequence)
        if kind == "s":
            acked.add(event)
            continue
        if place.setdefault(event, (log, offset)) != (log, offset): found += 1
        seen.add(event)
        if last.get(key, 0) >= number: found += 1
        last[key] = number
        if position.get((process, log), offset - 1) + 1 != offset: found += 1
        position[(process, log)] = offset
    unseen = len(acked - seen)
    open(sys.argv[2], "w").write(str(time.process_time_ns()))
    """

  private static let duckDB = """
    import sys, time, duckdb
    base = duckdb.connect(config={"threads": 1})
    base.execute("CREATE TABLE e(kind VARCHAR, log INT, place BIGINT, producer INT, sequence BIGINT, key INT, "
                 "number BIGINT, process INT)")
    base.execute(f"COPY e FROM '{sys.argv[1]}' (DELIMITER ' ', HEADER false)")
    for text in [
        "SELECT count(*) FROM (SELECT 1 FROM e WHERE kind='r' GROUP BY producer, sequence "
        "HAVING count(DISTINCT log * 1000000000000 + place) > 1)",
        "SELECT count(*) FROM (SELECT producer, sequence FROM e WHERE kind='s' "
        "EXCEPT SELECT producer, sequence FROM e WHERE kind='r')",
        "SELECT count(*) FROM (SELECT number - lag(number) OVER (PARTITION BY key ORDER BY place) d FROM e "
        "WHERE kind='r') WHERE d <= 0",
        "SELECT count(*) FROM (SELECT place - lag(place) OVER (PARTITION BY process, log ORDER BY rowid) d FROM e "
        "WHERE kind='r') WHERE d <> 1",
    ]: base.execute(text).fetchall()
    open(sys.argv[2], "w").write(str(time.process_time_ns()))
    """
}
