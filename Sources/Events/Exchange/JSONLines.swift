internal import FoundationEssentials

extension History {
  /// The history as JSON Lines: a header, a line an operation, and a footer that says how many there are and how they end.
  ///
  /// docs/history.md describes every field. Reading it back yields the same history, but for ``index``.
  ///
  /// - Throws: `EncodingError` when a line cannot be written as JSON.
  public func jsonLines() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var bytes: [UInt8] = []
    func append(_ line: some Encodable) throws {
      bytes += try encoder.encode(line)
      bytes.append(UInt8(ascii: "\n"))
    }
    try append(HistoryLine(header, names))
    for operation in operations { try append(OperationLine(operation, names)) }
    try append(FooterLine(end: end, dropped: dropped, count: operations.count))
    return bytes
  }

  /// Reads a history from JSON Lines.
  ///
  /// A text that stops before its footer is read up to its last whole line, and ``end`` says so.
  ///
  /// - Throws: ``ImportError`` with the line when it is no such text, of a later format, or damaged.
  public init(jsonLines bytes: [UInt8]) throws(ImportError) {
    var reader = JSONLinesReader(bytes)
    self = try reader.read()
  }
}

/// The first line.
private struct HistoryLine: LineOfKeys {
  enum CodingKeys: String, CodingKey, CaseIterable { case format, history, monotonicStart, wallStart, names }

  static let known = 1
  var format: Int
  var history: String?
  var monotonicStart: Int64?
  var wallStart: Int64?
  var names: NameTable?

  init(_ header: HistoryHeader?, _ names: NameTable) {
    format = Self.known
    history = header?.runID
    monotonicStart = header?.monotonicStart
    wallStart = header?.wallStart
    self.names = names
  }

  var header: HistoryHeader? {
    guard let history else { return nil }
    return HistoryHeader(runID: history, monotonicStart: monotonicStart ?? 0, wallStart: wallStart ?? 0)
  }
}

/// The last line.
private struct FooterLine: LineOfKeys {
  enum CodingKeys: String, CodingKey, CaseIterable { case count, dropped, end, offset, reason }

  var count: Int
  var dropped: UInt64
  var end: String
  var offset: UInt64?
  var reason: String?

  init(end: HistoryEnd, dropped: UInt64, count: Int) {
    self.count = count
    self.dropped = dropped
    switch end {
    case .closed: self.end = "closed"
    case .cut(let offset, let reason): (self.end, self.offset, self.reason) = ("cut", offset, reason)
    }
  }

  var historyEnd: HistoryEnd? {
    switch (end, offset, reason) {
    case ("closed", nil, nil): .closed
    case ("cut", let offset?, let reason?): .cut(offset: offset, reason: reason)
    default: nil
    }
  }
}

private struct JSONLinesReader {
  private let bytes: [UInt8]
  private var place = 0
  private var line = 0
  private let decoder = JSONDecoder()

  /// A line is one operation; what is longer than this is something else, and is not read into memory twice.
  private static let longestLine = 1 << 24
  private static let longestFooter = 1 << 12

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func read() throws(ImportError) -> History {
    guard let first = try nextLine() else {
      return History(names: NameTable(), end: .cut(offset: 0, reason: "the header line is not whole"))
    }
    let head = try decode(HistoryLine.self, first, "header of a history in JSON Lines")
    guard (1...HistoryLine.known).contains(head.format) else {
      throw ImportError(
        line: 1, what: "the history has format \(head.format); this version reads up to \(HistoryLine.known)")
    }
    var history = History(header: head.header, names: head.names ?? NameTable(), operations: [])
    while true {
      let start = place
      guard let next = try nextLine() else {
        history.end = .cut(offset: UInt64(start), reason: "the footer line is missing")
        return history
      }
      if isFooter(next) {
        try finish(&history, try decode(FooterLine.self, next, "footer of a history"))
        return history
      }
      let entry = try decode(OperationLine.self, next, "operation")
      do { history.operations.append(try entry.operation(&history.names)) } catch {
        throw ImportError(line: line, what: error.what)
      }
    }
  }

  private func finish(_ history: inout History, _ footer: FooterLine) throws(ImportError) {
    guard footer.count == history.operations.count else {
      throw ImportError(
        line: line, what: "the footer counts \(footer.count) operations, but there are \(history.operations.count)")
    }
    guard let end = footer.historyEnd else { throw ImportError(line: line, what: "no footer of a history") }
    guard place == bytes.count else { throw ImportError(line: line + 1, what: "there are bytes after the footer") }
    history.end = end
    history.dropped = footer.dropped
  }

  /// The next whole line; `nil` when there is none.
  private mutating func nextLine() throws(ImportError) -> ArraySlice<UInt8>? {
    guard let end = bytes[place...].prefix(Self.longestLine).firstIndex(of: UInt8(ascii: "\n")) else {
      guard bytes.count - place < Self.longestLine else {
        throw ImportError(line: line + 1, what: "a line of more than \(Self.longestLine) bytes")
      }
      return nil
    }
    defer {
      place = end + 1
      line += 1
    }
    return bytes[place..<end]
  }

  /// Only the footer says how many operations there are; no operation has such a field.
  private func isFooter(_ line: ArraySlice<UInt8>) -> Bool {
    let word = Array("\"count\"".utf8)
    var rest = line.prefix(Self.longestFooter)
    while let quote = rest.firstIndex(of: word[0]) {
      rest = rest[quote...]
      if rest.starts(with: word) { return (try? decoder.decode(FooterLine.self, from: Data(line))) != nil }
      rest = rest.dropFirst()
    }
    return false
  }

  private func decode<T: LineOfKeys>(
    _ type: T.Type, _ text: ArraySlice<UInt8>, _ what: String
  ) throws(ImportError) -> T {
    do {
      return try decoder.decode(KnownKeys<T>.self, from: Data(text)).value
    } catch {
      throw ImportError(line: line, what: "no \(what): \(shortened(error))")
    }
  }
}

/// A line that is an object of known keys.
protocol LineOfKeys: Codable {
  associatedtype CodingKeys: CodingKey & CaseIterable
}

/// A value whose keys are all known: a misspelt key must not read as an absent field.
private struct KnownKeys<Value: LineOfKeys>: Decodable {
  var value: Value

  private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    value = try Value(from: decoder)
    let container = try decoder.container(keyedBy: AnyKey.self)
    guard let other = container.allKeys.first(where: { Value.CodingKeys(stringValue: $0.stringValue) == nil }) else {
      return
    }
    throw DecodingError.dataCorruptedError(forKey: other, in: container, debugDescription: "an unknown key")
  }
}
