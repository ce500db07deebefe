/// A value of EDN, as far as histories use it.
///
/// - SeeAlso: https://github.com/edn-format/edn
indirect enum EDN: Equatable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case decimal(Double)
  case text(String)
  case keyword(String)
  case symbol(String)
  case vector([EDN])
  case list([EDN])
  case map([Entry])
  case set([EDN])

  struct Entry: Equatable {
    var key: EDN
    var value: EDN
  }

  /// The value of a map under the keyword `name`. `nil`: there is none, or this is no map.
  subscript(name: String) -> EDN? {
    guard case .map(let entries) = self else { return nil }
    return entries.first { $0.key == .keyword(name) }?.value
  }

  /// The items of a vector, a list or a set.
  var items: [EDN]? {
    switch self {
    case .vector(let items), .list(let items), .set(let items): items
    default: nil
    }
  }
}

/// Reads EDN from bytes, strictly: what it does not know is an error with its place, never skipped.
struct EDNReader {
  private let bytes: [UInt8]
  private(set) var place = 0
  private(set) var line = 1
  private var lineStart = 0

  /// Values nest no deeper than this; histories need about eight levels.
  private static let deepest = 64

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Where the reader is, as an error there.
  func problem(_ what: String) -> ImportError { ImportError(line: line, column: place - lineStart + 1, what: what) }

  /// Goes to the next value.
  ///
  /// - Returns: whether there is one before the end.
  mutating func skipToValue() throws(ImportError) -> Bool {
    try skipSpace(depth: 0)
    return place < bytes.count
  }

  /// The byte that the next value begins with.
  var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  /// Steps over the byte of an opening or closing bracket.
  mutating func step() { place += 1 }

  /// The next value.
  mutating func value() throws(ImportError) -> EDN { try value(depth: 0) }

