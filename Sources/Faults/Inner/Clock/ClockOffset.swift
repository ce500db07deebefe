internal import Support

/// How honest a node's clock is: what one question and its answer tell about it, and what many tell together. Pure.
///
/// The question leaves and the answer comes by the recorder's clock, and in between the node read its own. Wherever in between
/// that was, the node's clock differs by what is left, give or take half of the time it took (Cristian 1989); the question
/// that took the shortest time says most (the filter of NTP, RFC 5905 §10).
public struct ClockSample: Sendable, Hashable, Codable {
  /// When the question was about to leave: the recorder's time of day, ns since 1970.
  public var sent: Int64
  /// What the node read, by its own time of day.
  public var answered: Int64
  /// When the answer had come, by the recorder's.
  public var received: Int64
  /// When that was: the recorder's monotonic clock, ns.
  public var at: Int64

  /// A question with its answer.
  public init(sent: Int64, answered: Int64, received: Int64, at: Int64) {
    self.sent = sent
    self.answered = answered
    self.received = received
    self.at = at
  }

  /// How far the node's clock is ahead of the recorder's, ns.
  public var offset: Int64 { answered - sent - (received - sent) / 2 }

  /// By how much that may be wrong either way, ns; `nil` if the recorder's clock went back meanwhile.
  public var uncertainty: Int64? { received >= sent ? (received - sent + 1) / 2 : nil }
}

/// How far a node's clock is from the recorder's, by the best of the latest questions.
public struct ClockOffset: Sendable, Hashable, Codable {
  /// The node.
  public var node: String
  /// How far its clock is ahead, ns; negative for behind.
  public var offsetNanoseconds: Int64
  /// The truth lies within so much of it, either way.
  public var uncertaintyNanoseconds: Int64
  /// When, on the recorder's monotonic clock, ns.
  public var atNanoseconds: Int64
  /// How many questions were answered.
  public var samples: Int

  /// Chooses the answer that says most.
  ///
  /// - Returns: `nil` without a usable sample: then nothing is known.
  public init?(node: String, _ samples: [ClockSample]) {
    let usable = samples.compactMap { sample in sample.uncertainty.map { (sample, $0) } }
    guard let best = usable.min(by: { ($0.1, -$0.0.at) < ($1.1, -$1.0.at) }) else { return nil }
    self.node = node
    offsetNanoseconds = best.0.offset
    uncertaintyNanoseconds = best.1
    atNanoseconds = best.0.at
    self.samples = usable.count
  }

  /// Whether the node's clock surely differs from the recorder's.
  public var isSurelyWrong: Bool { offsetNanoseconds.magnitude > UInt64(uncertaintyNanoseconds) }
}

extension ClockOffset: CustomStringConvertible {
  /// `clock of node "eu": +12.0 µs ± 30.0 µs (8 samples)`.
  public var description: String {
    let sign = offsetNanoseconds < 0 ? "−" : "+"
    let offset = Duration.nanoseconds(Int64(clamping: offsetNanoseconds.magnitude)).brief
    return
      "clock of node \"\(node)\": \(sign)\(offset) ± \(Duration.nanoseconds(uncertaintyNanoseconds).brief) (\(samples) samples)"
  }
}
