internal import Support

/// How often something is done: a whole number of times a second, minute or hour. Written `40/s`.
public struct Rate: Sendable, Hashable, Codable, CustomStringConvertible {
  /// What the count is counted in.
  public enum Period: String, Sendable, Hashable, CaseIterable {
    /// A second.
    case second = "s"
    /// A minute.
    case minute = "m"
    /// An hour.
    case hour = "h"

    /// Its length.
    public var duration: Duration {
      switch self {
      case .second: .seconds(1)
      case .minute: .seconds(60)
      case .hour: .seconds(3600)
      }
    }
  }

  /// How many times in one `period`; at least 1.
  public var count: Int64
  /// The period.
  public var period: Period

  /// `count` times in each `period`.
  public init(_ count: Int64, per period: Period = .second) {
    precondition(count > 0, "a rate of \(count)")
    self.count = count
    self.period = period
  }

  /// Times a second.
  public var perSecond: Double { Double(count) / period.duration.inSeconds }

  /// The time between two of them, when they are spaced evenly.
  public var interval: Duration { period.duration / Double(count) }

  /// `40/s`.
  public var description: String { "\(count)/\(period.rawValue)" }

  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    self = try decodeUnit(Self.self, from: decoder)
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    try encodeUnit(description, to: encoder)
  }
}

extension Rate: Unit {
  static var form: String { "a rate such as 40/s or 90/m" }

  init(written text: String) throws(UnitError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else {
      let bare = Int64(text) != nil
      throw Self.unexpected(text, fix: bare ? "say the period: did you mean \(text)/s?" : nil)
    }
    guard let period = Period(rawValue: parts[1]) else {
      let near = meantUnit(parts[1]).flatMap(Period.init(rawValue:))
      throw Self.unexpected(
        text, fix: (near.map { "did you mean \(parts[0])/\($0.rawValue)? " } ?? "") + "periods: s, m, h")
    }
    guard DecimalText(parts[0]) != nil else { throw Self.unexpected(text) }
    guard let count = DecimalText(parts[0])?.times(1) else {
      throw Self.unexpected(text, fix: "write a whole number, with a longer period if needed: 30/m")
    }
    guard count > 0 else {
      throw UnitError(what: "a rate of \(quoted(text)) does nothing", fix: "leave it out, or say at least 1/h")
    }
    guard count <= 10_000_000 else {
      throw UnitError(what: "a rate of \(quoted(text)) is more than 10000000 a period", fix: nil)
    }
    self.init(count, per: period)
  }
}

/// Decodes a quantity from its text form.
func decodeUnit<T: Unit>(_ type: T.Type, from decoder: any Decoder) throws -> T {
  let text = try decoder.singleValueContainer().decode(String.self)
  do {
    return try T(written: text)
  } catch {
    throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: error.what))
  }
}

/// Encodes the text form of a quantity.
func encodeUnit(_ text: String, to encoder: any Encoder) throws {
  var container = encoder.singleValueContainer()
  try container.encode(text)
}

extension Rate: Comparable {
  /// The one that is done less often first; of equally frequent ones the one with the smaller count.
  public static func < (left: Self, right: Self) -> Bool {
    // At most 10,000,000 × 3,600, far from overflow.
    let (one, other) = (left.count * right.period.seconds, right.count * left.period.seconds)
    return one == other ? left.count < right.count : one < other
  }
}

extension Rate.Period {
  fileprivate var seconds: Int64 { duration.components.seconds }
}
