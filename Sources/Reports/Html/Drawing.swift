/// Collects the shapes of one SVG figure. Colours come from the page's style through classes, so that a figure follows
/// light, dark and print.
struct Drawing {
  let width: Double
  private var shapes: [Markup] = []
  /// Height used so far; the next panel begins here.
  var bottom: Double = 0

  init(width: Double) { self.width = width }

  mutating func add(_ shape: Markup) { shapes.append(shape) }

  /// A rectangle; `title` is what a pointer that rests on it is told.
  mutating func rect(
    _ style: String, x: Double, y: Double, width: Double, height: Double, radius: Double = 0, title: String? = nil
  ) {
    var attributes = [
      "class": style, "x": coordinate(x), "y": coordinate(y), "width": coordinate(max(0, width)),
      "height": coordinate(max(0, height)),
    ]
    if radius > 0 { attributes["rx"] = coordinate(radius) }
    if let title {
      shapes.append(.element("rect", attributes, .element("title", text: title)))
    } else {
      shapes.append(.element("rect", attributes))
    }
  }

  mutating func line(_ style: String, from: (x: Double, y: Double), to: (x: Double, y: Double)) {
    shapes.append(
      .element(
        "line",
        [
          "class": style, "x1": coordinate(from.x), "y1": coordinate(from.y), "x2": coordinate(to.x),
          "y2": coordinate(to.y),
        ]))
  }

  mutating func path(_ style: String, _ points: [(x: Double, y: Double)], title: String) {
    guard let first = points.first else { return }
    let rest = points.dropFirst().map { "L\(coordinate($0.x)) \(coordinate($0.y))" }.joined()
    // A path of one point draws nothing; a line of no length with round ends draws a dot.
    let data = "M\(coordinate(first.x)) \(coordinate(first.y))" + (rest.isEmpty ? "h0" : rest)
    shapes.append(.element("path", ["class": style, "d": data], .element("title", text: title)))
  }

  mutating func text(_ style: String, _ text: String, x: Double, y: Double) {
    shapes.append(.element("text", ["class": style, "x": coordinate(x), "y": coordinate(y)], .text(text)))
  }

  /// The shapes so far, to be put over others.
  var content: [Markup] { shapes }

  /// The figure; `label` says in words what it shows.
  func svg(label: String) -> Markup {
    .element(
      "svg",
      [
        "viewBox": "0 0 \(coordinate(width)) \(coordinate(bottom))", "role": "img", "aria-label": label,
        "xmlns": "http://www.w3.org/2000/svg",
      ], .joined(shapes))
  }
}

/// The width that `text` takes at 11 pixels, roughly: enough to decide whether it fits.
func textWidth(_ text: String) -> Double { Double(text.count) * 6.2 }
