internal import Checks
internal import Support

/// The run as one HTML file that needs nothing else: style and figures inside, no script, no request to anywhere.
public func htmlReport(_ summary: RunSummary) -> String {
  let page = HtmlPage(summary: summary)
  let head: Markup = .element(
    "head", [:], .element("meta", ["charset": "utf-8"]),
    .element("meta", ["name": "viewport", "content": "width=device-width,initial-scale=1"]),
    .element("title", text: "\(summary.headword): \(summary.scenario)"), .element("style", [:], reportStyle))
  let body: Markup = .element("body", [:], .element("main", [:], .joined(page.sections)))
  let document: Markup = .element("html", ["lang": "en"], head, "\n", body)
  return "<!doctype html>\n\(document.source)\n"
}

private struct HtmlPage {
  let summary: RunSummary

  var sections: [Markup] {
    [
      header, ending, tiles, checklist, permitted, anomalies, runbook, course, recoveryTime, recoveryPoint, evidence,
      origin,
    ]
    .compactMap(
      \.self)
  }

  private var header: Markup? {
    let facts = "\(timestamp(summary.startedAt)), \(span(summary.seconds)), seed \(summary.seed), run \(summary.runID)"
    return .element(
      "header", [:],
      .element("p", ["class": "stamp \(summary.overall?.rawValue ?? "none")"], text: summary.headword),
      .element(
        "div", [:], .element("h1", text: summary.scenario), .element("p", text: summary.purpose),
        .element("p", ["class": "note"], text: "\(summary.tally), exit code \(summary.exitCode). \(facts)")))
  }

  private var ending: Markup? {
    summary.ending.map {
      .element("p", ["class": "ending"], .element("b", text: "Ended early. "), .text($0))
    }
  }

  private var tiles: Markup? {
    var tiles: [(figure: String, what: String)] = []
    if let time = summary.recoveryTime {
      tiles.append((time.seconds.map(span) ?? "not recovered", "RTO: from the fault to \(time.meaning)"))
    }
    if let point = summary.recoveryPoint {
      let extent = point.count == 0 ? "" : ", spanning \(span(point.seconds))"
      tiles.append((counted(point.count, "event"), "RPO: acknowledged, but missing at promotion\(extent)"))
      tiles.append((grouped(point.lost), "of them lost for good"))
    }
    if !summary.writes.isEmpty {
      let unknown = summary.total(\.unknown)
      tiles.append(
        (grouped(summary.total(\.acknowledged)), "producers' writes acknowledged, \(grouped(unknown)) unknown"))
    }
    for (isInside, what) in [(false, "packets met by"), (true, "bites of")] {
      let faults = summary.faults.filter { $0.isInside == isInside }
      guard !faults.isEmpty else { continue }
      let sum = faults.reduce(0) { $0 + $1.packetsDropped }
      tiles.append((grouped(sum), "\(what) \(counted(faults.count, "fault"))\(isInside ? " inside nodes" : "")"))
    }
    guard !tiles.isEmpty else { return nil }
    return .element(
      "div", ["class": "tiles"],
      .joined(
        tiles.map {
          .element("div", ["class": "tile"], .element("b", text: $0.figure), .element("span", text: $0.what))
        }))
  }

  private var course: Markup? {
    let legend = [("acked", "acknowledged"), ("unknown", "unknown: sent, no answer"), ("failed", "refused")]
    var keys = legend.map { legendKey($0.0, $0.1) }
    if !summary.faults.isEmpty { keys.append(legendKey("fault", "fault proven in force")) }
    let events: Markup =
      summary.events.isEmpty
      ? ""
      : .element(
        "ol", ["class": "events"],
        .joined(
          summary.events.map {
            .element("li", [:], .element("time", text: moment($0.at)), " ", .text($0.what))
          }))
    return section(
      "What happened", "Seconds from the start of the run, all on the recorder's one monotonic clock.",
      .element("div", ["class": "legend"], .joined(keys)),
      .element("div", ["class": "scroll"], timelineFigure(summary)), events, figuresAsTable)
  }

  private func legendKey(_ style: String, _ text: String) -> Markup {
    .element("span", [:], .element("i", ["class": style]), .text(text))
  }

