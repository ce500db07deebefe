/// A pattern for paths below a directory: `*` and `?` within one name, `**` across any number of directories.
///
/// It stands for the whole path, so `*.log` means files at the top, and `**/*.log` those anywhere.
public struct PathPattern: Sendable, Hashable, Codable, CustomStringConvertible {
  /// As it was written.
  public var text: String

  /// A pattern; see ``defect`` for whether it is a good one.
  public init(_ text: String) {
    self.text = text
  }

  /// Everything.
  public static let all = PathPattern("**")

  /// As it was written.
  public var description: String { text }

  /// What is wrong with it; `nil` for nothing.
  public var defect: String? {
    if text.isEmpty { return "an empty path pattern matches nothing; ** matches everything" }
    if text.hasPrefix("/") {
      return "path pattern \"\(text)\" begins with /; it is relative to the directory of the fault"
    }
    if text.utf8.count > 1024 { return "path pattern of \(text.utf8.count) bytes; at most 1024" }
    if text.split(separator: "/", omittingEmptySubsequences: false).contains("..") {
      return "path pattern \"\(text)\" leads out of the directory of the fault"
    }
    return nil
  }

  private enum Token: Hashable {
    case byte(UInt8)
    /// Any one byte of a name.
    case one
    /// Any bytes of a name.
    case name
    /// Any bytes.
    case any
    /// Nothing, or any directories with the slash behind them.
    case directories
  }

  private var tokens: [Token] {
    var tokens: [Token] = []
    var rest = Array(text.utf8)[...]
    while let first = rest.first {
      if rest.starts(with: Array("**/".utf8)) {
        tokens.append(.directories)
        rest = rest.dropFirst(3)
      } else if rest.starts(with: Array("**".utf8)) {
        tokens.append(.any)
        rest = rest.dropFirst(2)
      } else {
        tokens.append(first == UInt8(ascii: "*") ? .name : first == UInt8(ascii: "?") ? .one : .byte(first))
        rest = rest.dropFirst()
      }
    }
    return tokens
  }

  /// Prepares it for many paths.
  func compiled() -> @Sendable (String) -> Bool {
    let tokens = tokens
    if tokens == [.any] { return { _ in true } }
    return { path in Self.matches(tokens, path) }
  }

  /// A place in the pattern; inside a run of directories also whether a name of it has begun.
  private struct Place: Hashable {
    var index: Int
    var isInsideName = false
  }

  /// Walks all ways through the pattern at once, so that no path takes longer than its length times that of the pattern.
  private static func matches(_ tokens: [Token], _ path: String) -> Bool {
    var here = closure([Place(index: 0)], tokens)
    for byte in path.utf8 {
      here = closure(here.compactMap { step(from: $0, byte, tokens) }, tokens)
      if here.isEmpty { return false }
    }
    return here.contains(Place(index: tokens.count))
  }

  private static func step(from place: Place, _ byte: UInt8, _ tokens: [Token]) -> Place? {
    guard place.index < tokens.count else { return nil }
    let isSlash = byte == UInt8(ascii: "/")
    switch tokens[place.index] {
    case .byte(let wanted): return byte == wanted ? Place(index: place.index + 1) : nil
    case .one: return isSlash ? nil : Place(index: place.index + 1)
    case .name: return isSlash ? nil : place
    case .any: return place
    case .directories:
      if !isSlash { return Place(index: place.index, isInsideName: true) }
      return place.isInsideName ? Place(index: place.index) : nil
    }
  }

  /// Adds the places that are reached without a byte.
  private static func closure(_ places: [Place], _ tokens: [Token]) -> Set<Place> {
    var all = Set(places)
    var open = places
    while let place = open.popLast() {
      guard place.index < tokens.count else { continue }
      switch tokens[place.index] {
      case .byte, .one: continue
      case .directories where place.isInsideName: continue
      case .name, .any, .directories:
        let next = Place(index: place.index + 1)
        if all.insert(next).inserted { open.append(next) }
      }
    }
    return all
  }
}
