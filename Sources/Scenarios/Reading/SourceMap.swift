public import Support

/// Where each key of a scenario stands in its file, so that a check of the finished model can still point at a line.
public struct SourceMap: Sendable {
  private let file: String
  private var places: [String: SourceLocation] = [:]

  /// A map without places: everything is said to stand at the beginning of `file`.
  public init(file: String) { self.file = file }

  /// The place of the key at `path`, or of the nearest key around it that the file has.
  public subscript(path: String) -> SourceLocation {
    var rest = path[...]
    while !rest.isEmpty {
      if let place = places[String(rest)] { return place }
      guard let cut = rest.lastIndex(where: { $0 == "." || $0 == "[" }) else { break }
      rest = rest[..<cut]
    }
    return places[""] ?? SourceLocation(file: file, line: 1, column: 1)
  }

  mutating func record(_ path: String, at place: SourceLocation) { places[path] = place }
}
