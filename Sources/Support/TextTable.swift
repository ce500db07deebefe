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
    let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column < alignments.count && alignments[column] == .right ? space + cell : cell + space
      }
      let line = String(repeating: " ", count: indent) + cells.joined(separator: String(repeating: " ", count: gap))
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}

/// Breaks `text` into lines of at most `width` characters, between words; a longer word stands alone, unbroken.
public func wrapped(_ text: String, width: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in text.split(whereSeparator: \.isWhitespace) {
    if line.isEmpty {
      line = String(word)
    } else if line.count + 1 + word.count <= width {
      line += " \(word)"
    } else {
      lines.append(line)
      line = String(word)
    }
  }
  return line.isEmpty ? lines : lines + [line]
}
