internal import Support

/// The run at a glance: phases, leadership, writes and mirror lag over one common time axis, with the faults' proven
/// intervals shaded through all of them. What belongs together in time stands one above the other.
func timelineFigure(_ summary: RunSummary) -> Markup {
  var figure = TimelineFigure(summary)
  figure.drawPhases()
  figure.drawReigns()
  figure.drawWrites()
  figure.drawLag()
  figure.drawEvents()
  return figure.finish()
}

private struct TimelineFigure {
  private let summary: RunSummary
  private let left = 112.0
  private let right = 984.0
  private let time: Scale
  private var panels = Drawing(width: 1000)

  init(_ summary: RunSummary) {
    self.summary = summary
    time = Scale(0...(summary.seconds.isFinite ? max(summary.seconds, 1) : 1), from: left, to: right)
    panels.bottom = summary.faults.isEmpty ? 8 : 24
  }

  mutating func drawPhases() {
    guard !summary.phases.isEmpty else { return }
    let top = panels.bottom
    label("phase", top + 15)
    for phase in summary.phases {
      let x = time(phase.start)
      let width = time(phase.end) - x
      panels.rect(
        "phase", x: x + 0.5, y: top, width: width - 1, height: 22, radius: 3,
        title: "\(phase.name): \(moment(phase.start)) to \(moment(phase.end)), \(span(phase.seconds))")
      if textWidth(phase.name) + 8 < width { panels.text("mid", phase.name, x: x + width / 2, y: top + 15) }
    }
    panels.bottom = top + 38
  }

  mutating func drawReigns() {
    var holders: [String] = []
    for reign in summary.reigns where !holders.contains(reign.holder) { holders.append(reign.holder) }
    guard !holders.isEmpty else { return }
    heading("write authority")
    for (lane, holder) in holders.enumerated() {
      let top = panels.bottom
      label(holder, top + 14)
      panels.line("grid", from: (left, top + 10), to: (right, top + 10))
      for reign in summary.reigns where reign.holder == holder {
        let x = time(reign.start)
        let width = max(2, time(reign.end ?? time.domain.upperBound) - x)
        let token = "token \(reign.token)"
        panels.rect(
          "reign r\(lane % 2)", x: x, y: top + 1, width: width, height: 18, radius: 3,
          title: "\(holder), \(token): \(moment(reign.start)) to \(reign.end.map(moment) ?? "the end of the run")")
        if textWidth(token) + 8 < width { panels.text("inside", token, x: x + 6, y: top + 14) }
      }
      panels.bottom = top + 24
    }
    panels.bottom += 14
  }

  mutating func drawWrites() {
    let series = summary.writes.filter { !$0.acknowledged.isEmpty }
    guard let seconds = series.map(\.acknowledged.count).max() else { return }
    // Never more bars than can be told apart.
    let step = max(1, (seconds + 289) / 290)
    let bars = series.map { WriteBars($0, step: step) }
    let top = roundedUp(bars.map(\.highest).max() ?? 1)
    heading(step == 1 ? "writes a second, by region of the producer" : "writes a second, mean of \(step) s each")
    for bar in bars {
      drawBars(bar, top: top, step: step)
    }
    panels.bottom += 8
  }

  private mutating func drawBars(_ bars: WriteBars, top: Double, step: Int) {
    let height = 58.0
    let y = Scale(0...top, from: panels.bottom + height, to: panels.bottom)
    label(bars.region, panels.bottom + height / 2 + 4)
    axis(y, marks: [0, top], unit: "/s")
    for (index, bar) in bars.bars.enumerated() {
      let x = time(Double(index * step))
      let width = max(0.6, time(Double((index + 1) * step)) - x - 0.8)
      let title =
        "\(bars.region), \(index * step) s: \(tickText(bar.acknowledged))/s acknowledged,"
        + " \(tickText(bar.unknown))/s unknown, \(tickText(bar.failed))/s refused"
      var base = 0.0
      for (style, value) in [("acked", bar.acknowledged), ("unknown", bar.unknown), ("failed", bar.failed)]
      where value > 0 {
        panels.rect(style, x: x, y: y(base + value), width: width, height: y(base) - y(base + value), title: title)
        base += value
      }
    }
    panels.bottom += height + 14
  }

  mutating func drawLag() {
    let readings = summary.lag.flatMap(\.samples).compactMap(\.seconds).filter(\.isFinite)
    guard let highest = readings.max() else { return }
    heading("mirror lag: age of the oldest event that has not arrived")
    let height = 110.0
    let top = roundedUp(max(highest, (summary.lagLimitSeconds ?? 0) * 1.5, 0.1))
    let y = Scale(0...top, from: panels.bottom + height, to: panels.bottom)
    axis(y, marks: [0, top / 2, top], unit: " s")
    if let limit = summary.lagLimitSeconds, limit <= top {
      panels.line("limit", from: (left, y(limit)), to: (right, y(limit)))
      panels.text("limit-name", "bound \(span(limit))", x: right, y: y(limit) - 4)
    }
    for (index, series) in summary.lag.enumerated() {
      for piece in series.pieces {
        panels.path(
          "lag l\(index % 4)", piece.map { (x: time($0.at), y: y($0.seconds)) },
          title: "\(series.name): at most \(span(piece.map(\.seconds).max() ?? 0))")
      }
      label(series.name, panels.bottom + 40 + Double(index) * 18, style: "row l\(index % 4)")
    }
    panels.bottom += height + 16
  }

