internal import Events

/// How much of what an item was judged by happened while a fault was proven to be in force.
public struct UnderFault: Sendable, Hashable, Codable {
  /// For how long at least one fault was proven to be in force, in nanoseconds.
  public var duration: Int64
  /// What was counted.
  public var what: String
  /// Operations that overlap with that time.
  public var inForce: Int
  /// All such operations of the drill.
  public var total: Int
}

/// With how much confidence the absence of violations speaks for their rarity.
public struct Confidence: Sendable, Hashable, Codable {
  /// How often a violation could have shown.
  public var trials: Count
  /// The share of trials that are violations is at most this, with the confidence ``level``.
  public var bound: Double
  /// 0.95.
  public var level: Double

  /// No violation in `trials`: the rule of three (Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?",
  /// JAMA 249(13), 1983).
  init(noneIn trials: Count) {
    self.trials = trials
    bound = trials.value <= 3 ? 1 : 3 / Double(trials.value)
    level = 0.95
  }

  /// `0 in 4,812 acknowledged events: a rate of at most 0.062 % at 95 %`.
  public var sentence: String {
    "0 in \(grouped(trials.value)) \(trials.name): a rate of at most \(percent(bound)) at \(percent(level))"
  }
}

/// Counts the operations that each item is judged by, inside and outside of the faults' proven intervals.
struct UnderFaultMeter: Sendable {
  private let intervals: [Range<Int64>]
  private var inForce: [OperationKind: Int] = [:]
  private var total: [OperationKind: Int] = [:]
  /// Attempts without the current token at guards.
  private let attempts: [GuardAttemptRow]
  /// When the steady state was looked at.
  private let looks: [Int64]

  init(_ facts: Facts) {
    let end = facts.milestones.quiescent ?? .max
    let proven = facts.faults.compactMap { fault -> Range<Int64>? in
      guard let start = fault.provenSince else { return nil }
      return start..<max(start, fault.disarmed ?? fault.verifiedGone ?? end)
    }
    attempts = (facts.truth.guardAttempts ?? []).filter { $0.presented != .current }
    looks = facts.steady?.looks ?? []
    // Overlapping faults are one time under fault.
    intervals = proven.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { merged, next in
      if let last = merged.last, next.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, next.upperBound)
      } else {
        merged.append(next)
      }
    }
  }

  mutating func take(_ operation: Operation) {
    total[operation.kind, default: 0] += 1
    if isInForce(operation.invoked, ended(operation)) {
      inForce[operation.kind, default: 0] += 1
    }
  }

  private func isInForce(_ begun: Int64, _ ended: Int64) -> Bool {
    intervals.contains { begun < $0.upperBound && ended >= $0.lowerBound }
  }

  /// What `item` was judged by; `nil` while no fault was proven.
  func measure(_ item: ChecklistItem) -> UnderFault? {
    guard !intervals.isEmpty else { return nil }
    if item == .steadyStateRecovered {
      return UnderFault(
        duration: intervals.map { $0.upperBound - $0.lowerBound }.reduce(0, +), what: item.operations.what,
        inForce: looks.count { isInForce($0, $0) }, total: looks.count)
    }
    let kind = item.operations.kind
    // What only guards were tried with is no operation of the history.
    if item == .noUnfencedSchemaChange || item == .staleTokenRejected && total[kind] == nil {
      let own = attempts.filter { item == .staleTokenRejected || $0.surface == .registry }
      return UnderFault(
        duration: intervals.map { $0.upperBound - $0.lowerBound }.reduce(0, +), what: item.operations.what,
        inForce: own.count { isInForce($0.invoked, $0.completed) }, total: own.count)
    }
    return UnderFault(
      duration: intervals.map { $0.upperBound - $0.lowerBound }.reduce(0, +), what: item.operations.what,
      inForce: inForce[kind] ?? 0, total: total[kind] ?? 0)
  }
}

extension ChecklistItem {
  /// The operations that the item is judged by first of all.
  fileprivate var operations: (kind: OperationKind, what: String) {
    switch self {
    case .mirrorLagZero: (.observe, "observations of the tails")
    case .noDuplicates, .noAcknowledgedLoss, .electionWithinTTL, .orderPerAggregate, .writeAuthorityStays,
      .offsetsTranslated, .outboxComplete:
      (.append, "writes")
    case .noUnfencedSchemaChange: (.staleAppend, "attempts to change a schema")
    case .staleTokenRejected: (.staleAppend, "attempts with a token that does not rule")
    case .consumerProgress: (.apply, "applications by consumers")
    case .steadyStateRecovered: (.observe, "looks at the steady state")
    }
  }
}
