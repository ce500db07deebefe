internal import Support

/// A figure of the running system and the bound it must keep.
public enum Expectation: Sendable, Hashable {
  /// Failed and unknown writes as a share of all, over half a second.
  case writeErrorRate(max: Percentage)
  /// The age of the oldest event that a mirror's target still lacks, in the worst direction.
  case mirrorLag(max: Duration)
  /// The region that holds write authority.
  case leader(is: String)

  /// The figures' names in a scenario.
  public enum Metric: String, Sendable, Hashable, Codable, CaseIterable {
    /// See ``Expectation/writeErrorRate(max:)``.
    case writeErrorRate = "write-error-rate"
    /// See ``Expectation/mirrorLag(max:)``.
    case mirrorLag = "mirror-lag"
    /// See ``Expectation/leader(is:)``.
    case leader
  }

  /// Which figure.
  public var metric: Metric {
    switch self {
    case .writeErrorRate: .writeErrorRate
    case .mirrorLag: .mirrorLag
    case .leader: .leader
    }
  }
}

extension Expectation: CustomStringConvertible {
  /// `write-error-rate ≤ 1%`.
  public var description: String {
    switch self {
    case .writeErrorRate(let max): "\(metric.rawValue) ≤ \(max)"
    case .mirrorLag(let max): "\(metric.rawValue) ≤ \(max.text)"
    case .leader(let region): "\(metric.rawValue) is \(region)"
    }
  }
}

extension Expectation: Codable {
  private enum Key: String, CodingKey {
    case metric
    case max
    case `is`
  }

  /// Reads the form of the scenario file.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    self =
      switch try values.decode(Metric.self, forKey: .metric) {
      case .writeErrorRate: .writeErrorRate(max: try values.decode(Percentage.self, forKey: .max))
      case .mirrorLag: .mirrorLag(max: try values.decode(DurationText<Duration>.self, forKey: .max).wrappedValue)
      case .leader: .leader(is: try values.decode(String.self, forKey: .is))
      }
  }

  /// Writes the form of the scenario file.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(metric, forKey: .metric)
    switch self {
    case .writeErrorRate(let max): try values.encode(max, forKey: .max)
    case .mirrorLag(let max): try values.encode(DurationText(wrappedValue: max), forKey: .max)
    case .leader(let region): try values.encode(region, forKey: .is)
    }
  }
}

/// The steady-state hypothesis: what must hold before anything is injected.
public struct SteadyState: Sendable, Hashable, Codable {
  /// How long it must hold without a break.
  @DurationText public var hold: Duration
  /// What must hold.
  public var expect: [Expectation]

  /// A hypothesis from its parts.
  public init(hold: Duration, expect: [Expectation]) {
    self.hold = hold
    self.expect = expect
  }
}

/// What ends a drill early, with all faults taken away: the expectation broken for a while without a break.
public struct AbortCondition: Sendable, Hashable, Codable {
  /// The bound that must be kept.
  public var expectation: Expectation
  /// How long it may be broken.
  @DurationText public var tolerance: Duration

  /// A condition from its parts.
  public init(_ expectation: Expectation, tolerance: Duration) {
    self.expectation = expectation
    self.tolerance = tolerance
  }
}
