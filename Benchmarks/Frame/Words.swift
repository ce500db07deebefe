internal import Support

/// The words of a command line: switches, options with a value, and names.
struct Words {
  private(set) var names: [String] = []
  private var values: [String: String] = [:]

  /// Sorts `words`.
  ///
  /// - Throws: ``Problem`` (usage) for an option that is not among those given, or lacks its value.
  init(_ words: [String], switches: Set<String> = [], options: Set<String>) throws(Problem) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if switches.contains(word) {
        values[word] = ""
      } else if options.contains(word) {
        guard let value = rest.popFirst() else {
          throw Problem(.usage, "\(word) needs a value", fix: "see Benchmarks --help")
        }
        values[word] = value
      } else if word.hasPrefix("-") {
        throw Problem(
          .usage, "there is no option \(word) here",
          fix: "options: \((switches.union(options)).sorted().joined(separator: ", "))")
      } else {
        names.append(word)
      }
    }
  }

  func has(_ name: String) -> Bool { values[name] != nil }

  func text(_ name: String) -> String? { values[name] }

  /// The number that an option gives, or `standard` without it.
  func number<T: FixedWidthInteger>(_ name: String, in range: ClosedRange<T>, standard: T) throws(Problem) -> T {
    guard let text = values[name] else { return standard }
    guard let number = T(text), range.contains(number) else {
      throw Problem(.usage, "\(name) '\(text)' is no number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

/// The seed of every random choice unless another is given.
let standardSeed: UInt64 = 20_261_120
