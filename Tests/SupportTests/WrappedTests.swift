import Support
import Testing

/// Texts broken into lines. Plain ones, of ASCII with one space between words, are cut by bytes: as any other would be.
@Suite struct WrappedTests {
  /// Word by word, as a person would do it.
  private func reference(_ text: String, width: Int) -> [String] {
    text.split(whereSeparator: \.isWhitespace).reduce(into: [String]()) { lines, word in
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = "\(last) \(word)"
      } else {
        lines.append(String(word))
      }
    }
  }

  @Test func everyTextIsBrokenBetweenItsWords() {
    var random = SeededRandom(seed: 7, for: "texts")
    for round in 0..<2000 {
      let separators = round % 2 == 0 ? [" "] : [" ", "  ", "\t", "\n", "\u{3000}"]
      let letters = round % 3 == 0 ? ["a", "bc", "é", "🇨🇭"] : ["a", "bc", "-"]
      var text = ""
      for place in 0..<Int.random(in: 0..<12, using: &random) {
        if place > 0 { text += separators.randomElement(using: &random) ?? " " }
        for _ in 0..<Int.random(in: 0..<9, using: &random) { text += letters.randomElement(using: &random) ?? "a" }
      }
      let width = Int.random(in: 1..<20, using: &random)
      #expect(wrapped(text, width: width) == reference(text, width: width), "'\(text)' at \(width)")
    }
  }

  @Test func whatFitsStaysAsItIs() {
    #expect(wrapped("", width: 5) == [] && wrapped(" ", width: 5) == [])
    #expect(wrapped("12345", width: 5) == ["12345"] && wrapped("1 345", width: 5) == ["1 345"])
    #expect(wrapped("1 3456 8", width: 5) == ["1", "3456", "8"])
    #expect(wrapped("123456789 2", width: 5) == ["123456789", "2"])
  }
}
