public import Checks
internal import Support

/// A verdict by itself, as a person reads it in a terminal: the items, then how the rows of the taxonomy stand.
///
/// - Parameters:
///   - verdict: the verdict.
///   - subject: what was judged.
///   - color: whether the terminal takes colour.
public func verdictText(_ verdict: DrillVerdict, of subject: String, color: Bool) -> String {
  let paint = Paint(isOn: color)
  let kind = VerdictKind(rawValue: verdict.overall.rawValue) ?? .inconclusive
  var lines = ["\(paint.verdict(" \(kind.word) ", kind)) \(paint.strong(printable(subject)))"]
  for item in verdict.items {
    let kind = VerdictKind(rawValue: item.verdict.kind.rawValue) ?? .inconclusive
    lines += entry(paint.verdict(kind.word, kind), kind.word.count, item.item.rawValue, item.verdict.headline)
    if let file = item.witnessFile { lines.append("\(spaces(entryMargin))smallest evidence: \(file)") }
  }
  for permitted in verdict.permitted {
    let name = "\(permitted.anomaly.rawValue) \(permitted.anomaly.name)"
    lines += entry(paint.verdict("PERMITS", .vacuous), "PERMITS".count, name, permitted.text)
  }
  return (lines + anomalyLines(verdict.rows.map(AnomalySummary.init), paint)).joined(separator: "\n") + "\n"
}

/// How the rows stand: each that is more than clean by itself, the rest as a count.
func anomalyLines(_ rows: [AnomalySummary], _ paint: Paint) -> [String] {
  guard !rows.isEmpty else { return [] }
  var lines: [String] = []
  for row in rows where [.found, .possible, .permitted, .inconclusive].contains(row.state) {
    let word = row.state.rawValue.uppercased()
    let kind: VerdictKind = row.state == .found ? .fail : row.state == .permitted ? .vacuous : .inconclusive
    lines += entry(paint.verdict(word, kind), word.count, "\(row.row) \(row.name)", row.sentence)
  }
  let counts = RowVerdict.State.allCases.compactMap { state -> String? in
    let count = rows.count(where: { $0.state == state })
    return count == 0 ? nil : "\(count) \(state.rawValue)"
  }
  lines += wrapped("anomalies: \(counts.joined(separator: ", ")), of \(rows.count) rows", width: 98).map { "  \($0)" }
  return lines
}

private let entryMargin = 16

/// A verdict's word, a name, and the sentence below them.
private func entry(_ word: String, _ length: Int, _ name: String, _ sentence: String) -> [String] {
  ["  \(word)\(spaces(entryMargin - 2 - length))\(printable(name))"]
    + wrapped(printable(sentence), width: 100 - entryMargin).map { "\(spaces(entryMargin))\($0)" }
}

private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(1, count)) }
