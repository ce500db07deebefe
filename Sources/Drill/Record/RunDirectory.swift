public import Support

/// The directory that a run leaves: everything needed to believe its verdict, or to dispute it.
public struct RunDirectory: Sendable, Hashable {
  /// Where it lies.
  public var path: String

  /// The directory of an earlier run.
  ///
  /// - Throws: ``Problem`` when there is no journal in it.
  public init(opening path: String) throws(Problem) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard fileExists(journal) else {
      throw Problem(
        .usage, at: path, "this is no run directory: it has no journal.jsonl", fix: "name a directory below runs/")
    }
  }

  /// Makes the directory of a new run.
  ///
  /// - Throws: ``Problem`` when it exists or cannot be made; nothing is changed then.
  public init(creating path: String) throws(Problem) {
    self.path = path
    if fileExists(path) {
      throw Problem(
        .usage, at: path, "the run directory exists already; a run never writes over another's evidence",
        fix: "name another with --run-dir, or remove it")
    }
    do throws(SystemError) {
      try makeDirectory(groundTruth)
      try makeDirectory(logs)
    } catch {
      throw Problem(.usage, at: path, "the run directory cannot be made: \(error)", fix: "name another with --run-dir")
    }
  }

  /// `2026-11-20T08-12-03Z-region-blackout-7f3a`: when, what, and four digits that tell runs of one second apart.
  public static func name(scenario: String, wall: Int64, nonce: UInt16) -> String {
    let time = timestamp(wall).prefix(19).map { $0 == ":" ? "-" : $0 }
    let digits = String(nonce, radix: 16)
    return "\(String(time))Z-\(scenario)-\(String(repeating: "0", count: 4 - digits.count))\(digits)"
  }

  /// The scenario as it was given.
  public var scenario: String { "\(path)/scenario.yaml" }
  /// What the scenario includes and names, each as it was.
  public var inputs: String { "\(path)/inputs" }
  /// The plan that was run, with its seed.
  public var plan: String { "\(path)/plan.json" }
  /// What was done and seen, hash-chained.
  public var journal: String { "\(path)/journal.jsonl" }
  /// Every operation of the workload.
  public var history: String { "\(path)/history.bsh" }
  /// Dumps from the servers at quiescence.
  public var groundTruth: String { "\(path)/ground-truth" }
  /// The servers' own logs.
  public var logs: String { "\(path)/logs" }
  /// The verdict.
  public var verdict: String { "\(path)/verdict.json" }
  /// For people.
  public var html: String { "\(path)/report.html" }
  /// For continuous integration.
  public var junit: String { "\(path)/junit.xml" }
  /// For Prometheus.
  public var metrics: String { "\(path)/metrics.prom" }
}
