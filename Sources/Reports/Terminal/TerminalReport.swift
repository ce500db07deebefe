internal import Checks
internal import Support

/// The verdict as a person reads it in a terminal, at most 100 columns wide.
///
/// - Parameters:
///   - summary: the run.
///   - color: whether the terminal takes colour. The words say everything; colour only helps the eye.
public func terminalReport(_ summary: RunSummary, color: Bool) -> String {
  let page = TerminalPage(summary: summary, paint: Paint(isOn: color))
  let sections = [page.head, page.course, page.checklist, page.permitted, page.anomalies, page.foot]
  return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
}

private struct TerminalPage {
  static let width = 100

  let summary: RunSummary
  let paint: Paint

  var head: [String] {
    let mark = summary.overall.map { paint.verdict(" \($0.word) ", $0) } ?? paint.strong(" NO VERDICT ")
    let facts = "\(timestamp(summary.startedAt)), \(span(summary.seconds)), seed \(summary.seed), run \(summary.runID)"
    var lines = ["\(mark) \(paint.strong(printable(summary.scenario)))  \(summary.tally), exit \(summary.exitCode)"]
    lines += wrapped(printable(summary.purpose), width: Self.width - 2).map { "  \($0)" }
    if let ending = summary.ending {
      lines += wrapped("ended early: \(printable(ending))", width: Self.width - 2).map { "  \($0)" }
    }
    return lines + [paint.faint("  \(printable(facts))")]
  }

  /// What happened: phases, faults, writes, the way back, what was at risk.
  var course: [String] {
    phases + faults + writes + reigns + steps + notes + recoveryTime + recoveryPoint
  }

  private func row(_ label: String, _ text: String) -> [String] {
    wrapped(printable(text), width: Self.width - 11).enumerated().map {
      ($0 == 0 ? "  \(label)\(spaces(9 - label.count))" : spaces(11)) + $1
    }
  }

  private var phases: [String] {
    var lines: [String] = []
    for part in summary.phases.map({ "\(printable($0.name)) \(span($0.seconds))" }) {
      if let last = lines.last, last.count + part.count + 3 <= Self.width - 11 {
        lines[lines.count - 1] = "\(last) ▸ \(part)"
      } else {
        lines.append(part)
      }
    }
    return lines.enumerated().map { ($0 == 0 ? "  phases   " : spaces(11)) + $1 }
  }

  private var faults: [String] {
    summary.faults.flatMap { fault in
      let time: String
      switch (fault.start, fault.end) {
      case (let start?, let end?): time = "in force \(moment(start)) to \(moment(end)) (\(span(end - start)))"
      case (let start?, nil): time = "in force from \(moment(start)), NOT VERIFIED GONE"
      case (nil, _): time = "never proven in force"
      }
      let met =
        fault.isInside
        ? "bit \(counted(fault.packetsDropped, "time"))" : "\(counted(fault.packetsDropped, "packet")) met"
      return row("fault", "\(fault.id) \(fault.what), \(time), \(met)")
    }
  }

  private var writes: [String] {
    guard !summary.writes.isEmpty else { return [] }
    let figures = [(\WriteSeries.acknowledged, "acknowledged"), (\.unknown, "unknown"), (\.failed, "refused")]
    return row(
      "writes", "by producers: " + figures.map { "\(grouped(summary.total($0.0))) \($0.1)" }.joined(separator: ", "))
  }

  /// The steps of runbook and failback, a line each.
  private var steps: [String] {
    var lines: [String] = []
    for (index, step) in (summary.steps ?? []).enumerated() {
      let isFirst = index == 0 || summary.steps?[index - 1].runbook != step.runbook
      let time =
        switch (step.start, step.end) {
        case (let start?, let end?): "\(moment(start)), \(span(max(0, end - start)))"
        case (let start?, nil): "\(moment(start))"
        default: ""
        }
      let what = [step.state == "done" ? nil : step.state.uppercased(), time.isEmpty ? nil : time, step.detail]
        .compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
      lines += row(isFirst ? step.runbook : "", "\(step.id): \(what)")
    }
    return lines
  }

  private var notes: [String] { (summary.notes ?? []).flatMap { row("noted", "\($0.name): \($0.value)") } }

  private var reigns: [String] {
    guard !summary.reigns.isEmpty else { return [] }
    let texts = summary.reigns.map { reign in
      "\(reign.holder) with token \(reign.token) from \(moment(reign.start)) to \(reign.end.map(moment) ?? "the end")"
    }
    return row("leader", texts.joined(separator: ", "))
  }

