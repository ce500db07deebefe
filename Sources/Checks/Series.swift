internal import Events

/// Writes by outcome in one stretch of time, by the region their workers ran in.
public struct WriteRate: Sendable, Hashable, Codable {
  /// The region.
  public var region: String
  /// When the stretch began, nanoseconds on the recorder's clock.
  public var start: Int64
  /// Acknowledged writes that ended in it.
  public var acknowledged: Int
  /// Writes that certainly failed.
  public var failed: Int
  /// Writes whose outcome is not known, by when they were given up; never completed ones by when they began.
  public var unknown: Int
}

/// How far a mirror was behind at one moment.
public struct LagSample: Sendable, Hashable, Codable {
  /// The direction.
  public var direction: MirrorDirection
  /// The moment, nanoseconds on the recorder's clock.
  public var time: Int64
  /// The age of the oldest event that the origin's tail had shown and the target's had not, in nanoseconds.
  public var lag: Int64
}

/// The producers' writes of a history, by region and stretches of `bucket` nanoseconds from its first write on. Stretches
/// without a write are left out. Attempts with a stale token are not counted.
public func writeRates(_ history: HistoryEvidence, bucket: Int64 = 1_000_000_000) -> [WriteRate] {
  precondition(bucket > 0, "a bucket of \(bucket) ns")
  let writes = history.operations.filter { $0.kind == .append }
  guard let first = writes.map(ended).min() else { return [] }
  var rates: [NodeIndex: [Int64: WriteRate]] = [:]
  for write in writes {
    let start = first + (ended(write) - first) / bucket * bucket
    var rate =
      rates[write.region]?[start]
      ?? WriteRate(
        region: history.names.name(of: write.region) ?? "node \(write.region.rawValue)", start: start, acknowledged: 0,
        failed: 0, unknown: 0)
    switch write.outcome {
    case .ok: rate.acknowledged += 1
    case .fail: rate.failed += 1
    case .unknown: rate.unknown += 1
    }
    rates[write.region, default: [:]][start] = rate
  }
  return rates.values.flatMap(\.values).sorted { ($0.start, $0.region) < ($1.start, $1.region) }
}

/// The lag of each mirror, sampled every `interval` nanoseconds from the first observation to the last one.
public func mirrorLag(
  _ history: HistoryEvidence, _ directions: [MirrorDirection], every interval: Int64 = 1_000_000_000
) -> [LagSample] {
  precondition(interval > 0, "an interval of \(interval) ns")
  let seen = history.operations.filter { $0.kind == .observe && $0.outcome == .ok }
  guard let start = seen.map(ended).min(), let end = seen.map(ended).max() else { return [] }
  return directions.flatMap { direction in
    let passages = passages(seen, history.names, direction)
    var oldest = 0
    return stride(from: start, through: end, by: Int(interval)).map { time in
      // What has arrived stays arrived, so the oldest one missing only ever moves on.
      while oldest < passages.count, (passages[oldest].arrived ?? .max) <= time { oldest += 1 }
      let missing = oldest < passages.count && passages[oldest].shown <= time
      return LagSample(direction: direction, time: time, lag: missing ? time - passages[oldest].shown : 0)
    }
  }
}

/// When the tails at both ends of a mirror showed each of its events, in the order of the origin.
private func passages(
  _ seen: [Operation], _ names: NameTable, _ direction: MirrorDirection
) -> [(shown: Int64, arrived: Int64?)] {
  var shown: [EventID: Int64] = [:]
  var arrived: [EventID: Int64] = [:]
  for sight in seen {
    guard let origin = sight.origin, names.name(of: origin) == direction.from else { continue }
    let store = names.name(of: sight.node)
    if store == direction.from { shown[sight.event] = min(shown[sight.event] ?? .max, ended(sight)) }
    if store == direction.to { arrived[sight.event] = min(arrived[sight.event] ?? .max, ended(sight)) }
  }
  return shown.map { (shown: $0.value, arrived: arrived[$0.key]) }.sorted { $0.shown < $1.shown }
}
