internal import Support

/// How much data passes in a second. Written `10mbit/s`, `1.5gbit/s`; `k`, `m` and `g` count in steps of 1000, as lines do.
public struct BitRate: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// Bits a second, at least 8000.
  public var bitsPerSecond: Int64

  /// A number of bits a second.
  public init(bitsPerSecond: Int64) {
    precondition(bitsPerSecond >= Self.least, "\(bitsPerSecond) bit/s")
    self.bitsPerSecond = bitsPerSecond
  }

  /// Below this a single packet would take more than a second.
  static let least: Int64 = 8000

  private static let units: [(name: String, bits: Int64)] = [
    ("gbit/s", 1_000_000_000), ("mbit/s", 1_000_000), ("kbit/s", 1_000), ("bit/s", 1),
  ]

  /// Bytes a second, rounded down.
  public var bytesPerSecond: Int64 { bitsPerSecond / 8 }

  /// The shortest exact text: `10mbit/s`.
  public var description: String {
    let unit = Self.units.first { bitsPerSecond % $0.bits == 0 }
    return unit.map { "\(bitsPerSecond / $0.bits)\($0.name)" } ?? "\(bitsPerSecond)bit/s"
  }

  /// The smaller rate first.
  public static func < (left: Self, right: Self) -> Bool { left.bitsPerSecond < right.bitsPerSecond }

  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    self = try decodeUnit(Self.self, from: decoder)
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    try encodeUnit(description, to: encoder)
  }
}

extension BitRate: Unit {
  static var form: String { "a bit rate such as 10mbit/s or 1.5gbit/s" }

  init(written text: String) throws(UnitError) {
    guard let (number, name) = DecimalText.split(text) else { throw Self.unexpected(text) }
    guard let unit = Self.units.first(where: { $0.name == name }) else {
      let near = Self.units.first { $0.name.hasPrefix(name.lowercased()) && !name.isEmpty }
      let meant = near.map { "did you mean \(text.dropLast(name.count))\($0.name)? " } ?? ""
      throw Self.unexpected(text, fix: "\(meant)units: bit/s, kbit/s, mbit/s, gbit/s")
    }
    guard let bits = number.times(unit.bits) else {
      throw UnitError(what: "the bit rate \(quoted(text)) is too large, or no whole number of bits", fix: nil)
    }
    guard bits >= Self.least else {
      throw UnitError(
        what: "at \(quoted(text)) a single packet would take more than a second", fix: "at least 8kbit/s")
    }
    self.init(bitsPerSecond: bits)
  }
}
