internal import Support

/// An amount of data. Written `64KiB`, `10MB`: `K`, `M`, `G`, `T` with `iB` count in steps of 1024, with `B` in 1000.
public struct ByteSize: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// Bytes, never negative.
  public var bytes: Int64

  /// A number of bytes.
  public init(bytes: Int64) {
    precondition(bytes >= 0, "\(bytes) bytes")
    self.bytes = bytes
  }

  private static let units: [(name: String, bytes: Int64)] = [
    ("TiB", 1 << 40), ("TB", 1_000_000_000_000), ("GiB", 1 << 30), ("GB", 1_000_000_000), ("MiB", 1 << 20),
    ("MB", 1_000_000), ("KiB", 1 << 10), ("KB", 1_000), ("B", 1),
  ]

  /// The shortest exact text: `10MiB`, `1500B`.
  public var description: String {
    let unit = bytes == 0 ? nil : Self.units.first { bytes % $0.bytes == 0 }
    return unit.map { "\(bytes / $0.bytes)\($0.name)" } ?? "0B"
  }

  /// For people, rounded: `95.4 MiB`.
  public var brief: String {
    guard let unit = Self.units.first(where: { $0.name.hasSuffix("iB") && bytes >= $0.bytes }) else {
      return "\(bytes) B"
    }
    let value = Double(bytes) / Double(unit.bytes)
    return "\(fixed(value, value == value.rounded() ? 0 : 1)) \(unit.name)"
  }

  /// The smaller amount first.
  public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }

  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    self = try decodeUnit(Self.self, from: decoder)
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    try encodeUnit(description, to: encoder)
  }
}

extension ByteSize: Unit {
  static var form: String { "a size such as 64KiB or 10MB" }

  init(written text: String) throws(UnitError) {
    guard let (number, name) = DecimalText.split(text) else { throw Self.unexpected(text) }
    if name.isEmpty { throw Self.unexpected(text, fix: "say the unit: did you mean \(text)B?") }
    guard let unit = Self.units.first(where: { $0.name == name }) else {
      throw Self.unexpected(text, fix: "units: B, KB, MB, GB, TB, KiB, MiB, GiB, TiB")
    }
    guard let bytes = number.times(unit.bytes) else {
      throw UnitError(what: "the size \(quoted(text)) is above 8 EiB or no whole number of bytes", fix: nil)
    }
    self.init(bytes: bytes)
  }
}
