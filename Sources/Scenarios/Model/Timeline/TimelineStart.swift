internal import Support

/// When a part of the timeline, a runbook or a message is due.
public enum TimelineStart: Sendable, Hashable {
  /// At this time, counted from the end of the baseline; of a member of a composite, from the composite's own beginning.
  case at(Duration)
  /// This long after something else.
  case after(Anchor, delay: Duration)
  /// As soon as the condition holds. If it does not within this time, counted from the end of the baseline, that is
  /// reported and the run is inconclusive.
  case when(Condition, within: Duration)

  /// What a time can be counted from.
  public enum Anchor: Sendable, Hashable {
    /// The fault of this id has begun.
    case faultBegun(String)
    /// The fault of this id has ended.
    case faultEnded(String)
    /// The step of this id is done and verified.
    case step(String)
  }

  /// The time, when it is known before the run.
  public var time: Duration? {
    guard case .at(let time) = self else { return nil }
    return time
  }
}

extension TimelineStart: CustomStringConvertible {
  /// `at 10s`, `5s after step promote`, `when mirror-lag ≥ 5s`.
  public var description: String {
    switch self {
    case .at(let time): "at \(time.text)"
    case .after(let anchor, let delay): delay == .zero ? "after \(anchor)" : "\(delay.text) after \(anchor)"
    case .when(let condition, let within): "when \(condition), within \(within.text)"
    }
  }
}

extension TimelineStart.Anchor: CustomStringConvertible {
  /// `step promote`, `the end of fault blackout`.
  public var description: String {
    switch self {
    case .faultBegun(let id): "the beginning of fault \(id)"
    case .faultEnded(let id): "the end of fault \(id)"
    case .step(let id): "step \(id)"
    }
  }
}

// The form of the scenario file.
extension TimelineStart: Codable {
  private enum Key: String, CodingKey {
    case at, after, when, within
  }

  private struct After: Codable {
    var step: String?
    var fault: String?
    var state: Condition.FaultState?
    @DurationText var delay: Duration
  }

  /// Reads `{ at }`, `{ after }` or `{ when, within }`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    if let time = try values.decodeIfPresent(DurationText<Duration>.self, forKey: .at) {
      self = .at(time.wrappedValue)
    } else if let after = try values.decodeIfPresent(After.self, forKey: .after) {
      if let step = after.step {
        self = .after(.step(step), delay: after.delay)
      } else if let fault = after.fault {
        self = .after(after.state == .begun ? .faultBegun(fault) : .faultEnded(fault), delay: after.delay)
      } else {
        throw DecodingError.dataCorruptedError(
          forKey: .after, in: values, debugDescription: "expected a step or a fault")
      }
    } else {
      self = .when(
        try values.decode(Condition.self, forKey: .when),
        within: try values.decode(DurationText<Duration>.self, forKey: .within).wrappedValue)
    }
  }

  /// Writes `{ at }`, `{ after }` or `{ when, within }`.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    switch self {
    case .at(let time): try values.encode(DurationText(wrappedValue: time), forKey: .at)
    case .after(.step(let id), let delay): try values.encode(After(step: id, delay: delay), forKey: .after)
    case .after(.faultBegun(let id), let delay):
      try values.encode(After(fault: id, state: .begun, delay: delay), forKey: .after)
    case .after(.faultEnded(let id), let delay): try values.encode(After(fault: id, delay: delay), forKey: .after)
    case .when(let condition, let within):
      try values.encode(condition, forKey: .when)
      try values.encode(DurationText(wrappedValue: within), forKey: .within)
    }
  }
}