  /// The same figures for who cannot see the drawing, or wants to compute with them.
  private var figuresAsTable: Markup {
    guard !summary.writes.isEmpty else { return "" }
    let rows = summary.writes.map { series in
      row([
        (series.region, ""), (grouped(series.acknowledged.reduce(0, +)), "num"),
        (grouped(series.unknown.reduce(0, +)), "num"), (grouped(series.failed.reduce(0, +)), "num"),
        (silence(series), "num"),
      ])
    }
    let lag = summary.lag.map { series in
      let values = series.samples.compactMap(\.seconds)
      return row([
        (series.name, ""), (values.max().map(span) ?? "no reading", "num"), (values.last.map(span) ?? "", "num"),
        (grouped(series.samples.count { $0.seconds == nil }), "num"),
      ])
    }
    return .element(
      "details", ["class": "more"], .element("summary", text: "Figures as tables"),
      table(
        ["producers in", "acknowledged#", "unknown#", "refused#", "longest time without an acknowledgement#"], rows),
      lag.isEmpty ? "" : table(["mirror", "highest lag#", "last reading#", "readings failed#"], lag))
  }

  /// The longest run of seconds without an acknowledged write.
  private func silence(_ series: WriteSeries) -> String {
    var longest = 0
    var current = 0
    for count in series.acknowledged {
      current = count == 0 ? current + 1 : 0
      longest = max(longest, current)
    }
    return "\(longest) s"
  }

  /// The steps of runbook and failback, the write-down, the messages.
  private var runbook: Markup? {
    let steps = (summary.steps ?? []).map { step in
      row([
        (step.runbook, ""), (step.id, ""), (step.verb, ""), (step.start.map(moment) ?? "", "num"),
        (step.end.map(moment) ?? "", "num"), (step.state, ["done", "undone"].contains(step.state) ? "" : "lost"),
        (step.detail, ""),
      ])
    }
    let notes = (summary.notes ?? []).map { row([($0.name, ""), ($0.value, "")]) }
    guard !steps.isEmpty || !notes.isEmpty else { return nil }
    return section(
      "Runbook", "Each step with what the servers confirmed; what was noted at its moment, and what was said to whom.",
      steps.isEmpty ? "" : table(["", "step", "does", "begun#", "ended#", "state", "found"], steps),
      notes.isEmpty ? "" : table(["noted", "what"], notes))
  }

  private var checklist: Markup? {
    guard !summary.items.isEmpty else { return nil }
    let explanation =
      "PASS says how much was looked at. FAIL shows a witness. INCONCLUSIVE names what is missing. VACUOUS: nothing"
      + " happened that could have gone wrong."
    return section("Checklist", explanation, .element("div", ["class": "items"], .joined(summary.items.map(item))))
  }

  /// What the scenario lets pass.
  private var permitted: Markup? {
    guard let permitted = summary.permitted else { return nil }
    return section(
      "Permitted",
      "Anomalies that fail nothing in this drill, because its scenario says so, and whether they were seen.",
      table(["anomaly", "what came of it"], permitted.map { row([($0.name, ""), ($0.value, "")]) }))
  }

  /// Every row of the taxonomy, and how well the checker finds what is planted.
  private var anomalies: Markup? {
    guard !summary.anomalies.isEmpty else { return nil }
    let rows = summary.anomalies.map { entry in
      row([
        (entry.row, ""), (entry.name, ""), (entry.state.rawValue, entry.state == .found ? "lost" : ""),
        (entry.sentence, ""), (entry.item ?? "", ""), (entry.killRate?.description ?? "", "num"),
      ])
    }
    let rates = summary.killRates.map { rate in
      row([
        (rate.family, ""), (grouped(rate.rows.count), "num"), (grouped(rate.planted), "num"),
        (grouped(rate.killed), "num"),
        (grouped(rate.clean), "num"), (grouped(rate.alarms), "num"),
      ])
    }
    let isQuiet = summary.anomalies.allSatisfy { [.clean, .notApplicable, .unexercised].contains($0.state) }
    return section(
      "Anomalies",
      "Every known way in which logs, mirrors, leadership and failovers go wrong, and how each stands here.",
      .element(
        "details", isQuiet ? ["class": "more"] : ["class": "more", "open": ""],
        .element("summary", text: summary.anomalyTally),
        .element(
          "div", ["class": "scroll"], table(["row", "anomaly", "state", "in words", "item", "planted, found#"], rows))),
      rates.isEmpty
        ? ""
        : .element(
          "details", ["class": "more"], .element("summary", text: "The checker, checked: \(summary.killRate ?? "")"),
          table(["family", "rows#", "errors planted#", "found exactly#", "clean records#", "alarms#"], rates)))
  }

