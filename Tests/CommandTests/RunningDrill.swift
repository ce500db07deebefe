import Glibc
import Support
import Testing

/// A drill that goes on in a process of its own, watched through its journal as a user with `tail -f` would.
struct RunningDrill: Sendable {
  let directory: String
  let state: String
  let started: Started

  /// Starts a drill whose run directory is `run`, in `directory` unless it is absolute.
  init(
    in directory: String, scenario: String = Blackstart.scenario, run: String = "run", arguments: [String] = [],
    output: Int32? = nil, input: Int32? = nil
  ) throws {
    self.directory = run.hasPrefix("/") ? run : "\(directory)/\(run)"
    state = "\(directory)/state"
    started = try Started(
      Blackstart.program, ["run", scenario, "--run-dir", self.directory, "--state", state] + arguments, in: directory,
      output: output, input: input)
  }

  /// A drill that was started already.
  init(directory: String, state: String, started: Started) {
    self.directory = directory
    self.state = state
    self.started = started
  }

  /// Waits until its console has said this after what it was asked before.
  func asked(_ question: String) async throws {
    let deadline = Timebase.system.monotonic() + 90_000_000_000
    while Timebase.system.monotonic() < deadline, started.child.end == nil {
      if try started.saidSoFar.contains(question) { return }
      try await Task.sleep(for: .milliseconds(20))  // nothing tells a reader that another process has written
    }
    throw Missed(type: question, output: try started.saidSoFar)
  }

  /// The journal so far.
  var journal: [JournalRecord] {
    get throws {
      let path = "\(directory)/journal.jsonl"
      return fileExists(path) ? try JournalContents(path: path).records : []
    }
  }

  /// Waits until the journal has a record of `type` that `isMeant`.
  @discardableResult
  func until(_ type: String, _ isMeant: (JSONValue) -> Bool = { _ in true }) async throws -> JournalRecord {
    let deadline = Timebase.system.monotonic() + 90_000_000_000
    while Timebase.system.monotonic() < deadline {
      if let record = try journal.first(where: { $0.type == type && isMeant($0.data) }) { return record }
      if started.child.end != nil { break }
      try await Task.sleep(for: .milliseconds(20))  // nothing tells a reader that another process has written
    }
    let result = started.child.end == nil ? nil : try await started.result()
    throw Missed(type: type, output: result.map { "\($0.code)\n\($0.errors)\n\($0.output)" } ?? "it goes on")
  }

  /// Waits until `phase` has begun.
  func until(phase: String) async throws {
    try await until("phase.entered") { $0["phase"]?.string == phase }
  }

  /// The process of one of the lab's servers.
  func server(_ region: String, _ kind: String) throws -> Int32 {
    let record = try #require(
      try journal.first {
        $0.type == "lab.process.started" && $0.data["region"]?.string == region && $0.data["server"]?.string == kind
      })
    return try #require(record.data["pid"]?.integer.flatMap(Int32.init(exactly:)))
  }

  /// The name of a region's network namespace.
  func namespace(_ region: String) throws -> String {
    let names = try journal.filter { $0.type == "lab.namespace.creating" }.compactMap { $0.data["name"]?.string }
    return try #require(names.first { $0.hasSuffix("-\(region)") })
  }

  /// Expects that nothing of the drill is left on the machine but its evidence.
  func expectNothingLeft(_ location: Testing.SourceLocation = #_sourceLocation) throws {
    let names = try journal.filter { $0.type == "lab.namespace.creating" }.compactMap { $0.data["name"]?.string }
    #expect(!names.isEmpty, "the drill made no lab at all", sourceLocation: location)
    let standing = Set(try listDirectory("/run/netns"))
    #expect(names.filter(standing.contains) == [], sourceLocation: location)
    #expect(try listDirectory("\(state)/labs") == [], sourceLocation: location)
    #expect(try processes(touching: state) == [], sourceLocation: location)
  }

  /// Expects that every fault that was armed is verified gone, as the journal has it.
  func expectFaultsGone(_ location: Testing.SourceLocation = #_sourceLocation) throws {
    let records = try journal
    let armed = records.filter { $0.type == "fault.arming" }.compactMap { $0.data["fault"]?.string }
    #expect(!armed.isEmpty, "no fault was armed", sourceLocation: location)
    for fault in armed {
      let gone = records.first { $0.type == "fault.gone" && $0.data["fault"]?.string == fault }
      #expect(gone?.data["differences"]?.array == [], sourceLocation: location)
    }
  }

  /// Expects that the evidence can be read and judged.
  func expectEvidence(_ location: Testing.SourceLocation = #_sourceLocation) throws {
    for name in [
      "scenario.yaml", "plan.json", "history.bsh", "verdict.json", "report.html", "junit.xml", "metrics.prom",
    ] {
      #expect(fileExists("\(directory)/\(name)"), "no \(name)", sourceLocation: location)
    }
    #expect(try journal.last?.type == "run.ended", sourceLocation: location)
    #expect(try JournalContents(path: "\(directory)/journal.jsonl").defect == nil, sourceLocation: location)
    #expect(try listDirectory("\(directory)/logs").isEmpty == false, sourceLocation: location)
  }
}

/// A record that did not come.
struct Missed: Error, CustomStringConvertible {
  var type: String
  var output: String

  var description: String { "the journal never had '\(type)': \(output)" }
}

/// Processes that have `path` in their command line or as working directory.
func processes(touching path: String) throws -> [String] {
  try listDirectory("/proc").compactMap { pid in
    guard Int32(pid) != nil else { return nil }
    let place = target(ofLink: "/proc/\(pid)/cwd") ?? ""
    // A process that ends while we look has no command line to read.
    let command = (try? readFile("/proc/\(pid)/cmdline")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return place.hasPrefix(path) || command.contains(path) ? "\(pid) \(command)" : nil
  }
}
