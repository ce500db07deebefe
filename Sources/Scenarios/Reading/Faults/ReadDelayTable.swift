internal import Support

extension DelayTable {
  /// Reads the file that a scenario names, as seen from the file in which it is named.
  static func read(_ value: Value) -> DelayTable? {
    guard let name = value.text(expected: "a file") else { return nil }
    guard let (bytes, source) = value.reading.bytes(of: name, namedAt: value.node.mark, say: value.mistake) else {
      return nil
    }
    guard let values = values(in: bytes, source: source, value) else { return nil }
    guard (1...mostValues).contains(values.count) else {
      value.mistake("\(quoted(name)) has \(values.count) values; a table has 1 to \(mostValues)")
      return nil
    }
    return DelayTable(file: name, values: values)
  }

  /// netem's form: whole numbers between blanks; a line that begins with `#` is a comment.
  private static func values(in bytes: [UInt8], source: Int, _ owner: Value) -> [Int16]? {
    var values: [Int16] = []
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      if line.first == UInt8(ascii: "#") { continue }
      for word in line.split(whereSeparator: { $0 == 32 || $0 == 9 || $0 == 13 }) {
        let text = String(decoding: word, as: UTF8.self)
        guard let value = Int16(text), !text.hasPrefix("+") else {
          owner.reading.found(
            at: Mark(line: number + 1, column: word.startIndex - line.startIndex + 1, source: source), path: owner.path,
            "expected a whole number from -32768 to 32767 (1/8192 of the jitter), found \(quoted(text))")
          return nil
        }
        values.append(value)
        if values.count > mostValues { return values }
      }
    }
    return values
  }
}
