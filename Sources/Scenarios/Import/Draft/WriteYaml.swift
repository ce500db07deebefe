/// Writes `tree` as a YAML document that every YAML reader, ours included, reads back as the same values.
func writeYaml(_ tree: YamlTree) -> String {
  var writer = YamlWriter()
  writer.block(tree, indent: 0)
  return writer.lines.joined(separator: "\n") + "\n"
}

private struct YamlWriter {
  var lines: [String] = []
  /// What the next line begins with instead of its indentation: the dashes of the list elements that it opens.
  private var opening: String?

  mutating func block(_ tree: YamlTree, indent: Int) {
    switch tree {
    case .commented(let comments, let value):
      comment(comments, indent: indent)
      block(value, indent: indent)
    case .mapping(let members) where !members.isEmpty:
      for member in members { self.member(member, indent: indent) }
    case .list(let elements) where !elements.isEmpty:
      for element in elements { self.element(element, indent: indent) }
    default: line(inline(tree), indent: indent)
    }
  }

  private mutating func member(_ member: YamlTree.Member, indent: Int) {
    let (comments, value) = member.value.parted
    comment(comments, indent: indent)
    let key = scalarText(member.key, asWord: true)
    guard value.isBlock else { return line("\(key): \(inline(value))", indent: indent) }
    line("\(key):", indent: indent)
    block(value, indent: indent + 2)
  }

  private mutating func element(_ element: YamlTree, indent: Int) {
    let (comments, value) = element.parted
    comment(comments, indent: indent)
    opening = (opening ?? String(repeating: " ", count: indent)) + "- "
    block(value, indent: indent + 2)
  }

  private mutating func comment(_ comments: [String], indent: Int) {
    // A comment cannot stand behind the dash that opens its mapping; there it would be taken for the first value's.
    guard opening == nil else { return }
    for comment in comments { lines += commentLines(comment, indent: indent) }
  }

  private mutating func line(_ text: String, indent: Int) {
    lines.append((opening ?? String(repeating: " ", count: indent)) + text)
    opening = nil
  }
}

extension YamlTree {
  /// Its comments, and what they stand above.
  fileprivate var parted: (comments: [String], value: YamlTree) {
    guard case .commented(let comments, let value) = self else { return ([], self) }
    let inner = value.parted
    return (comments + inner.comments, inner.value)
  }

  fileprivate var isBlock: Bool {
    switch self {
    case .list(let elements): !elements.isEmpty
    case .mapping(let members): !members.isEmpty
    case .commented(_, let value): value.isBlock
    case .text, .word, .flow: false
    }
  }
}

/// `tree` on one line.
private func inline(_ tree: YamlTree) -> String {
  switch tree {
  case .text(let text): return scalarText(text, asWord: false)
  case .word(let text): return scalarText(text, asWord: true)
  case .flow(let tree), .commented(_, let tree): return inline(tree)
  case .list(let elements): return "[\(elements.map(inline).joined(separator: ", "))]"
  case .mapping(let members):
    if members.isEmpty { return "{}" }
    let pairs = members.map { "\(scalarText($0.key, asWord: true)): \(inline($0.value))" }
    return "{ \(pairs.joined(separator: ", ")) }"
  }
}

/// A scalar as it stands in the file: plain where no YAML reader can see anything but these letters in it, else in quotes.
func scalarText(_ text: String, asWord: Bool) -> String {
  if asWord ? isPlainWord(text) : isPlainText(text) { return text }
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x22: result += "\\\""
    case 0x5C: result += "\\\\"
    case 0x0A: result += "\\n"
    case 0x0D: result += "\\r"
    case 0x09: result += "\\t"
    case 0..<0x20, 0x7F...0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: result += escaped(scalar.value)
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

private func escaped(_ value: UInt32) -> String {
  let digits = String(value, radix: 16, uppercase: true)
  return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}

/// Letters, digits and what cannot begin, end or split a plain scalar anywhere, not even on one line with others.
private func isPlainWord(_ text: String) -> Bool {
  let letters = Array(text.utf8)
  guard let first = letters.first, let last = letters.last, letters.count <= 200 else { return false }
  func isAlphanumeric(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }
  guard isAlphanumeric(first), last != UInt8(ascii: " ") else { return false }
  guard letters.allSatisfy({ isAlphanumeric($0) || " -_./%+".utf8.contains($0) }) else { return false }
  return !["null", "Null", "NULL"].contains(text)
}

/// … and no number, truth value, date or duration for a reader that guesses types.
private func isPlainText(_ text: String) -> Bool {
  guard isPlainWord(text), let first = text.utf8.first, !(48...57).contains(first) else { return false }
  return !["true", "false", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
}

/// `text` as comment lines of at most 118 characters: control characters made visible, so that no text can end its comment.
func commentLines(_ text: String, indent: Int) -> [String] {
  let margin = String(repeating: " ", count: indent) + "#"
  var safe = ""
  for scalar in text.unicodeScalars {
    let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    let isBreak = [0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF].contains(scalar.value)
    safe.unicodeScalars.append(isControl || isBreak ? " " : scalar)
  }
  var lines: [String] = []
  var line = margin
  for word in safe.split(separator: " ") {
    if line.count > margin.count, line.count + 1 + word.count > 118 {
      lines.append(line)
      line = margin + " "
    }
    line += " " + word
  }
  return line == margin ? lines + [margin] : lines + [line]
}
