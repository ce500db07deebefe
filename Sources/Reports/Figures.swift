internal import Support

/// `18,203`.
func grouped(_ value: Int) -> String {
  let digits = String(value.magnitude)
  var result = ""
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
    result.append(digit)
  }
  return value < 0 ? "-\(result)" : result
}

/// `310 ms`, `1.25 s`, `40.0 s`, `3.2 min`: a length of time with the precision that it deserves.
func span(_ seconds: Double) -> String {
  guard seconds.isFinite else { return "?" }
  return switch abs(seconds) {
  case ..<0.9995: "\(fixed(seconds * 1000, 0)) ms"
  case ..<9.995: "\(fixed(seconds, 2)) s"
  case ..<120: "\(fixed(seconds, 1)) s"
  default: "\(fixed(seconds / 60, 1)) min"
  }
}

/// A moment of the run: `12.3 s`.
func moment(_ seconds: Double) -> String { "\(fixed(seconds, 1)) s" }

/// `1 event`, `2 events`.
func counted(_ count: Int, _ noun: String) -> String { "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")" }

extension RunSummary {
  /// How many items have `kind`.
  func count(_ kind: VerdictKind) -> Int { items.count { $0.verdict == kind } }

  /// `7 of 7 items pass`, `1 fails, 6 of 7 pass`.
  var tally: String {
    guard !items.isEmpty else { return "nothing was judged" }
    let passed = "\(count(.pass)) of \(items.count) items pass"
    let others = [VerdictKind.fail, .inconclusive, .vacuous].compactMap { kind in
      count(kind) == 0 ? nil : "\(count(kind)) \(kind.word)"
    }
    return (others + [passed]).joined(separator: ", ")
  }

  /// The word over the whole: the verdict, or that there is none.
  var headword: String { overall?.word ?? "NO VERDICT" }

  /// All writes with one outcome.
  func total(_ outcome: KeyPath<WriteSeries, [Int]>) -> Int {
    writes.reduce(0) { $0 + $1[keyPath: outcome].reduce(0, +) }
  }

  /// The recovery point in words: `37 events over 1.8 s; all arrived later`.
  var recoveryPointText: String? {
    guard let point = recoveryPoint else { return nil }
    if point.count == 0 { return "nothing acknowledged was missing at promotion" }
    let fate = point.lost == 0 ? "all arrived later" : "\(grouped(point.lost)) LOST"
    return
      "\(counted(point.count, "acknowledged event")) missing at promotion, spanning \(span(point.seconds)); \(fate)"
  }
}
