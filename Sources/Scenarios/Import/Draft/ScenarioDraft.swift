internal import Support

/// A scenario in the making: what was imported, and the frame that it is put into.
struct ScenarioDraft {
  var name: String
  var description: String
  var tags: [String]
  /// Comment lines at the head of the document.
  var header: [String]
  var seed: UInt64
  /// What it does.
  var step: ImportedStep
  /// The same, as the timeline writes it.
  var timeline: TimelineText
  /// Sections of the mapping file, which replace those of the frame.
  var sections: [(key: String, value: Node)]
  /// What must hold before anything is injected, where the file says it; probes, and what else follows from them.
  var checks: ImportedChecks
  /// Whether the checklist asks for a failover.
  var expectsFailover = false
}

/// Gives names in the form that a scenario wants, each only once.
struct Names {
  let longest: Int
  private var counts: [String: Int] = [:]
  private var given: Set<String> = []

  init(longest: Int) { self.longest = longest }

  /// A name near to `text` that was not given before.
  mutating func unique(_ text: String) -> String {
    let base = Self.narrow(text, longest: longest)
    while true {
      let count = counts[base, default: 0] + 1
      counts[base] = count
      let suffix = count == 1 ? "" : "-\(Self.letters(count - 1))"
      let name = Self.narrow(String(base.prefix(longest - suffix.count)), longest: longest) + suffix
      if given.insert(name).inserted { return name }
    }
  }

  /// `b`, `c`, …, `z`, `ba`: no digits, for the rounds of a repetition are numbered already.
  private static func letters(_ number: Int) -> String {
    let letter = String(Character(Unicode.Scalar(UInt8(97 + number % 26))))
    return number < 26 ? letter : letters(number / 26) + letter
  }

  /// Lower-case letters, digits and inner hyphens; `imported` when nothing of that is left.
  static func narrow(_ text: String, longest: Int) -> String {
    var letters: [UInt8] = []
    for byte in text.lowercased().utf8 {
      if (97...122).contains(byte) || (48...57).contains(byte) {
        letters.append(byte)
      } else if let last = letters.last, last != 45 {
        letters.append(45)
      }
    }
    letters = Array(letters.prefix(longest))
    while letters.last == 45 { letters.removeLast() }
    return letters.isEmpty ? "imported" : String(decoding: letters, as: UTF8.self)
  }
}
