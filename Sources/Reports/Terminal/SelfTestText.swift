public import Checks
internal import Support

/// The self-test of the checker, as a person reads it in a terminal: a line for each planted error, by family.
public func selfTestText(_ test: SelfTest, color: Bool) -> String {
  let paint = Paint(isOn: color)
  var lines: [String] = []
  for family in test.families {
    lines.append(paint.strong("\(family.name): \(family.killed) of \(family.planted) found exactly"))
    for error in family.errors {
      let rows = error.expected.map(\.rawValue).joined(separator: " ")
      let mark = error.killed == error.planted ? paint.verdict("found", .pass) : paint.verdict("MISSED", .fail)
      lines.append("  \(mark)  \(rows)  \(error.name): \(error.killed) of \(error.planted)")
      if let miss = error.miss {
        let found = miss.found.map(\.rawValue).joined(separator: " ")
        lines.append("          with seed \(miss.seed) it found \(found.isEmpty ? "nothing" : found)")
      }
    }
    let rates = Anomaly.allCases.filter(family.rows.contains).compactMap { row in
      test.rate(of: row).map { "\(row.rawValue) \($0.killed)/\($0.planted)" }
    }
    lines += wrapped("by check: \(rates.joined(separator: ", "))", width: 98).map { "  \($0)" }
    let quiet = "\(family.clean - family.alarms) of \(family.clean) clean records raised no alarm"
    lines.append("  \(family.alarms == 0 ? paint.verdict("quiet", .pass) : paint.verdict("ALARM", .fail))  \(quiet)")
    if let alarm = family.alarm {
      lines.append("          with seed \(alarm.seed) it found \(alarm.found.map(\.rawValue).joined(separator: " "))")
    }
  }
  lines.append(paint.strong(test.sentence))
  return lines.joined(separator: "\n") + "\n"
}
