internal import Support

/// One value of a YAML document with the place where it stands. Aliases are expanded; comments are gone.
struct Node: Sendable {
  enum Content: Sendable {
    /// Text. `plain` says that it stood without quotes, so that `null` and `true` may mean more than their letters.
    case scalar(String, plain: Bool)
    case sequence([Node])
    /// Members in the order of the file; keys are unique.
    case mapping([Member])
  }

  struct Member: Sendable {
    var key: String
    var keyMark: Mark
    var value: Node
  }

  var content: Content
  var mark: Mark

  /// How a message calls it: `'40'`, `a list`, `a mapping`, `nothing`.
  var summary: String {
    switch content {
    case .scalar(let text, _): isNull ? "nothing" : quoted(text)
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  /// An empty value, `~` or `null`.
  var isNull: Bool {
    guard case .scalar(let text, plain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }
}

/// A place in one of the documents that a scenario is made of; line and column count from 1, columns in characters.
struct Mark: Sendable, Hashable {
  var line: Int
  var column: Int
  /// Which document: 0 is the scenario's own file, the others are included.
  var source = 0

  func location(in file: String) -> SourceLocation { SourceLocation(file: file, line: line, column: column) }
}

/// `text` in quotes for a message: control characters made visible, and cut after 60 characters.
func quoted(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars.prefix(60) {
    switch scalar {
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
      result += "\\u{\(String(scalar.value, radix: 16))}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return text.unicodeScalars.count > 60 ? "'\(result)…'" : "'\(result)'"
}
