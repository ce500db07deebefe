internal import Support

/// A part of a timeline: which of its entries stay, and for how long each.
public struct TimelinePart: Sendable, Hashable, Codable, CustomStringConvertible {
  /// How long each entry lasts (ns), by its id.
  public var holds: [String: Int64]

  /// A part of a timeline.
  public init(holds: [String: Int64]) { self.holds = holds }

  /// `blackout 14s, slow 3s`.
  public var description: String {
    holds.sorted { $0.key < $1.key }.map { "\($0.key) \(Duration.nanoseconds($0.value).text)" }.joined(separator: ", ")
  }
}

/// What a reduction needs next.
public enum ReductionStep: Sendable, Hashable {
  /// Whether this part still shows the failure.
  case test(TimelinePart)
  /// Nothing more: this is the smallest part found.
  case done(TimelinePart)
}

/// Makes a failing timeline smaller: first fewer entries (delta debugging, Zeller and Hildebrandt 2002), then each entry as short
/// as it still fails, to a resolution.
///
/// A pure function of what is known, so that a search that was interrupted goes on where it stood when the results so far
/// are given again.
public struct Reduction: Sendable {
  /// The timeline that failed.
  public let whole: TimelinePart
  /// Durations are found to within this much (ns).
  public let resolution: Int64

  /// A reduction of `whole`, which has been seen to fail.
  public init(of whole: TimelinePart, resolution: Duration = .milliseconds(500)) {
    self.whole = whole
    self.resolution = max(1, resolution.nanoseconds)
  }

  private struct Unknown: Error { var part: TimelinePart }

  /// What to test next.
  ///
  /// - Parameter known: whether each part that was tested showed the failure.
  public func step(known: [TimelinePart: Bool]) -> ReductionStep {
    do throws(Unknown) {
      let fewer = try fewestEntries { (ids) throws(Unknown) in
        try fails(TimelinePart(holds: whole.holds.filter { ids.contains($0.key) }), known)
      }
      let part = TimelinePart(holds: whole.holds.filter { fewer.contains($0.key) })
      return .done(try shortest(part, known))
    } catch {
      return .test(error.part)
    }
  }

  private func fails(_ part: TimelinePart, _ known: [TimelinePart: Bool]) throws(Unknown) -> Bool {
    if part == whole { return true }
    guard let result = known[part] else { throw Unknown(part: part) }
    return result
  }

  private func fewestEntries(_ fails: ([String]) throws(Unknown) -> Bool) throws(Unknown) -> [String] {
    var ids = whole.holds.keys.sorted()
    var pieces = 2
    while ids.count >= 2 {
      let parts = split(ids, into: pieces)
      if let part = try first(parts, fails) {
        ids = part
        pieces = 2
      } else if let rest = try first(parts.map { part in ids.filter { !part.contains($0) } }, fails) {
        ids = rest
        pieces = max(pieces - 1, 2)
      } else if pieces < ids.count {
        pieces = min(ids.count, pieces * 2)
      } else {
        break
      }
    }
    return ids
  }

  private func first(_ parts: [[String]], _ fails: ([String]) throws(Unknown) -> Bool) throws(Unknown) -> [String]? {
    for part in parts where !part.isEmpty && part.count < whole.holds.count {
      if try fails(part) { return part }
    }
    return nil
  }

  private func split(_ ids: [String], into pieces: Int) -> [[String]] {
    (0..<pieces).map { Array(ids[(ids.count * $0 / pieces)..<(ids.count * ($0 + 1) / pieces)]) }
  }

  private func shortest(_ part: TimelinePart, _ known: [TimelinePart: Bool]) throws(Unknown) -> TimelinePart {
    var part = part
    for id in part.holds.keys.sorted() {
      var short: Int64 = 0
      while let long = part.holds[id], long - short > resolution {
        let middle = (short + (long - short) / 2 + resolution - 1) / resolution * resolution
        guard middle < long, middle > short else { break }
        var shorter = part
        shorter.holds[id] = middle
        if try fails(shorter, known) { part = shorter } else { short = middle }
      }
    }
    return part
  }
}
