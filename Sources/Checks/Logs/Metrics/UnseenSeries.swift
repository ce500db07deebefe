public import Events

/// How many acknowledged records nobody had been given, over time. Takes the operations of a history in order.
///
/// - SeeAlso: the `unseen` series of Jepsen's Kafka workload.
public struct UnseenSeries: Sendable {
  /// The count after one call.
  public struct Sample: Sendable, Hashable {
    /// When the call was completed.
    public var time: Int64
    /// The unseen records of each log that was met so far.
    public var unseen: [PartitionIndex?: Int]
  }

  private var unseen: [PartitionIndex?: Set<EventID>] = [:]
  /// Records that were read before they were acknowledged.
  private var early: Set<EventID> = []
  private var samples: [Sample] = []

  /// A record in which nothing was sent yet.
  public init() {}

  /// Takes the next operation.
  public mutating func take(_ operation: Operation) {
    guard operation.outcome == .ok, let time = operation.completed else { return }
    switch operation.kind {
    case .append:
      if early.remove(operation.event) == nil { unseen[operation.partition, default: []].insert(operation.event) }
    case .poll, .observe:
      if operation.event != .none, unseen[operation.partition, default: []].remove(operation.event) == nil {
        early.insert(operation.event)
      }
    default: return
    }
    let sample = Sample(time: time, unseen: unseen.mapValues(\.count))
    // The steps of one call have one completion, and one sample.
    if samples.last?.time == time { samples[samples.count - 1] = sample } else { samples.append(sample) }
  }

  /// The samples since the last call of this.
  public mutating func drain() -> [Sample] {
    defer { samples = [] }
    return samples
  }

  /// The records of a log that nobody has been given so far.
  public func unseen(in partition: PartitionIndex?) -> [EventID] { (unseen[partition] ?? []).sorted() }
}
