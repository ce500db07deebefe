internal import Support

/// A wrong clock of a whole node, in a scenario's words: for every program on it, and for the node itself. Only on real hosts, and
/// only where `safety.allowWholeNodeClock` says so.
public struct NodeClockFault: Sendable, Hashable, Codable {
  /// Where.
  public var region: String
  /// How far ahead the time of day is set; behind if negative.
  public var offset: Offset
  /// How much faster its clocks run.
  public var drift: Drift

  /// A wrong clock from its parts.
  public init(region: String, offset: Offset, drift: Drift) {
    self.region = region
    self.offset = offset
    self.drift = drift
  }
}

extension NodeClockFault: CustomStringConvertible {
  /// `the clock of the node in eu is set 5s ahead and runs 200ppm faster`.
  public var description: String {
    var parts: [String] = []
    if offset.nanoseconds != 0 {
      let size = Duration.nanoseconds(abs(offset.nanoseconds)).text
      parts.append("is set \(size) \(offset.nanoseconds < 0 ? "behind" : "ahead")")
    }
    if drift.partsPerBillion != 0 {
      let size = Drift(partsPerBillion: abs(drift.partsPerBillion))
      parts.append("runs \(size) \(drift.partsPerBillion < 0 ? "slower" : "faster")")
    }
    return "the clock of the node in \(region) \(parts.joined(separator: " and "))"
  }
}
