/// Rows of text in aligned columns, for people with a terminal. Width counts characters, not bytes.
public struct TextTable: Sendable {
  /// How a column is set.
  public enum Alignment: Sendable {
    /// Text.
    case left
    /// Figures.
    case right
  }

  private var rows: [[String]] = []
  private let alignments: [Alignment]
  private let indent: Int
  private let gap: Int

  /// An empty table.
  ///
  /// - Parameters:
  ///   - alignments: one for each column; columns beyond them are set left.
  ///   - indent: spaces before each row.
  ///   - gap: spaces between columns.
  public init(_ alignments: [Alignment] = [], indent: Int = 0, gap: Int = 2) {
    self.alignments = alignments
    self.indent = indent
    self.gap = gap
  }

  /// Adds a row; it may be shorter than the others.
  public mutating func add(_ cells: String...) { rows.append(cells) }

  /// Adds a row from a list.
  public mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The rows, without spaces at their ends.
  public var lines: [String] {
    let columns = rows.map(\.count).max() ?? 0
    let counts = rows.map { $0.map { characters(in: $0) } }
    let widths = (0..<columns).map { column in counts.map { $0.count > column ? $0[column] : 0 }.max() ?? 0 }
    return zip(rows, counts).map { row, counts in
      var line = String(repeating: " ", count: indent)
      for (column, cell) in row.enumerated() {
        let space = String(repeating: " ", count: widths[column] - counts[column])
        if column > 0 { line += String(repeating: " ", count: gap) }
        line += column < alignments.count && alignments[column] == .right ? space + cell : cell + space
      }
      while line.utf8.last == UInt8(ascii: " ") { line.removeLast() }
      return line
    }
  }
}

/// How many characters a text has. Most have no others than ASCII's, for which no table has to be looked into.
private func characters(in text: some StringProtocol) -> Int {
  text.utf8.allSatisfy { $0 < 0x80 } ? text.utf8.count : text.count
}

/// Breaks `text` into lines of at most `width` characters, between words; a longer word stands alone, unbroken.
public func wrapped(_ text: String, width: Int) -> [String] {
  if isPlain(text) { return wrappedPlain(text, width: width) }
  var lines: [String] = []
  var line = ""
  var used = 0
  for word in text.split(whereSeparator: \.isWhitespace) {
    let more = characters(in: word)
    if line.isEmpty {
      line = String(word)
      used = more
    } else if used + 1 + more <= width {
      line += " "
      line += word
      used += 1 + more
    } else {
      lines.append(line)
      line = String(word)
      used = more
    }
  }
  return line.isEmpty ? lines : lines + [line]
}

/// Whether a text is ASCII with one space between words: its lines are then parts of it, and its characters are its bytes. Plans
/// have 100,000 such texts.
private func isPlain(_ text: String) -> Bool {
  let space = UInt8(ascii: " ")
  var last = space
  for byte in text.utf8 {
    guard byte >= space, byte < 0x80, byte != space || last != space else { return false }
    last = byte
  }
  return last != space
}

private func wrappedPlain(_ text: String, width: Int) -> [String] {
  let bytes = text.utf8
  if bytes.count <= width { return [text] }
  var lines: [String] = []
  var start = bytes.startIndex
  var end = start
  for index in bytes.indices where bytes[index] == UInt8(ascii: " ") {
    if end != start, bytes.distance(from: start, to: index) > width {
      lines.append(String(text[start..<end]))
      start = bytes.index(after: end)
    }
    end = index
  }
  if end != start, bytes.distance(from: start, to: bytes.endIndex) > width {
    lines.append(String(text[start..<end]))
    start = bytes.index(after: end)
  }
  lines.append(String(text[start...]))
  return lines
}
