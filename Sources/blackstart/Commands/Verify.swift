internal import Checks
internal import Drill
internal import Events
internal import Reports
internal import Support

extension Commands {
  /// `blackstart verify`
  static let verify = Command(
    name: "verify", operands: ["[PATH]"],
    summary: "Judges evidence again: a run directory, a history by itself, or a witness. Writes nothing.",
    details: """
      PATH is a run directory (judged as the run itself did, and compared with its verdict.json), a history \
      (.bsh, .jsonl, or Jepsen's .edn: the anomalies that a history can show), or a witness-….json of a run directory.

      --self-test plants errors into clean records and checks that each is found, and nothing else.
      """,
    options: [
      Option(
        name: "--json", help: "print the verdict as JSON: of a run directory, byte for byte what verdict.json holds"),
      Option(name: "--permit", value: "ROW", help: "permit an anomaly, such as L9; may be repeated", repeats: true),
      Option(name: "--self-test", help: "check the checker: kill rate of planted errors, alarms on clean records"),
      Option(name: "--seeds", value: "N", help: "with --self-test: seeds for each planted error (20)"),
      Option(name: "--clean", value: "N", help: "with --self-test: clean records of each family (1000)"),
    ]
  ) { invocation, tool in
    if invocation.has("--self-test") { return try selfTest(invocation, tool) }
    guard let path = invocation.operands.first else {
      throw Problem(.usage, "'verify' needs PATH or --self-test", fix: "blackstart verify RUN")
    }
    let permissions = Permissions(try invocation.all("--permit").map(permission))
    let judged = try judgeFile(path, permissions)
    let isJSON = invocation.has("--json")
    tool.console.print(
      isJSON
        ? String(decoding: try encodeJSON(judged.verdict, pretty: true), as: UTF8.self)
        : verdictText(judged.verdict, of: path, color: tool.console.hasColor))
    if let note = judged.note { tool.console.note("\(note)\n") }
    return judged.verdict.exitCode
  }

  private static func permission(_ word: String) throws(Problem) -> Permissions.Entry {
    if let anomaly = Anomaly.allCases.first(where: { $0.rawValue == word.uppercased() || $0.name == word }) {
      return Permissions.Entry(anomaly, "permitted on the command line")
    }
    let near = nearest(word, in: Anomaly.allCases.map(\.name))
    throw Problem(
      .usage, "there is no anomaly '\(word)'",
      fix: (near.map { "did you mean '\($0)'? " } ?? "") + "docs/anomalies.md lists all rows")
  }
}

/// A verdict on what a path names, and what is to be said besides.
private struct Judged {
  var verdict: DrillVerdict
  var note: String?
}

private func judgeFile(_ path: String, _ permissions: Permissions) throws -> Judged {
  guard fileExists(path) else {
    throw Problem(
      .usage, at: path, "there is no such file or directory", fix: "name a run directory, a history or a witness")
  }
  let suffix = path.split(separator: "/").last?.split(separator: ".").dropFirst().last.map(String.init)
  switch suffix {
  case "bsh", "jsonl", "edn": return try judgeHistory(path, suffix ?? "", permissions)
  case "json": return try judgeWitness(path)
  default: return try judgeDirectory(path, permissions)
  }
}

private func judgeDirectory(_ path: String, _ permissions: Permissions) throws -> Judged {
  let directory = try RunDirectory(opening: path)
  let verdict: DrillVerdict
  do { verdict = try judgeRun(in: directory, permitting: permissions) } catch let error as SystemError {
    throw Problem(
      .usage, at: path, "this run cannot be judged, for a file of it cannot be read: \(error)",
      fix: "bring the whole directory, as the run left it")
  }
  guard permissions.entries.isEmpty, fileExists(directory.verdict) else { return Judged(verdict: verdict) }
  let isSame = try readFile(directory.verdict) == encodeJSON(verdict, pretty: true)
  return Judged(
    verdict: verdict,
    note: isSame
      ? "the same as \(directory.verdict), byte for byte"
      : "NOT the same as \(directory.verdict): that was given by another version, or the evidence has changed since")
}

private func judgeHistory(_ path: String, _ suffix: String, _ permissions: Permissions) throws -> Judged {
  let history: History
  do {
    switch suffix {
    case "jsonl": history = try History(jsonLines: readFile(path))
    case "edn": history = try JepsenHistory(edn: readFile(path)).imported().history
    default: history = try History(path: path)
    }
  } catch let error as ImportError {
    throw Problem(.usage, at: path, "\(error)", fix: "docs/history.md describes the format")
  } catch let error as HistoryError {
    guard case .damaged = error else { throw Problem(.usage, at: path, "\(error)", fix: "name a history") }
    let empty = HistoryEvidence(operations: [], names: NameTable(), cutReason: "\(error)")
    return Judged(verdict: judge(empty, permissions: permissions))
  } catch let error as SystemError {
    throw Problem(.usage, at: path, "\(error)", fix: "name a history that can be read")
  }
  return Judged(verdict: judge(HistoryEvidence(history), permissions: permissions))
}

private func judgeWitness(_ path: String) throws -> Judged {
  let witness: WitnessFile
  do { witness = try decodeJSON(WitnessFile.self, from: readFile(path)) } catch let error as DecodingError {
    throw Problem(
      .usage, at: path, "this is no witness: \(place(of: error))", fix: "name a witness-….json of a run directory")
  }
  if let defect = witness.defect {
    throw Problem(.usage, at: path, "this witness cannot be judged: \(defect)", fix: "use the version that wrote it")
  }
  let verdict = witness.judged()
  let count = "\(witness.left) of \(witness.reducedFrom) operations and rows"
  return Judged(
    verdict: verdict,
    note: witness.holds
      ? "the violation shows in \(count): \(witness.finding.what)"
      : "the violation does NOT show in it: \(witness.finding.what)")
}

/// Where in the JSON it went wrong, and why.
private func place(of error: DecodingError) -> String {
  let context: DecodingError.Context
  switch error {
  case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found), .dataCorrupted(let found):
    context = found
  @unknown default: return "\(error)"
  }
  let path = context.codingPath.map(\.stringValue).joined(separator: ".")
  return path.isEmpty ? context.debugDescription : "at \(path): \(context.debugDescription)"
}

private func selfTest(_ invocation: Invocation, _ tool: Tool) throws -> ExitCode {
  let seeds = try number("--seeds", invocation, standard: 20)
  let clean = try number("--clean", invocation, standard: 1000)
  let test = SelfTest(seeds: 0..<seeds, clean: 0..<clean)
  tool.console.print(
    invocation.has("--json")
      ? String(decoding: try encodeJSON(test, pretty: true), as: UTF8.self)
      : selfTestText(test, color: tool.console.hasColor))
  return test.isPerfect ? .pass : .fail
}

private func number(_ option: String, _ invocation: Invocation, standard: UInt64) throws(Problem) -> UInt64 {
  guard let text = invocation.value(option) else { return standard }
  guard let number = UInt64(text), (1...100_000).contains(number) else {
    throw Problem(.usage, "\(option) takes a number from 1 to 100000, not '\(text)'")
  }
  return number
}
