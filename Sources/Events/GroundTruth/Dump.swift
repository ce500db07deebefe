internal import FoundationEssentials

/// A dump of ground truth: where it comes from, and its rows.
///
/// As a file it is JSON Lines: a header `{"dump":"log","format":1,"source":…,"store":…,"takenAt":…}`, a line a row, and a footer
/// `{"count":N,"end":"log"}`. Without the footer, or with another count, the dump is cut off and does not open: a log that
/// merely looks shorter would be read as loss.
public struct Dump<Row: GroundTruthRow>: Sendable, Hashable {
  /// The store it was taken from. `nil`: it is about no single store.
  public var store: String?
  /// How it was taken: the query, the endpoint.
  public var source: String
  /// When, by the wall clock, RFC 3339.
  public var takenAt: String
  /// What the server said, in its order.
  public var rows: [Row]

  /// A dump.
  public init(store: String?, source: String, takenAt: String, rows: [Row]) {
    self.store = store
    self.source = source
    self.takenAt = takenAt
    self.rows = rows
  }

  /// The dump as a file.
  ///
  /// - Throws: `EncodingError` when a row cannot be written as JSON.
  public func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var bytes = Array(
      try encoder.encode(
        DumpHeader(
          dump: Row.dumpKind.rawValue, format: DumpHeader.known, source: source, store: store, takenAt: takenAt)))
    bytes.append(UInt8(ascii: "\n"))
    for row in rows {
      bytes += try encoder.encode(row)
      bytes.append(UInt8(ascii: "\n"))
    }
    bytes += try encoder.encode(DumpFooter(count: rows.count, end: Row.dumpKind.rawValue))
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  /// Reads a dump.
  ///
  /// - Throws: ``DumpError`` with the line, when it is cut off, of another kind, of a later format, or damaged.
  public init(bytes: [UInt8]) throws(DumpError) {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let kind = Row.dumpKind
    // A whole file ends with a line end, after which there is one empty piece.
    guard lines.count >= 2, lines.last?.isEmpty == true else { throw .cut(kind: kind, line: lines.count) }
    let decoder = JSONDecoder()
    func decode<T: Decodable>(_ type: T.Type, line: Int) throws(DumpError) -> T {
      do { return try decoder.decode(type, from: Data(lines[line - 1])) } catch {
        throw .damaged(
          kind: kind, line: line, what: "no \(type == Row.self ? "row" : "header") of a \(kind.rawValue) dump")
      }
    }
    let header = try decode(DumpHeader.self, line: 1)
    guard header.format == DumpHeader.known else { throw .futureFormat(kind: kind, found: header.format) }
    guard header.dump == kind.rawValue else { throw .otherKind(wanted: kind, found: header.dump) }
    let last = lines.count - 1
    guard last >= 2, let footer = try? decoder.decode(DumpFooter.self, from: Data(lines[last - 1])),
      footer.end == kind.rawValue
    else { throw .cut(kind: kind, line: last) }
    guard footer.count == last - 2 else {
      throw .damaged(kind: kind, line: last, what: "the footer counts \(footer.count) rows, but there are \(last - 2)")
    }
    var rows: [Row] = []
    rows.reserveCapacity(footer.count)
    for line in stride(from: 2, to: last, by: 1) { rows.append(try decode(Row.self, line: line)) }
    self.init(store: header.store, source: header.source, takenAt: header.takenAt, rows: rows)
  }

  /// Writes the dump as a new file at `path`, on the disk when this returns.
  ///
  /// - Throws: ``HistoryError/system(call:path:errno:)``, also when the file exists; a half-written file has no footer.
  public func write(to path: String) throws {
    let file = try File.create(path)
    try file.append(try encoded())
    try file.sync()
  }

  /// Reads the dump at `path`.
  ///
  /// - Throws: ``HistoryError/system(call:path:errno:)`` or ``DumpError``.
  public init(path: String) throws {
    let file = try File.open(path)
    try self.init(bytes: file.read(at: 0, count: Int(try file.size())))
  }
}

private struct DumpHeader: Codable {
  static let known = 1
  var dump: String
  var format: Int
  var source: String
  var store: String?
  var takenAt: String
}

private struct DumpFooter: Codable {
  var count: Int
  var end: String
}

/// What can be wrong with a dump. Lines count from 1.
public enum DumpError: Error, Sendable, Hashable {
  /// It stops before its footer.
  case cut(kind: DumpKind, line: Int)
  /// It is another dump than the one wanted.
  case otherKind(wanted: DumpKind, found: String)
  /// It was written by a later version of this tool.
  case futureFormat(kind: DumpKind, found: Int)
  /// A line is not what was written.
  case damaged(kind: DumpKind, line: Int, what: String)
}

extension DumpError: CustomStringConvertible {
  /// What is wrong, and where.
  public var description: String {
    switch self {
    case .cut(let kind, let line):
      "the \(kind.rawValue) dump is cut off at line \(line): its footer is missing, so rows may be, too"
    case .otherKind(let wanted, let found): "line 1: a '\(found)' dump where a '\(wanted.rawValue)' dump belongs"
    case .futureFormat(let kind, let found):
      "the \(kind.rawValue) dump has format \(found), later than the newest this version reads (1)"
    case .damaged(let kind, let line, let what): "\(kind.rawValue) dump, line \(line): \(what)"
    }
  }
}