  private mutating func skipSpace(depth: Int) throws(ImportError) {
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\n"):
        place += 1
        line += 1
        lineStart = place
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: ","), 0x0C: place += 1
      case UInt8(ascii: ";"): while let byte = next, byte != UInt8(ascii: "\n") { place += 1 }
      case UInt8(ascii: "#") where place + 1 < bytes.count && bytes[place + 1] == UInt8(ascii: "_"):
        place += 2
        _ = try value(depth: depth + 1)
      default: return
      }
    }
  }

  private mutating func value(depth: Int) throws(ImportError) -> EDN {
    guard depth < Self.deepest else { throw problem("values nest deeper than \(Self.deepest) levels") }
    try skipSpace(depth: depth)
    guard let byte = next else { throw problem("the text ends where a value belongs") }
    switch byte {
    case UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: ":"):
      place += 1
      return .keyword(try word("a keyword"))
    case UInt8(ascii: "["): return .vector(try items(until: UInt8(ascii: "]"), depth: depth))
    case UInt8(ascii: "("): return .list(try items(until: UInt8(ascii: ")"), depth: depth))
    case UInt8(ascii: "{"): return try map(depth: depth)
    case UInt8(ascii: "#"): return try dispatch(depth: depth)
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): return try number()
    default: return try symbol()
    }
  }

  private mutating func items(until close: UInt8, depth: Int) throws(ImportError) -> [EDN] {
    let opened = problem("a bracket that is opened here is never closed")
    place += 1
    var items: [EDN] = []
    while true {
      try skipSpace(depth: depth)
      guard let byte = next else { throw opened }
      if byte == close {
        place += 1
        return items
      }
      items.append(try value(depth: depth + 1))
    }
  }

  private mutating func map(depth: Int) throws(ImportError) -> EDN {
    let start = problem("a map with a key and no value")
    let items = try items(until: UInt8(ascii: "}"), depth: depth)
    guard items.count.isMultiple(of: 2) else { throw start }
    return .map(stride(from: 0, to: items.count, by: 2).map { EDN.Entry(key: items[$0], value: items[$0 + 1]) })
  }

  /// Sets, and values with a tag, which stand for themselves: Jepsen prints its operations as `#jepsen.history.Op{…}`.
  private mutating func dispatch(depth: Int) throws(ImportError) -> EDN {
    place += 1
    if next == UInt8(ascii: "{") { return .set(try items(until: UInt8(ascii: "}"), depth: depth)) }
    _ = try word("a tag")
    return try value(depth: depth + 1)
  }

  private mutating func text() throws(ImportError) -> String {
    let opened = problem("a text that begins here never ends")
    place += 1
    var content: [UInt8] = []
    while let byte = next {
      place += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else { throw problem("a text is not UTF-8") }
        return text
      case UInt8(ascii: "\\"): content += try escaped()
      case UInt8(ascii: "\n"):
        content.append(byte)
        line += 1
        lineStart = place
      default: content.append(byte)
      }
    }
    throw opened
  }

  private mutating func escaped() throws(ImportError) -> [UInt8] {
    guard let byte = next else { throw problem("the text ends in an escape") }
    place += 1
    switch byte {
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "\\"), UInt8(ascii: "\""): return [byte]
    case UInt8(ascii: "u"):
      let digits = bytes[place..<min(bytes.count, place + 4)]
      guard digits.count == 4, let text = String(validating: digits, as: UTF8.self), let code = UInt32(text, radix: 16),
        let scalar = Unicode.Scalar(code)
      else { throw problem("an escape that is no character") }
      place += 4
      return Array(String(Character(scalar)).utf8)
    default: throw problem("an unknown escape")
    }
  }

  private mutating func word(_ what: String) throws(ImportError) -> String {
    let start = place
    while let byte = next, !Self.endsWord(byte) { place += 1 }
    guard place > start else { throw problem("\(what) without a name") }
    guard let word = String(validating: bytes[start..<place], as: UTF8.self) else {
      throw problem("\(what) is not UTF-8")
    }
    return word
  }

  private static func endsWord(_ byte: UInt8) -> Bool {
    byte <= 0x20 || "\"()[]{},;".utf8.contains(byte)
  }

  private mutating func number() throws(ImportError) -> EDN {
    let start = problem("")
    let word = try word("a number")
    func wrong(_ what: String) -> ImportError { ImportError(line: start.line, column: start.column, what: what) }
    if word == "-" || word == "+" { return .symbol(word) }
    let digits = word.last == "N" ? word.dropLast() : word[...]
    if let integer = Int64(digits) { return .integer(integer) }
    guard !digits.dropFirst().allSatisfy(\.isNumber) else { throw wrong("the number \(word) is beyond 64 bits") }
    let decimal = word.last == "M" ? word.dropLast() : word[...]
    guard let value = Double(decimal), value.isFinite else { throw wrong("'\(word)' is no number") }
    return .decimal(value)
  }

  private mutating func symbol() throws(ImportError) -> EDN {
    let start = problem("a character that begins no value")
    let word = try word("a symbol")
    switch word {
    case "nil": return .null
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    default:
      guard word.utf8.first != UInt8(ascii: "\\"), word.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
        throw start
      }
      return .symbol(word)
    }
  }
}

extension EDN {
  /// The value as text that an ``EDNReader`` reads back.
  var description: String {
    func joined(_ items: [EDN]) -> String { items.map(\.description).joined(separator: " ") }
    switch self {
    case .null: return "nil"
    case .boolean(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .decimal(let value): return String(value)
    case .text(let value): return Self.quoted(value)
    case .keyword(let value): return ":" + value
    case .symbol(let value): return value
    case .vector(let items): return "[" + joined(items) + "]"
    case .list(let items): return "(" + joined(items) + ")"
    case .set(let items): return "#{" + joined(items) + "}"
    case .map(let entries):
      return "{" + entries.map { "\($0.key.description) \($0.value.description)" }.joined(separator: ", ") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
