internal import Support

/// How a condition must hold over time. All times are counted from the moment at which the condition is asked.
public enum Quantifier: Sendable, Hashable {
  /// It must hold at one moment, at the latest after this time.
  case eventually(within: Duration)
  /// It must hold at every moment of this time.
  case always(for: Duration)
  /// It may hold at no moment of this time.
  case never(for: Duration)
  /// The figure must stay what it is, within its bounds, for this time without a break; it is waited for.
  case stable(for: Duration)

  /// The quantifiers' names in a scenario.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// See ``Quantifier/eventually(within:)``.
    case eventually
    /// See ``Quantifier/always(for:)``.
    case always
    /// See ``Quantifier/never(for:)``.
    case never
    /// See ``Quantifier/stable(for:)``.
    case stable
  }

  /// Which one.
  public var kind: Kind {
    switch self {
    case .eventually: .eventually
    case .always: .always
    case .never: .never
    case .stable: .stable
    }
  }

  /// Its time.
  public var duration: Duration {
    switch self {
    case .eventually(let time), .always(let time), .never(let time), .stable(let time): time
    }
  }

  /// A quantifier from its name and time.
  public init(_ kind: Kind, _ time: Duration) {
    self =
      switch kind {
      case .eventually: .eventually(within: time)
      case .always: .always(for: time)
      case .never: .never(for: time)
      case .stable: .stable(for: time)
      }
  }
}

extension Quantifier: CustomStringConvertible {
  /// `eventually within 30s`.
  public var description: String {
    switch self {
    case .eventually(let time): "eventually within \(time.text)"
    case .always(let time): "always for \(time.text)"
    case .never(let time): "never for \(time.text)"
    case .stable(let time): "stable for \(time.text)"
    }
  }
}