  private var recoveryTime: [String] {
    guard let time = summary.recoveryTime else { return [] }
    let total =
      time.seconds.map { "\(span($0)) until \(time.meaning)" } ?? "service did not come back: no \(time.meaning)"
    let longest = time.stages.map(\.seconds).max() ?? 0
    var table = TextTable([.left, .right], indent: 11)
    for stage in time.stages {
      table.add(printable(stage.name), span(stage.seconds), bar(stage.seconds, of: longest, width: 40))
    }
    return row("RTO", total) + table.lines
  }

  private var recoveryPoint: [String] { summary.recoveryPointText.map { row("RPO", $0) } ?? [] }

  var checklist: [String] {
    let words = summary.items.map(\.verdict.word.count).max() ?? 0
    let names = summary.items.map { printable($0.id).count }.max() ?? 0
    let margin = 2 + words + 2 + names + 2
    return summary.items.flatMap { item in
      let mark = paint.verdict(item.verdict.word, item.verdict) + spaces(words - item.verdict.word.count)
      let id = printable(item.id)
      let level = item.level.map { " (\($0))" } ?? ""
      let text = wrapped(printable(item.headline + level), width: Self.width - margin)
      let head = "  \(mark)  \(id)\(spaces(names - id.count))  \(text.first ?? "")"
      let lines = [head] + text.dropFirst().map { spaces(margin) + $0 }
      return item.verdict == .pass ? lines : lines + proof(of: item, margin: min(margin, 16))
    }
  }

  /// What the scenario lets pass, whether it was seen or not.
  var permitted: [String] { (summary.permitted ?? []).flatMap { row("permits", "\($0.name): \($0.value)") } }

  /// How the rows of the taxonomy stand; those that no item speaks for are found here.
  var anomalies: [String] { anomalyLines(summary.anomalies.filter { $0.item == nil || $0.state != .found }, paint) }

  /// What stands behind a verdict that is no pass.
  private func proof(of item: ItemSummary, margin: Int) -> [String] {
    let details = item.details.flatMap { detail in
      wrapped(printable(detail), width: Self.width - margin - 2).enumerated().map {
        spaces(margin) + ($0 == 0 ? "· " : "  ") + $1
      }
    }
    return details + (item.witness.map { witness($0, margin: margin) } ?? [])
  }

  /// The beginning of a witness; the whole stands in the run directory.
  private func witness(_ json: String, margin: Int) -> [String] {
    let all = printable(json)
    let text = all.count > 400 ? "\(all.prefix(400))… (whole in verdict.json)" : all
    let width = Self.width - margin - 9
    var lines: [String] = []
    var rest = text[...]
    while !rest.isEmpty {
      lines.append(spaces(margin) + (lines.isEmpty ? "witness  " : "         ") + rest.prefix(width))
      rest = rest.dropFirst(width)
    }
    return lines
  }

  var foot: [String] {
    var lines: [String] = []
    if let rate = summary.killRate { lines += row("checker", rate) }
    let directory = printable(summary.directory)
    return lines + [
      "  report   \(directory)/report.html", paint.faint("  again    \(printable(summary.command))"),
    ]
  }

  private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }

  /// A bar of block characters, exact to an eighth of a column; anything above nothing shows.
  private func bar(_ value: Double, of longest: Double, width: Int) -> String {
    guard longest > 0, value > 0 else { return "" }
    let eighths = max(1, Int((value / longest * Double(width) * 8).rounded()))
    let rest = eighths % 8
    let last = rest == 0 ? "" : String(["▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest - 1])
    return String(repeating: "█", count: eighths / 8) + last
  }
}

/// Colours of a terminal (ECMA-48), or none.
struct Paint: Sendable {
  let isOn: Bool

  func verdict(_ text: String, _ kind: VerdictKind) -> String {
    switch kind {
    case .pass: wrap(text, "1;32")
    case .fail: wrap(text, "1;97;41")
    case .inconclusive: wrap(text, "1;33")
    case .vacuous: wrap(text, "1;35")
    }
  }

  func strong(_ text: String) -> String { wrap(text, "1") }
  func faint(_ text: String) -> String { wrap(text, "2") }

  private func wrap(_ text: String, _ code: String) -> String {
    isOn && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
