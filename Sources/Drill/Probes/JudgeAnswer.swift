internal import Scenarios
internal import Support

/// What a probe was told, before it is judged.
enum RawAnswer: Sendable, Hashable {
  /// An HTTP status and the body.
  case http(status: Int, body: String)
  /// An HTTP status and the beginning of a body that is longer than what is sent of it.
  case httpBeginning(status: Int, String, sentBytes: Int, ofBytes: Int)
  /// A program's exit code and what it wrote.
  case program(exit: Int32, output: String)
  /// A value: of a query, a sample.
  case value(String)
  /// A connection was accepted, or a figure is within its bounds.
  case yes(String)
  /// It was refused, or the figure is not.
  case no(String)
  /// Nothing that could be judged.
  case none(String)
}

extension ProbeExpectation {
  /// Judges an answer.
  ///
  /// - Parameter hide: takes out of a text of the answer what must not be told on: whoever is asked may say again what he was told.
  func judge(_ answer: RawAnswer, hiding hide: (String) -> String = { $0 }) -> ProbeAnswer {
    let text: String
    switch answer {
    case .none(let why): return .noData(hide(why))
    case .yes(let what): return .passed(hide(what))
    case .no(let what): return .failed(hide(what))
    case .http(let code, let body):
      if let end = judge(status: code) { return end }
      text = body
    case .httpBeginning(let code, let beginning, let sent, let all):
      if let end = judge(status: code) { return end }
      // What was found is there, however long the rest; what was not found may be in the rest.
      if self.text == nil, let contains, beginning.contains(contains) { return .passed(short(hide(beginning))) }
      return .noData("the body has \(all) bytes, and what is expected is not in the first \(sent), which are sent")
    case .program(let code, let output):
      if Int(code) != exit ?? 0 { return .failed("exit \(code)\(short(hide(output), after: ": "))") }
      text = output
      if asksForNothingElse { return .passed("exit \(code)") }
    case .value(let value):
      text = value
    }
    return judge(trimmed(text), hide)
  }

  /// Whether the text of an answer matters.
  var looksAtText: Bool { !asksForNothingElse }

  /// The verdict where the status alone decides.
  private func judge(status code: Int) -> ProbeAnswer? {
    guard status.isEmpty ? code < 400 : status.contains(code) else { return .failed("status \(code)") }
    return asksForNothingElse ? .passed("status \(code)") : nil
  }

  private var asksForNothingElse: Bool { text == nil && contains == nil && min == nil && max == nil }

  private func judge(_ given: String, _ hide: (String) -> String) -> ProbeAnswer {
    func shown() -> String { short(hide(given)) }
    if let text, given != text { return .failed("'\(shown())', not '\(text)'") }
    if let contains, !given.contains(contains) { return .failed("'\(shown())' does not contain '\(contains)'") }
    if min != nil || max != nil {
      guard let number = Double(given) else { return .noData("'\(shown())' is no number") }
      if let min, number < min { return .failed("\(shown()), at least \(min) is expected") }
      if let max, number > max { return .failed("\(shown()), at most \(max) is expected") }
    }
    return .passed(shown())
  }
}

private func trimmed(_ text: String) -> String {
  func isSpace(_ character: Character) -> Bool { character.isWhitespace }
  let start = text.drop(while: isSpace)
  return String(start.reversed().drop(while: isSpace).reversed())
}

private func short(_ text: String, after head: String = "") -> String {
  let line = trimmed(text)
  guard !line.isEmpty else { return "" }
  return head + (line.count > 120 ? "\(line.prefix(120))…" : line)
}
