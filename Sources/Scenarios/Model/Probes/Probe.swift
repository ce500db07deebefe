internal import Support

/// A question that is asked again and again all through a drill. No answer in time is a failure of its own kind: neither
/// passed nor failed, but without data.
public struct Probe: Sendable, Hashable, Codable {
  /// Its name; unique in the scenario.
  public var name: String
  /// The region whose network it asks from; `nil`: from outside all regions.
  public var region: String?
  /// The host of an inventory that it is asked from, by that host's agent; `nil`: by the drill itself.
  public var host: String?
  /// From one question to the next.
  @DurationText public var every: Duration
  /// The longest wait for an answer.
  @DurationText public var timeout: Duration
  /// What is asked.
  public var question: ProbeQuestion
  /// What the answer must be.
  public var expect: ProbeExpectation

  /// A probe from its parts.
  public init(
    name: String, region: String? = nil, host: String? = nil, every: Duration, timeout: Duration,
    question: ProbeQuestion, expect: ProbeExpectation = ProbeExpectation()
  ) {
    self.name = name
    self.region = region
    self.host = host
    self.every = every
    self.timeout = timeout
    self.question = question
    self.expect = expect
  }
}
