internal import Checks
internal import Support

/// The verdict as JUnit XML, which every CI system reads: FAIL is a failure, INCONCLUSIVE and VACUOUS are errors, because a
/// property that was not tested has not passed.
public func junitReport(_ summary: RunSummary) -> String {
  var cases = summary.items.map { testCase($0, in: summary) }
  let lone = summary.loneAnomalies
  let failed = lone.count { $0.state == .found }
  var errors = summary.count(.inconclusive) + summary.count(.vacuous) + lone.count - failed
  cases += lone.map { testCase($0, in: summary) }
  if let ending = summary.ending {
    // A run that ended early must not look like a suite of passed tests.
    errors += 1
    cases.append(
      element(
        "testcase", [("classname", summary.scenario), ("name", "the run goes its whole way"), ("time", "0")],
        element("error", [("type", "ENDED-EARLY"), ("message", ending)], "")))
  }
  let counts = [
    ("tests", String(cases.count)), ("failures", String(summary.count(.fail) + failed)), ("errors", String(errors)),
    ("time", fixed(summary.seconds, 3)),
  ]
  let permitted = (summary.permitted ?? []).map { ("permitted \($0.name)", $0.value) }
  let properties =
    ([("run", summary.runID), ("seed", String(summary.seed)), ("directory", summary.directory)] + permitted)
    .map { element("property", [("name", $0.0), ("value", $0.1)], "") }
  let suite = element(
    "testsuite",
    [("name", summary.scenario)] + counts + [("timestamp", String(timestamp(summary.startedAt).prefix(19)))],
    "\n" + ([element("properties", [], properties.joined())] + cases).joined(separator: "\n") + "\n")
  return #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n"
    + element("testsuites", [("name", "blackstart")] + counts, "\n\(suite)\n") + "\n"
}

private func testCase(_ item: ItemSummary, in summary: RunSummary) -> String {
  let text = escaped((item.details + [item.witness].compactMap(\.self)).joined(separator: "\n"))
  let reason = [("type", item.verdict.word), ("message", item.headline)]
  let body =
    switch item.verdict {
    case .pass: element("system-out", [], escaped(([item.headline] + item.details).joined(separator: "\n")))
    case .fail: element("failure", reason, text)
    case .inconclusive, .vacuous: element("error", reason, text)
    }
  // The items are judged on one body of evidence; none has a time of its own.
  return element("testcase", [("classname", summary.scenario), ("name", item.id), ("time", "0")], body)
}

/// A row of the taxonomy that no item speaks for.
private func testCase(_ row: AnomalySummary, in summary: RunSummary) -> String {
  let reason = [("type", row.state.rawValue.uppercased()), ("message", row.sentence)]
  return element(
    "testcase", [("classname", summary.scenario), ("name", "\(row.row) \(row.name)"), ("time", "0")],
    element(row.state == .found ? "failure" : "error", reason, ""))
}

/// An element with escaped attributes; `content` is markup already.
private func element(_ name: String, _ attributes: [(String, String)], _ content: String) -> String {
  let head = attributes.map { " \($0.0)=\"\(escaped($0.1).replacing("\n", with: "&#10;"))\"" }.joined()
  return content.isEmpty ? "<\(name)\(head)/>" : "<\(name)\(head)>\(content)</\(name)>"
}
