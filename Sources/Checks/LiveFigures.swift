public import Events

/// Writes by outcome.
public struct WriteCounts: Sendable, Hashable, Codable {
  /// Acknowledged.
  public var acknowledged = 0
  /// Certainly failed.
  public var failed = 0
  /// Not known.
  public var unknown = 0

  /// No write at all.
  public init() {}

  /// The share that was not acknowledged, 0…1. `nil`: nothing was written, which is not the same as no error.
  public var errorRate: Double? {
    let all = acknowledged + failed + unknown
    return all == 0 ? nil : Double(failed + unknown) / Double(all)
  }
}

/// The figures of a drill that is under way, for the progress line, the steady state and abort conditions.
///
/// Takes the recorder's batches as they are written. Memory is bounded by what is on its way through a mirror, plus a minute
/// of counts.
public struct LiveFigures: Sendable {
  /// A direction of a mirror by the numbers of its stores.
  public struct Direction: Sendable, Hashable {
    /// The store whose own events are carried.
    public var from: NodeIndex
    /// The store that receives them.
    public var to: NodeIndex

    /// The direction from one store to another.
    public init(from: NodeIndex, to: NodeIndex) {
      self.from = from
      self.to = to
    }
  }

  private struct Transit {
    /// What the origin's tail has shown, in that order; those before `head` have arrived.
    var shown: [(event: EventID, time: Int64)] = []
    var head = 0
    var missing: Set<EventID> = []
    /// What the target's tail showed first: the tails race each other.
    var early: Set<EventID> = []

    mutating func show(_ event: EventID, at time: Int64) {
      guard early.remove(event) == nil, missing.insert(event).inserted else { return }
      shown.append((event, time))
    }

    mutating func arrive(_ event: EventID) {
      guard missing.remove(event) != nil else {
        early.insert(event)
        return
      }
      while head < shown.count, !missing.contains(shown[head].event) { head += 1 }
      // Give the room of what has arrived back now and then, so that memory follows what is missing.
      if head > 1024 && head * 2 > shown.count {
        shown.removeFirst(head)
        head = 0
      }
    }
  }

  private var transits: [Direction: Transit] = [:]
  private var buckets: [Int64: [NodeIndex: WriteCounts]] = [:]
  private var latestBucket: Int64 = .min
  /// The highest token under which a write was acknowledged. `nil`: none was.
  public private(set) var highestAcknowledgedToken: Int64?
  /// The producers' writes since the beginning.
  public private(set) var total = WriteCounts()

  private static let bucketLength: Int64 = 100_000_000
  private static let bucketsKept: Int64 = 600

  /// Figures of a drill in which the mirrors run in `directions`.
  public init(directions: [Direction]) {
    for direction in directions { transits[direction] = Transit() }
  }

  /// Takes the next operations of the history.
  public mutating func take(_ operations: [Operation]) {
    for operation in operations {
      switch operation.kind {
      case .append: takeWrite(operation)
      case .observe where operation.outcome == .ok: takeSight(operation)
      default: break
      }
    }
  }

  /// The producers' writes that ended in the last `window` nanoseconds before `now` (at most a minute), in the region
  /// `region`, or in all. Resolution is 100 ms.
  public func writes(in window: Int64, before now: Int64, region: NodeIndex? = nil) -> WriteCounts {
    let last = now / Self.bucketLength
    let first = last - window / Self.bucketLength + 1
    var sum = WriteCounts()
    for (bucket, regions) in buckets where bucket >= first && bucket <= last {
      for (place, counts) in regions where region == nil || place == region {
        sum.acknowledged += counts.acknowledged
        sum.failed += counts.failed
        sum.unknown += counts.unknown
      }
    }
    return sum
  }

  /// The age at `now` of the oldest event that the origin's tail has shown and the target's has not; 0 when there is none.
  /// `nil`: no such direction.
  public func lag(_ direction: Direction, at now: Int64) -> Int64? {
    guard let transit = transits[direction] else { return nil }
    guard transit.head < transit.shown.count else { return 0 }
    return max(0, now - transit.shown[transit.head].time)
  }

  /// How many events the origin's tail has shown and the target's has not. `nil`: no such direction.
  public func missing(_ direction: Direction) -> Int? { transits[direction]?.missing.count }

  private mutating func takeWrite(_ operation: Operation) {
    let bucket = ended(operation) / Self.bucketLength
    var counts = WriteCounts()
    switch operation.outcome {
    case .ok:
      counts.acknowledged = 1
      total.acknowledged += 1
      if let token = operation.token { highestAcknowledgedToken = max(highestAcknowledgedToken ?? token, token) }
    case .fail:
      counts.failed = 1
      total.failed += 1
    case .unknown:
      counts.unknown = 1
      total.unknown += 1
    }
    buckets[bucket, default: [:]][operation.region, default: WriteCounts()].add(counts)
    guard bucket > latestBucket else { return }
    latestBucket = bucket
    if buckets.count > Int(Self.bucketsKept) { buckets = buckets.filter { $0.key > bucket - Self.bucketsKept } }
  }

  private mutating func takeSight(_ operation: Operation) {
    guard let origin = operation.origin else { return }
    if operation.node == origin {
      for direction in transits.keys where direction.from == origin {
        transits[direction]?.show(operation.event, at: ended(operation))
      }
    } else {
      transits[Direction(from: origin, to: operation.node)]?.arrive(operation.event)
    }
  }
}

extension WriteCounts {
  fileprivate mutating func add(_ other: WriteCounts) {
    acknowledged += other.acknowledged
    failed += other.failed
    unknown += other.unknown
  }
}