  private func item(_ item: ItemSummary) -> Markup {
    let level: Markup = item.level.map { .element("code", ["class": "level"], text: $0) } ?? ""
    let line: Markup = .joined(
      [
        .element("span", ["class": "chip \(item.verdict.rawValue)"], text: item.verdict.word),
        .element(
          "div", ["class": "what"], .element("b", text: item.title), .element("code", text: item.id), level,
          .element("span", text: item.headline)),
      ])
    guard !item.details.isEmpty || item.witness != nil else {
      return .element("div", ["class": "item"], .element("div", ["class": "line"], line))
    }
    let details: Markup =
      item.details.isEmpty ? "" : .element("ul", [:], .joined(item.details.map { .element("li", text: $0) }))
    let witness: Markup = item.witness.map { .element("pre", text: indented($0)) } ?? ""
    var attributes = ["class": "item"]
    if item.verdict != .pass { attributes["open"] = "" }
    return .element(
      "details", attributes, .element("summary", [:], line), .element("div", ["class": "body"], details, witness))
  }

  /// A witness with its lines indented; as it is when it is no JSON.
  private func indented(_ json: String) -> String {
    do {
      return String(
        decoding: try encodeJSON(decodeJSON(JSONValue.self, from: json.utf8), pretty: true), as: UTF8.self)
    } catch {
      return json
    }
  }

  private var recoveryTime: Markup? {
    guard let time = summary.recoveryTime, !time.stages.isEmpty else { return nil }
    let total = time.seconds.map { "\(span($0)) from the fault until \(time.meaning)." }
    return section(
      "Recovery time", total ?? "Service did not come back: no \(time.meaning).",
      .element("div", ["class": "scroll"], waterfallFigure(time)))
  }

  private var recoveryPoint: Markup? {
    guard let point = summary.recoveryPoint, let text = summary.recoveryPointText else { return nil }
    guard !point.events.isEmpty else { return section("Recovery point", "\(text).") }
    let rows = point.events.map { event in
      row([
        (event.id, ""), (moment(event.acknowledged), "num"), (event.disposition, event.isLost ? "lost" : ""),
      ])
    }
    let shown = point.events.count < point.count ? " The first \(grouped(point.events.count)) are listed." : ""
    return section(
      "Recovery point", "\(text).\(shown)",
      .element(
        "details", point.lost > 0 ? ["class": "more", "open": ""] : ["class": "more"],
        .element("summary", text: "Events"), table(["event", "acknowledged at#", "what became of it"], rows)))
  }

  private var evidence: Markup? {
    guard !summary.evidence.isEmpty else { return nil }
    let rows = summary.evidence.map { file in
      row([
        (file.name, ""), (file.what, ""), (grouped(Int(file.bytes)), "num"),
        (file.digest.map { String($0.prefix(16)) } ?? "", "digest"),
      ])
    }
    return section(
      "Evidence", "Everything needed to believe the verdict, or to dispute it, in \(summary.directory).",
      table(["file", "holds", "bytes#", "SHA-256 begins"], rows))
  }

  private var origin: Markup? {
    func facts(_ title: String, _ facts: [Fact]) -> Markup {
      facts.isEmpty
        ? "" : .element("div", [:], table([title, ""], facts.map { row([($0.name, ""), ($0.value, "")]) }))
    }
    return section(
      "The same again", "Same scenario, same seed: same schedule, same targets.",
      .element("pre", text: summary.command),
      .element("div", ["class": "pair"], facts("version of", summary.versions), facts("machine", summary.host)))
  }

  private func section(_ title: String, _ note: String, _ content: Markup...) -> Markup {
    .element(
      "section", [:], .element("h2", text: title), .element("p", ["class": "note"], text: note), .joined(content))
  }

  /// A table; a column whose title ends in `#` holds figures.
  private func table(_ titles: [String], _ rows: [Markup]) -> Markup {
    let head = titles.map { title -> Markup in
      title.hasSuffix("#")
        ? .element("th", ["class": "num", "scope": "col"], text: String(title.dropLast()))
        : .element("th", ["scope": "col"], text: title)
    }
    return .element(
      "table", [:], .element("thead", [:], .element("tr", [:], .joined(head, ""))),
      .element("tbody", [:], .joined(rows)))
  }

  private func row(_ cells: [(text: String, style: String)]) -> Markup {
    .element(
      "tr", [:],
      .joined(cells.map { .element("td", $0.style.isEmpty ? [:] : ["class": $0.style], text: $0.text) }, ""))
  }
}
