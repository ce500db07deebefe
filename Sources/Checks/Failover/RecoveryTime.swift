/// How long one part of the stream was without service.
public struct LaneTime: Sendable, Hashable, Codable {
  /// The part.
  public var lane: FailoverRecord.Lane
  /// From the loss to the start of the first window in which enough writes were acknowledged fast enough. Nanoseconds.
  /// `nil`: there was none.
  public var recovery: Int64?
}

extension FailoverRecord {
  /// A sliding window moves on by this part of its length.
  private static let stepsInWindow: Int64 = 10

  /// The parts of the stream that were in use when the old site was lost, and for which service must come back.
  var lanesInUse: [Lane] {
    Set(writes.filter { $0.isAcknowledged && $0.ended < lost && !lostClasses.contains($0.lane.keyClass) }.map(\.lane))
      .sorted()
  }

  /// When service was back on each part by itself.
  var laneTimes: [LaneTime] { lanesInUse.map { LaneTime(lane: $0, recovery: recovery(of: [$0])) } }

  /// From the loss to the start of the first window in which service was good on all `lanes` at once. `nil`: there was none.
  func recovery(of lanes: [Lane]) -> Int64? {
    let step = max(1, limits.window / Self.stepsInWindow)
    var latencies: [Lane: [Int64: [Int64]]] = [:]
    var failures: [Lane: [Int64: Int]] = [:]
    var last: Int64 = 0
    var starts: Set<Int64> = []
    let wanted = Set(lanes)
    for write in writes where write.ended >= lost && wanted.contains(write.lane) {
      let bucket = (write.ended - lost) / step
      last = max(last, bucket)
      if write.isAcknowledged {
        // A window without an acknowledged write is not good, so only those that reach one are looked at.
        starts.formUnion(max(0, bucket - Self.stepsInWindow + 1)...bucket)
        latencies[write.lane, default: [:]][bucket, default: []].append(write.ended - write.invoked)
      } else {
        failures[write.lane, default: [:]][bucket, default: 0] += 1
      }
    }
    // A window that reaches beyond the last write would be judged by a part of itself.
    guard !lanes.isEmpty, last >= Self.stepsInWindow - 1 else { return nil }
    for first in starts.sorted() where first + Self.stepsInWindow <= last + 1 {
      let buckets = first..<(first + Self.stepsInWindow)
      let isGood = lanes.allSatisfy { lane in
        let fast = buckets.flatMap { latencies[lane]?[$0] ?? [] }
        let failed = buckets.reduce(0) { $0 + (failures[lane]?[$1] ?? 0) }
        guard !fast.isEmpty else { return false }
        return Double(fast.count) >= limits.successRate * Double(fast.count + failed)
          && percentile99(fast) <= limits.latency
      }
      if isGood { return first * step }
    }
    return nil
  }

  private func percentile99(_ values: [Int64]) -> Int64 {
    values.sorted()[(values.count * 99 + 99) / 100 - 1]
  }
}

/// D3, the recovery time: from the loss of the old site to the start of the first window in which, on every part of the stream
/// that was in use, enough writes were acknowledged and the 99th percentile of their latency was low enough. Longer than the
/// objective is a violation; so is service that never came back.
enum RecoveryTime: FailoverRow {
  static let anomaly = Anomaly.recoveryTimeMissed

  static func examine(_ record: FailoverRecord) -> RowExamination {
    let lanes = record.lanesInUse
    let after = record.writes.filter { $0.ended >= record.lost }
    let examined = Count("writes after the loss", after.count)
    guard !lanes.isEmpty, let last = after.map(\.ended).max() else {
      return .inconclusive(anomaly, missing: ["writes before and after the loss of \(record.oldSite)"])
    }
    let terms =
      "\(percent(record.limits.successRate)) acknowledged, 99 % of them within \(brief(record.limits.latency)), "
      + "for \(brief(record.limits.window))"
    if let took = record.recovery(of: lanes) {
      guard let limit = record.limits.recoveryTime, took > limit else { return RowExamination(anomaly, in: examined) }
      let slowest = record.laneTimes.max { $0.recovery ?? .max < $1.recovery ?? .max }
      return RowExamination(
        anomaly, in: examined,
        findings: [
          Finding(
            anomaly,
            "service was back on every partition (\(terms)) only \(brief(took)) after the loss"
              + (slowest.map { ", last on \($0.lane)" } ?? "") + "; the objective is \(brief(limit))",
            times: [record.lost, record.lost + took])
        ])
    }
    // As long as a part of one window passed nobody can tell.
    guard last - record.lost > max(record.limits.recoveryTime ?? 0, record.limits.window) else {
      return .inconclusive(anomaly, missing: ["writes for long enough after the loss of \(record.oldSite)"])
    }
    let never = record.laneTimes.filter { $0.recovery == nil }.map { "\($0.lane)" }
    return RowExamination(
      anomaly, in: examined,
      findings: [
        Finding(
          anomaly,
          "service did not come back (\(terms)) in the \(brief(last - record.lost)) after the loss"
            + (never.isEmpty ? " on all partitions at once" : " on \(never.joined(separator: "; "))"),
          times: [record.lost, last])
      ])
  }
}
