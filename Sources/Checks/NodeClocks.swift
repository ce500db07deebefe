internal import Support

/// How honest the clocks of the nodes were during a drill: how far each was seen from the recorder's. Times and durations are
/// nanoseconds, times on the recorder's monotonic clock.
public struct NodeClocks: Sendable, Hashable, Codable {
  /// A clock as it was once seen.
  public struct Reading: Sendable, Hashable, Codable {
    /// When.
    public var at: Int64
    /// How far it was ahead of the recorder's; negative for behind.
    public var offset: Int64
    /// The truth lies within so much of it, either way.
    public var uncertainty: Int64

    /// A reading.
    public init(at: Int64, offset: Int64, uncertainty: Int64) {
      self.at = at
      self.offset = offset
      self.uncertainty = uncertainty
    }

    /// The furthest it can have been from the recorder's clock.
    public var furthest: Int64 { Int64(clamping: offset.magnitude).addingSaturated(uncertainty) }

    /// The least it must have been from it.
    var nearest: Int64 { max(0, Int64(clamping: offset.magnitude) - max(0, uncertainty)) }

    var words: String {
      let size = brief(Int64(clamping: offset.magnitude))
      return "\(size) \(offset < 0 ? "behind" : "ahead of") the recorder's (± \(brief(uncertainty)))"
    }
  }

  /// What was seen of one node's clock.
  public struct Node: Sendable, Hashable, Codable {
    /// Readings that were taken.
    public var samples: Int
    /// Readings that tell whether the clock was within the bound.
    public var conclusive: Int
    /// The one that was furthest off. `nil`: there is none.
    public var worst: Reading?
    /// The first that surely was beyond the bound. `nil`: none was.
    public var firstBeyond: Reading?
    /// The longest time without a conclusive reading, from the drill's beginning to its end.
    public var longestGap: Int64
    /// Why the last reading that failed did; `nil`: none failed.
    public var failure: String?
  }

  /// How far a clock may be from the recorder's for its times to be compared with those of others.
  public var bound: Int64
  /// How long nothing may be known of a clock.
  public var patience: Int64
  /// The nodes.
  public var nodes: [String: Node]

  /// The bound unless another is given: what a node that keeps its clock by NTP over a wide-area network is well within.
  public static let standardBound: Int64 = 100_000_000
  /// Ten seconds: a clock that is 200 ppm wrong moves 2 ms meanwhile.
  public static let standardPatience: Int64 = 10_000_000_000

  /// Clocks of which nothing is known yet.
  ///
  /// - Parameters:
  ///   - names: the nodes whose clocks are to be known.
  ///   - start: the beginning of the time for which they are.
  public init(
    of names: some Sequence<String>, from start: Int64, bound: Int64 = standardBound, patience: Int64 = standardPatience
  ) {
    self.bound = bound
    self.patience = patience
    nodes = Dictionary(
      names.map { ($0, Node(samples: 0, conclusive: 0, longestGap: 0)) }, uniquingKeysWith: { first, _ in first })
    lastKnown = nodes.mapValues { _ in start }
  }

  private var lastKnown: [String: Int64]

  /// Takes in a reading; readings of one node come in the order of time. A node that was not named before is one from here on.
  public mutating func take(_ reading: Reading, of name: String) {
    var node = nodes[name] ?? Node(samples: 0, conclusive: 0, longestGap: 0)
    node.samples += 1
    if reading.furthest > node.worst?.furthest ?? -1 { node.worst = reading }
    if reading.nearest > bound { node.firstBeyond = node.firstBeyond ?? reading }
    // Neither surely within nor surely beyond: as good as none.
    if reading.furthest <= bound || reading.nearest > bound {
      node.conclusive += 1
      node.longestGap = max(node.longestGap, reading.at.subtractingSaturated(lastKnown[name] ?? reading.at))
      lastKnown[name] = reading.at
    }
    nodes[name] = node
  }

  /// Notes that a node could not be asked.
  public mutating func take(failure: String, of name: String) {
    var node = nodes[name] ?? Node(samples: 0, conclusive: 0, longestGap: 0)
    node.failure = failure
    nodes[name] = node
  }

  /// Notes the end of the time for which the clocks are to be known.
  public mutating func end(at time: Int64) {
    for (name, node) in nodes {
      nodes[name]?.longestGap = max(node.longestGap, time.subtractingSaturated(lastKnown[name] ?? time))
      lastKnown[name] = time
    }
  }

  // MARK: what follows

  /// How a node's clock stands.
  public enum Standing: Sendable, Hashable {
    /// It was within the bound, as far as it was looked at.
    case within
    /// It surely was beyond the bound at some time; the text says how far.
    case beyond(String)
    /// It cannot be told; the text says why.
    case unknown(String)
  }

  /// How the clock of `name` stood. What is beyond the bound is so, whatever else is not known.
  public func standing(of name: String) -> Standing {
    guard let node = nodes[name] else { return .unknown("nobody looked at it") }
    if let beyond = node.firstBeyond {
      let worst = node.worst ?? beyond
      return .beyond("it was \(worst.words), more than \(brief(bound))")
    }
    let why = node.failure.map { " (\($0))" } ?? ""
    if node.conclusive == 0 {
      return .unknown(
        node.samples == 0 ? "it was never read\(why)" : "no reading was exact enough to tell it within \(brief(bound))")
    }
    if node.longestGap > patience {
      return .unknown("for \(brief(node.longestGap)) nothing is known of it\(why)")
    }
    return .within
  }

  /// Why times that were taken by the clock of `name` cannot be compared with others, as evidence that is missing; `nil`
  /// when they can.
  public func doubt(about name: String) -> String? {
    switch standing(of: name) {
    case .within: nil
    case .beyond(let how): "a clock of \(name) that can be compared with others: \(how)"
    case .unknown(let why): "how far the clock of \(name) was from the recorder's: \(why)"
    }
  }

  /// The furthest that the clock of `name` was seen, or can have been, from the recorder's; `nil` when nothing is known.
  func uncertainty(of name: String) -> Int64? { nodes[name]?.worst?.furthest }
}

extension Int64 {
  fileprivate func addingSaturated(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }

  fileprivate func subtractingSaturated(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other < 0 ? .max : .min) : difference
  }
}
