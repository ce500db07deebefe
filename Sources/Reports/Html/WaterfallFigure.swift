/// The recovery stage by stage: each bar begins where the one above ended, in seconds from the first.
func waterfallFigure(_ time: RecoveryTimeSummary) -> Markup {
  guard let origin = time.stages.map(\.start).min(), let end = time.stages.map(\.end).max(), origin <= end else {
    return ""
  }
  var figure = Drawing(width: 1000)
  let left = 240.0
  let right = 900.0
  let scale = Scale(0...(end - origin), from: left, to: right)
  let floor = 10 + Double(time.stages.count) * 26
  for tick in scale.ticks(atMost: 10) {
    figure.line("grid", from: (scale(tick), 4), to: (scale(tick), floor))
    figure.text("tick mid", "\(tickText(tick)) s", x: scale(tick), y: floor + 15)
  }
  for (index, stage) in time.stages.enumerated() {
    let y = 8 + Double(index) * 26
    let x = scale(stage.start - origin)
    let width = max(2, scale(stage.end - origin) - x)
    figure.text("row", stage.name, x: 4, y: y + 14)
    figure.rect(
      "stage", x: x, y: y, width: width, height: 18, radius: 3,
      title: "\(stage.name): \(span(stage.seconds)), \(span(stage.end - origin)) after the fault")
    figure.text("value", span(stage.seconds), x: x + width + 6, y: y + 14)
  }
  figure.bottom = floor + 24
  let words = time.stages.map { "\($0.name) \(span($0.seconds))" }.joined(separator: ", ")
  return figure.svg(label: "Recovery stage by stage: \(words)")
}
