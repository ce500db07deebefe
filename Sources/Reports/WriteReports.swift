public import Checks
public import Drill
internal import Support

/// Renders every report of a run from its directory and puts them there; enters the run in the index beside it.
///
/// - Returns: the summary that all of them were made from.
/// - Throws: the error of the file that cannot be read or written; `verdict.json` and the evidence stay as they are.
public func writeReports(of directory: RunDirectory) throws -> RunSummary {
  var verdict: DrillVerdict?
  if fileExists(directory.verdict) {
    verdict = try decodeJSON(DrillVerdict.self, from: readFile(directory.verdict))
  }
  let summary = try summarizeRun(in: directory, verdict: verdict)
  try writeReports(summary, to: directory)
  return summary
}

/// Tells a run from its directory. Writes nothing, so it works on a full disk.
///
/// - Throws: the error of the file that cannot be read.
public func summarizeRun(in directory: RunDirectory, verdict: DrillVerdict?) throws -> RunSummary {
  var summary = RunSummary(try RunRecord(reading: directory), verdict: verdict)
  summary.evidence = try evidence(of: directory)
  let test = SelfTest(seeds: 0..<1, clean: 0..<1)
  summary.killRate = test.sentence
  summary.killRates = test.families.map(KillRate.init)
  for place in summary.anomalies.indices {
    summary.anomalies[place].killRate = Anomaly(rawValue: summary.anomalies[place].row).flatMap(test.rate)
  }
  return summary
}

/// Writes the reports of a run that was told by ``summarizeRun(in:verdict:)`` beside its evidence, and enters it in the index.
///
/// - Throws: the error of the file that cannot be written; what was written before it stays.
public func writeReports(_ summary: RunSummary, to directory: RunDirectory) throws {
  try writeFile(directory.junit, Array(junitReport(summary).utf8))
  try writeFile(directory.metrics, Array(metricsReport(summary).utf8))
  try writeFile(directory.html, Array(htmlReport(summary).utf8))
  if let parent = directory.path.lastIndex(of: "/").map({ String(directory.path[..<$0]) }), parent.hasSuffix("runs") {
    try RunIndex(path: "\(parent)/index.sqlite").add(IndexedRun(summary))
  }
}

private func evidence(of directory: RunDirectory) throws -> [EvidenceFile] {
  let meanings = [
    ("scenario.yaml", "the scenario as it was given"), ("plan.json", "the plan that was run"),
    ("journal.jsonl", "what was done and seen, hash-chained"), ("history.bsh", "every operation of the workload"),
    ("verdict.json", "items, witnesses, RPO and RTO"),
  ]
  let dumps = try listDirectory(directory.groundTruth).map { ("ground-truth/\($0)", "ground truth") }
  let witnesses = try listDirectory(directory.path).filter { $0.hasPrefix("witness-") && $0.hasSuffix(".json") }
    .map { ($0, "the smallest evidence that still shows a failure") }
  return try (meanings + witnesses + dumps).compactMap { name, meaning in
    let path = "\(directory.path)/\(name)"
    guard fileExists(path) else { return nil }
    let bytes = try readFile(path)
    return EvidenceFile(name: name, what: meaning, bytes: Int64(bytes.count), digest: sha256(bytes))
  }
}
