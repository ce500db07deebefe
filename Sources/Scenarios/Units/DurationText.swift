public import Support

extension Duration: Unit {
  static var form: String { "a duration such as 250ms, 10s or 5m" }

  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
  ]

  /// Reads `250ms`, `1.5s`, `5m`: a number, at once its unit, exact to the nanosecond.
  init(written text: String) throws(UnitError) {
    guard let (number, unit) = DecimalText.split(text) else { throw Self.unexpected(text) }
    if unit.isEmpty { throw Self.unexpected(text, fix: "say the unit: did you mean \(text)s?") }
    guard let scale = Self.units.first(where: { $0.name == unit })?.nanoseconds else {
      let near = meantUnit(unit)
      throw Self.unexpected(
        text,
        fix: (near.map { "did you mean \(text.dropLast(unit.count))\($0)? " } ?? "") + "units: ns, us, ms, s, m, h")
    }
    guard let nanoseconds = number.times(scale) else {
      throw UnitError(what: "the duration \(quoted(text)) is longer than 292 years or finer than 1 ns", fix: nil)
    }
    self = .nanoseconds(nanoseconds)
  }
}

/// A duration that is written in JSON as a scenario writes it (`"40s"`), or `null` for none.
@propertyWrapper public struct DurationText<Value: Sendable & Hashable>: Sendable, Hashable {
  /// The duration.
  public var wrappedValue: Value

  /// Wraps `wrappedValue`.
  public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
}

/// `Duration` and `Duration?`: what ``DurationText`` can write.
public protocol DurationTextValue {
  /// The value as an optional duration.
  var duration: Duration? { get }
  /// The value that stands for `duration`; `nil` where a duration must be.
  init?(duration: Duration?)
}

extension Duration: DurationTextValue {
  /// Itself.
  public var duration: Duration? { self }
  /// `duration`, which must be there.
  public init?(duration: Duration?) {
    guard let duration else { return nil }
    self = duration
  }
}

extension Duration?: DurationTextValue {
  /// Itself.
  public var duration: Duration? { self }
  /// `duration`, which may be absent.
  public init?(duration: Duration?) { self = duration }
}

extension DurationText: Codable where Value: DurationTextValue {
  /// Reads a text such as `40s`, or null.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let duration = container.decodeNil() ? nil : try Duration(text: container.decode(String.self))
    guard let value = Value(duration: duration) else {
      throw DecodingError.valueNotFound(
        Duration.self, .init(codingPath: decoder.codingPath, debugDescription: "a duration is missing"))
    }
    wrappedValue = value
  }

  /// Writes the shortest exact text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if let duration = wrappedValue.duration { try container.encode(duration.text) } else { try container.encodeNil() }
  }
}

extension Duration {
  /// Reads a duration as a scenario and the command line write it: `250ms`, `1.5s`, `5m`.
  ///
  /// - Throws: a ``Support/Problem`` with exit code 2 that says what was expected.
  public init(text: String) throws(Problem) {
    do { self = try Duration(written: text) } catch { throw Problem(.usage, error.what, fix: error.fix) }
  }
}
