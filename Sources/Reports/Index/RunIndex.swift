public import Support

/// One run as the index knows it.
public struct IndexedRun: Sendable, Hashable, Codable {
  /// The run's id.
  public var runID: String
  /// The scenario's name.
  public var scenario: String
  /// When it began: nanoseconds since 1970, UTC.
  public var startedAt: Int64
  /// How long it took.
  public var seconds: Double
  /// The verdict; `nil`: none.
  public var verdict: VerdictKind?
  /// The exit code of the command.
  public var exitCode: Int32
  /// The seed, as text: it may not fit 63 bits.
  public var seed: UInt64
  /// Recovery time in seconds; `nil`: not measured, or not recovered.
  public var recoverySeconds: Double?
  /// Acknowledged events missing at promotion; `nil`: not measured.
  public var missingEvents: Int?
  /// The time that they span, in seconds; `nil`: not measured.
  public var missingSeconds: Double?
  /// Where the run directory lies.
  public var directory: String

  /// What the index keeps of `summary`.
  public init(_ summary: RunSummary) {
    runID = summary.runID
    scenario = summary.scenario
    startedAt = summary.startedAt
    seconds = summary.seconds
    verdict = summary.overall
    exitCode = summary.exitCode
    seed = summary.seed
    recoverySeconds = summary.recoveryTime?.seconds
    missingEvents = summary.recoveryPoint?.count
    missingSeconds = summary.recoveryPoint?.seconds
    directory = summary.directory
  }
}

/// The index of all runs on this machine: one SQLite file, for trends and comparison. It holds nothing that the run
/// directories do not hold, and may be thrown away.
///
/// Several commands may use it at once, with five seconds of patience. It keeps SQLite's own journal: a change to the write-ahead
/// log is the one thing that SQLite does not wait for when another command has the file, and a line a run needs no such speed.
public struct RunIndex: ~Copyable {
  /// The layout of the tables that this version knows.
  private static let layout: Int64 = 1

  private let database: SQLite

  /// Opens the index in the file at `path`, made when it is not there.
  ///
  /// - Throws: ``Support/Problem``: not openable, no database, or written by a newer version.
  public init(path: String) throws(Problem) {
    let database = try SQLite(path: path)
    let version = try database.run("PRAGMA user_version").first?.first?.integer ?? 0
    guard version <= Self.layout else {
      throw Problem(
        .usage, at: path, "was written by a newer version (layout \(version), this one knows \(Self.layout))",
        fix: "use that version, or another index file")
    }
    if version < Self.layout { try Self.makeTables(in: database) }
    self.database = database
  }

  /// Two commands may both find an empty file: whoever comes second finds the table there.
  private static func makeTables(in database: borrowing SQLite) throws(Problem) {
    _ = try database.run(
      """
      CREATE TABLE IF NOT EXISTS runs (
        run_id TEXT PRIMARY KEY, scenario TEXT NOT NULL, started_at INTEGER NOT NULL, seconds REAL NOT NULL,
        verdict TEXT, exit_code INTEGER NOT NULL, seed TEXT NOT NULL, recovery_seconds REAL, missing_events INTEGER,
        missing_seconds REAL, directory TEXT NOT NULL) STRICT, WITHOUT ROWID
      """)
    _ = try database.run("CREATE INDEX IF NOT EXISTS runs_by_scenario ON runs (scenario, started_at)")
    _ = try database.run("PRAGMA user_version = 1")
  }

  /// Adds a run from its summary; one with the same id is replaced.
  public func add(_ summary: RunSummary) throws(Problem) { try add(IndexedRun(summary)) }

  /// Adds a run; one with the same id is replaced.
  public func add(_ run: IndexedRun) throws(Problem) {
    _ = try database.run(
      "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        .text(run.runID), .text(run.scenario), .integer(run.startedAt), .real(run.seconds),
        SQLiteValue(run.verdict?.rawValue), .integer(Int64(run.exitCode)), .text(String(run.seed)),
        SQLiteValue(run.recoverySeconds), SQLiteValue(run.missingEvents), SQLiteValue(run.missingSeconds),
        .text(run.directory),
      ])
  }

  /// The newest runs first.
  ///
  /// - Parameters:
  ///   - scenario: only runs of this scenario; `nil`: of all.
  ///   - limit: at most so many.
  public func runs(of scenario: String? = nil, limit: Int = 50) throws(Problem) -> [IndexedRun] {
    let rows = try database.run(
      """
      SELECT run_id, scenario, started_at, seconds, verdict, exit_code, seed, recovery_seconds, missing_events,
        missing_seconds, directory
      FROM runs WHERE ?1 IS NULL OR scenario = ?1 ORDER BY started_at DESC, run_id DESC LIMIT ?2
      """, [SQLiteValue(scenario), .integer(Int64(max(0, limit)))])
    return rows.compactMap(IndexedRun.init)
  }
}

extension IndexedRun {
  /// A row of the table; its columns cannot be of other types (STRICT).
  fileprivate init?(row: [SQLiteValue]) {
    guard row.count == 11, let runID = row[0].text, let scenario = row[1].text, let startedAt = row[2].integer,
      let seconds = row[3].real, let exitCode = row[5].integer, let seed = row[6].text.flatMap(UInt64.init),
      let directory = row[10].text
    else { return nil }
    self.runID = runID
    self.scenario = scenario
    self.startedAt = startedAt
    self.seconds = seconds
    verdict = row[4].text.flatMap(VerdictKind.init)
    self.exitCode = Int32(truncatingIfNeeded: exitCode)
    self.seed = seed
    recoverySeconds = row[7].real
    missingEvents = row[8].integer.map { Int($0) }
    missingSeconds = row[9].real
    self.directory = directory
  }
}

/// The runs of an index as a table for a terminal, the newest first.
public func indexText(_ runs: [IndexedRun]) -> String {
  guard !runs.isEmpty else { return "no run yet\n" }
  var table = TextTable([.left, .left, .left, .right, .right, .right])
  table.add("started", "scenario", "verdict", "took", "RTO", "RPO", "run")
  for run in runs {
    table.add(
      String(timestamp(run.startedAt).prefix(19)) + "Z", printable(run.scenario),
      run.verdict?.word ?? "exit \(run.exitCode)", span(run.seconds), run.recoverySeconds.map(span) ?? "",
      run.missingEvents.map { count in
        count == 0 ? "0" : "\(grouped(count)) in \(span(run.missingSeconds ?? 0))"
      } ?? "", printable(run.runID))
  }
  return table.lines.joined(separator: "\n") + "\n"
}
