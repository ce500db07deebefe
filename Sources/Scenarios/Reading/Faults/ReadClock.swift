internal import Support

extension ClockFault {
  /// Reads the keys of a wrong time; they stand among those of its timeline entry.
  static func read(_ fields: Fields) -> ClockFault? {
    let region = fields.required("region") { $0.text(expected: "a region") }
    let processes = ProcessFault.Selection.read(fields)
    let standard = if case .role(.store) = processes { true } else { false }
    let tree = fields.optional("descendants", or: standard, ProcessFault.readDescendants)
    let offset = fields.optional("offset", or: Offset(nanoseconds: 0), Offset.read)
    let drift = fields.optional("drift", or: Drift(partsPerBillion: 0), Drift.read)
    let clocks = fields.optional("clocks", or: [Clock.realtime]) {
      $0.list { $0.choice(Clock.self, called: "a clock") }
    }
    guard let region, let processes, let tree, let offset, let drift, let clocks else { return nil }
    if offset.nanoseconds == 0, drift.partsPerBillion == 0 {
      fields.mistake("it neither moves the time nor changes its pace", fix: "add offset: 5s, or drift: 200ppm")
      return nil
    }
    if clocks.isEmpty || Set(clocks).count != clocks.count {
      fields.mistake("clocks must name each clock once", fix: "leave it out for the time of day")
      return nil
    }
    return ClockFault(
      region: region, processes: processes, includesDescendants: tree, offset: offset, drift: drift, clocks: clocks)
  }

}

extension Offset {
  /// Reads a duration that may be negative.
  static func read(_ value: Value) -> Offset? {
    guard let text = value.text(expected: "a duration such as 5s or -250ms") else { return nil }
    let isBehind = text.hasPrefix("-")
    do {
      let size = try Duration(written: String(isBehind ? text.dropFirst() : text[...])).nanoseconds
      return Offset(nanoseconds: isBehind ? -size : size)
    } catch {
      value.mistake(error.what, fix: error.fix)
      return nil
    }
  }
}

extension Drift {
  static func read(_ value: Value) -> Drift? {
    let form = "a drift such as 200ppm or -50.5ppm"
    guard let text = value.text(expected: form) else { return nil }
    let isSlow = text.hasPrefix("-")
    guard text.hasSuffix("ppm"), let (number, unit) = DecimalText.split(String(isSlow ? text.dropFirst() : text[...])),
      unit == "ppm", let parts = number.times(1000)
    else {
      value.mistake("expected \(form), found \(quoted(text))")
      return nil
    }
    guard parts <= 500_000_000 else {
      value.mistake("a drift of \(text) is beyond 500,000ppm")
      return nil
    }
    return Drift(partsPerBillion: isSlow ? -parts : parts)
  }
}
