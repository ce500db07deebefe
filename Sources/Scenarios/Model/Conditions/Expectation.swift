internal import Support

/// What can be asked of the running system at one moment: a figure within its bounds, or a probe that passes. Without data
/// it does not hold.
public enum Expectation: Sendable, Hashable {
  /// See ``Metric/writeErrorRate``.
  case writeErrorRate(Limits<Percentage>)
  /// See ``Metric/writeRate``.
  case writeRate(Limits<Rate>)
  /// See ``Metric/mirrorLag``.
  case mirrorLag(Limits<Duration>)
  /// See ``Metric/mirrorBacklog``.
  case mirrorBacklog(Limits<Int64>)
  /// See ``Metric/leader``: the region that must, or must not, hold write authority.
  case leader(Named)
  /// See ``Metric/token``.
  case token(Limits<Int64>)
  /// See ``Metric/events``.
  case events(Limits<Int64>)
  /// The probe of this name passes: its last answer is no older than its interval and timeout, and as it expects.
  case probe(String)

  /// A demand on a name.
  public enum Named: Sendable, Hashable {
    /// It must be this one.
    case `is`(String)
    /// It must be another one than this, and there must be one.
    case isNot(String)

    /// The name.
    public var name: String {
      switch self {
      case .is(let name), .isNot(let name): name
      }
    }
  }

  /// Which figure; `nil` for a probe.
  public var metric: Metric? {
    switch self {
    case .writeErrorRate: .writeErrorRate
    case .writeRate: .writeRate
    case .mirrorLag: .mirrorLag
    case .mirrorBacklog: .mirrorBacklog
    case .leader: .leader
    case .token: .token
    case .events: .events
    case .probe: nil
    }
  }
}

extension Expectation {
  /// Failed and unknown writes are at most this share.
  public static func writeErrorRate(max: Percentage) -> Expectation { .writeErrorRate(Limits(max: max)) }

  /// No mirror is further behind.
  public static func mirrorLag(max: Duration) -> Expectation { .mirrorLag(Limits(max: max)) }

  /// This region holds write authority.
  public static func leader(is region: String) -> Expectation { .leader(.is(region)) }

  /// The name of what is looked at: `mirror-lag`, `probe api`.
  var subject: String {
    if case .probe(let name) = self { "probe \(name)" } else { metric?.rawValue ?? "" }
  }
}

extension Expectation: CustomStringConvertible {
  /// `write-error-rate ≤ 1%`.
  public var description: String {
    switch self {
    case .writeErrorRate(let limits): "write-error-rate \(limits.text(\.description))"
    case .writeRate(let limits): "write-rate \(limits.text(\.description))"
    case .mirrorLag(let limits): "mirror-lag \(limits.text(\.text))"
    case .mirrorBacklog(let limits): "mirror-backlog \(limits.text(\.description))"
    case .leader(.is(let region)): "leader is \(region)"
    case .leader(.isNot(let region)): "leader is not \(region)"
    case .token(let limits): "token \(limits.text(\.description))"
    case .events(let limits): "events \(limits.text(\.description))"
    case .probe(let name): "probe \(name) passes"
    }
  }
}
