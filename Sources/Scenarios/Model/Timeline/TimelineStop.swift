internal import Support

/// When a disturbance ends.
public enum TimelineStop: Sendable, Hashable {
  /// After this time in force.
  case after(Duration)
  /// As soon as the condition holds, and after `longest` in any case; that the condition did not come to hold by then is
  /// reported.
  case until(Condition, longest: Duration)
  /// With the heal: when everything else on the timeline has ended and the runbook is through, and after `longest` in any
  /// case.
  case healed(longest: Duration)

  /// The longest that the disturbance can be in force.
  public var longest: Duration {
    switch self {
    case .after(let time), .until(_, let time), .healed(let time): time
    }
  }
}

extension TimelineStop: CustomStringConvertible {
  /// `for 40s`, `until leader is eu, at most 40s`.
  public var description: String {
    switch self {
    case .after(let time): "for \(time.text)"
    case .until(let condition, let longest): "until \(condition), at most \(longest.text)"
    case .healed(let longest): "until healed, at most \(longest.text)"
    }
  }
}

// The form of the scenario file.
extension TimelineStop: Codable {
  private enum Key: String, CodingKey {
    case `for`, until, longest
  }

  /// Reads `{ for }`, `{ until, longest }` or `{ until: healed, longest }`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    if let time = try values.decodeIfPresent(DurationText<Duration>.self, forKey: .for) {
      self = .after(time.wrappedValue)
      return
    }
    let longest = try values.decode(DurationText<Duration>.self, forKey: .longest).wrappedValue
    if (try? values.decode(String.self, forKey: .until)) == "healed" {
      self = .healed(longest: longest)
    } else {
      self = .until(try values.decode(Condition.self, forKey: .until), longest: longest)
    }
  }

  /// Writes `{ for }`, `{ until, longest }` or `{ until: healed, longest }`.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .after(let time): try values.encode(DurationText(wrappedValue: time), forKey: .for)
    case .until(let condition, let longest):
      try values.encode(condition, forKey: .until)
      try values.encode(DurationText(wrappedValue: longest), forKey: .longest)
    case .healed(let longest):
      try values.encode("healed", forKey: .until)
      try values.encode(DurationText(wrappedValue: longest), forKey: .longest)
    }
  }
}
