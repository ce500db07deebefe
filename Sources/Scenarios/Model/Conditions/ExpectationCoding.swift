internal import Support

// The form of the scenario file: { metric: mirror-lag, max: 2s }, { probe: api }.
extension Expectation: Codable {
  private enum Key: String, CodingKey {
    case metric, probe, min, max
    case `is`, isNot
  }

  /// Reads the form of the scenario file.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    if let name = try values.decodeIfPresent(String.self, forKey: .probe) {
      self = .probe(name)
      return
    }
    func limits<T: Decodable & Comparable & Hashable & Sendable>(_ type: T.Type) throws -> Limits<T> {
      Limits(
        min: try values.decodeIfPresent(T.self, forKey: .min), max: try values.decodeIfPresent(T.self, forKey: .max))
    }
    self =
      switch try values.decode(Metric.self, forKey: .metric) {
      case .writeErrorRate: .writeErrorRate(try limits(Percentage.self))
      case .writeRate: .writeRate(try limits(Rate.self))
      case .mirrorLag:
        .mirrorLag(
          Limits(
            min: try values.decodeIfPresent(DurationText<Duration>.self, forKey: .min)?.wrappedValue,
            max: try values.decodeIfPresent(DurationText<Duration>.self, forKey: .max)?.wrappedValue))
      case .mirrorBacklog: .mirrorBacklog(try limits(Int64.self))
      case .token: .token(try limits(Int64.self))
      case .events: .events(try limits(Int64.self))
      case .leader:
        if let name = try values.decodeIfPresent(String.self, forKey: .isNot) {
          .leader(.isNot(name))
        } else {
          .leader(.is(try values.decode(String.self, forKey: .is)))
        }
      }
  }

  /// Writes the form of the scenario file.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encodeIfPresent(metric, forKey: .metric)
    func put<T: Encodable>(_ limits: Limits<T>) throws {
      try values.encodeIfPresent(limits.min, forKey: .min)
      try values.encodeIfPresent(limits.max, forKey: .max)
    }
    switch self {
    case .writeErrorRate(let limits): try put(limits)
    case .writeRate(let limits): try put(limits)
    case .mirrorLag(let limits):
      try values.encodeIfPresent(limits.min.map(DurationText.init), forKey: .min)
      try values.encodeIfPresent(limits.max.map(DurationText.init), forKey: .max)
    case .mirrorBacklog(let limits), .token(let limits), .events(let limits): try put(limits)
    case .leader(.is(let name)): try values.encode(name, forKey: .is)
    case .leader(.isNot(let name)): try values.encode(name, forKey: .isNot)
    case .probe(let name): try values.encode(name, forKey: .probe)
    }
  }
}