  /// Numbers on the time axis; the list beside the figure says what they are. Numbers that would cover each other stand
  /// one below the other.
  mutating func drawEvents() {
    var rows: [Double] = []
    let top = panels.bottom + 26
    for (index, event) in summary.events.enumerated() {
      let x = time(event.at)
      let row = rows.firstIndex { x - $0 > 19 } ?? rows.count
      guard row < 4 else { continue }  // the list has it all the same
      if row < rows.count { rows[row] = x } else { rows.append(x) }
      let y = top + Double(row) * 20
      let number = String(index + 1)
      panels.line("moment", from: (x, top - 24), to: (x, y - 8))
      panels.add(
        .element(
          "g", [:],
          .element("circle", ["class": "dot", "cx": coordinate(x), "cy": coordinate(y), "r": "8.5"]),
          .element("text", ["class": "number", "x": coordinate(x), "y": coordinate(y + 3.5)], .text(number)),
          .element("title", text: "\(moment(event.at)): \(event.what)")))
    }
    if !rows.isEmpty { panels.bottom = top + Double(rows.count) * 20 - 8 }
  }

  /// Faults and time marks lie behind the panels and reach through all of them.
  func finish() -> Markup {
    let axisTop = summary.faults.isEmpty ? 4.0 : 20
    let floor = panels.bottom
    var figure = Drawing(width: 1000)
    for fault in summary.faults {
      guard let start = fault.start else { continue }
      let x = time(start)
      let width = max(1.5, time(fault.end ?? time.domain.upperBound) - x)
      let length = span((fault.end ?? time.domain.upperBound) - start)
      figure.rect(
        "fault", x: x, y: axisTop, width: width, height: floor - axisTop,
        title: "\(fault.id), in force \(length): \(fault.what)")
      let name = "\(fault.id), in force \(length)"
      // Near the right edge the name ends where the interval ends, so that none of it is cut off.
      let fits = x + textWidth(name) * 1.2 < right
      figure.text(fits ? "fault-name" : "fault-name end", name, x: fits ? x + 2 : x + width, y: 14)
    }
    for tick in time.ticks(atMost: 14) {
      figure.line("grid", from: (time(tick), axisTop), to: (time(tick), floor))
      figure.text("tick mid", "\(tickText(tick)) s", x: time(tick), y: floor + 15)
    }
    figure.add(.joined(panels.content))
    figure.bottom = floor + 24
    return figure.svg(label: description)
  }

  private var description: String {
    let faults = summary.faults.map { "\($0.id) in force from \($0.start.map(moment) ?? "never")" }
    return "Timeline of the run, \(span(summary.seconds)): phases, write authority, writes a second and mirror lag. "
      + (faults.isEmpty ? "No fault." : faults.joined(separator: "; ") + ".")
  }

  private mutating func heading(_ text: String) {
    panels.text("heading", text, x: left, y: panels.bottom + 8)
    panels.bottom += 18
  }

  private mutating func label(_ text: String, _ y: Double, style: String = "row") {
    panels.text(style, text, x: 4, y: y)
  }

  private mutating func axis(_ y: Scale, marks: [Double], unit: String) {
    for mark in marks {
      panels.line("base", from: (left, y(mark)), to: (right, y(mark)))
      panels.text("tick end", "\(tickText(mark))\(mark == 0 ? "" : unit)", x: left - 6, y: y(mark) + 4)
    }
  }
}

/// A region's writes as bars of `step` seconds each, in writes a second.
private struct WriteBars {
  struct Bar {
    var acknowledged: Double
    var unknown: Double
    var failed: Double

    var sum: Double { acknowledged + unknown + failed }
  }

  let region: String
  let bars: [Bar]

  var highest: Double { bars.map(\.sum).max() ?? 0 }

  init(_ series: WriteSeries, step: Int) {
    region = series.region
    func mean(_ values: [Int], _ start: Int) -> Double {
      Double(values.dropFirst(start).prefix(step).reduce(0, +)) / Double(step)
    }
    bars = stride(from: 0, to: series.acknowledged.count, by: step).map {
      Bar(
        acknowledged: mean(series.acknowledged, $0), unknown: mean(series.unknown, $0), failed: mean(series.failed, $0))
    }
  }
}

extension LagSeries {
  /// The readings in runs without a gap: where the lag could not be read, no line may pretend that it was.
  fileprivate var pieces: [[(at: Double, seconds: Double)]] {
    var pieces: [[(at: Double, seconds: Double)]] = [[]]
    for sample in samples {
      if let seconds = sample.seconds, seconds.isFinite {
        pieces[pieces.count - 1].append((sample.at, seconds))
      } else if pieces.last?.isEmpty == false {
        pieces.append([])
      }
    }
    return pieces.filter { !$0.isEmpty }
  }
}
