internal import Checks
public import Drill
internal import Support

/// Renders every report of a run from its directory and puts them there; enters the run in the index beside it.
///
/// - Returns: the summary that all of them were made from.
/// - Throws: the error of the file that cannot be read or written; `verdict.json` and the evidence stay as they are.
public func writeReports(of directory: RunDirectory) throws -> RunSummary {
  let record = try RunRecord(reading: directory)
  var verdict: DrillVerdict?
  if fileExists(directory.verdict) {
    verdict = try decodeJSON(DrillVerdict.self, from: readFile(directory.verdict))
  }
  var summary = RunSummary(record, verdict: verdict)
  summary.evidence = try evidence(of: directory)
  try writeFile(directory.junit, Array(junitReport(summary).utf8))
  try writeFile(directory.metrics, Array(metricsReport(summary).utf8))
  try writeFile(directory.html, Array(htmlReport(summary).utf8))
  if let parent = directory.path.lastIndex(of: "/").map({ String(directory.path[..<$0]) }), parent.hasSuffix("runs") {
    try RunIndex(path: "\(parent)/index.sqlite").add(IndexedRun(summary))
  }
  return summary
}

private func evidence(of directory: RunDirectory) throws -> [EvidenceFile] {
  let meanings = [
    ("scenario.yaml", "the scenario as it was given"), ("plan.json", "the plan that was run"),
    ("journal.jsonl", "what was done and seen, hash-chained"), ("history.bsh", "every operation of the workload"),
    ("verdict.json", "items, witnesses, RPO and RTO"),
  ]
  let dumps = try listDirectory(directory.groundTruth).map { ("ground-truth/\($0)", "ground truth") }
  return try (meanings + dumps).compactMap { name, meaning in
    let path = "\(directory.path)/\(name)"
    guard fileExists(path) else { return nil }
    let bytes = try readFile(path)
    return EvidenceFile(name: name, what: meaning, bytes: Int64(bytes.count), digest: sha256(bytes))
  }
}
