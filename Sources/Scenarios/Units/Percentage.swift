internal import Support

/// A share of a whole, 0 % to 100 %, exact to a ten-thousandth of a percent. Written `1%`, `0.5%`.
public struct Percentage: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// Parts of a million, 0…1,000,000.
  public var partsPerMillion: Int64

  /// A share in parts of a million.
  public init(partsPerMillion: Int64) {
    precondition((0...1_000_000).contains(partsPerMillion), "\(partsPerMillion) parts of a million")
    self.partsPerMillion = partsPerMillion
  }

  /// Everything.
  public static let all = Percentage(partsPerMillion: 1_000_000)

  /// The share as a number from 0 to 1.
  public var fraction: Double { Double(partsPerMillion) / 1e6 }

  /// `0.5%`.
  public var description: String {
    var digits = fixed(Double(partsPerMillion) / 1e4, 4)
    while digits.hasSuffix("0") { digits.removeLast() }
    if digits.hasSuffix(".") { digits.removeLast() }
    return "\(digits)%"
  }

  /// The smaller share first.
  public static func < (left: Self, right: Self) -> Bool { left.partsPerMillion < right.partsPerMillion }

  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    self = try decodeUnit(Self.self, from: decoder)
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    try encodeUnit(description, to: encoder)
  }
}

extension Percentage: Unit {
  static var form: String { "a percentage such as 1% or 0.5%" }

  init(written text: String) throws(UnitError) {
    guard let (number, unit) = DecimalText.split(text) else { throw Self.unexpected(text) }
    guard unit == "%" else {
      throw Self.unexpected(text, fix: unit.isEmpty ? "say the unit: did you mean \(text)%?" : nil)
    }
    guard let parts = number.times(10_000), parts <= 1_000_000 else {
      throw UnitError(what: "the percentage \(quoted(text)) is above 100% or finer than 0.0001%", fix: nil)
    }
    self.init(partsPerMillion: parts)
  }
}
