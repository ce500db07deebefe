internal import Events

/// How much a group was given again, and what that did.
public struct GroupReplay: Sendable, Hashable, Codable {
  /// The group.
  public var group: String
  /// Events delivered again. `nil`: not known.
  public var delivered: Int?
  /// Events whose effect was applied more than once.
  public var appliedTwice: Int
}

extension FailoverRecord {
  /// The replay of each group, by name.
  var groupReplays: [GroupReplay] {
    Set((replays ?? [:]).keys).union((repeatedEffects ?? [:]).keys).sorted().map {
      GroupReplay(group: $0, delivered: replays?[$0], appliedTwice: repeatedEffects?[$0]?.count ?? 0)
    }
  }
}

/// D7, effects replayed: after a failover a group reads again what it had processed; that is legal as long as no effect is
/// applied twice. Joined by identity: what the group's own tables say was applied more than once.
enum ReplayedEffects: FailoverRow {
  static let anomaly = Anomaly.replayedEffects

  static func examine(_ record: FailoverRecord) -> RowExamination {
    guard let repeated = record.repeatedEffects else {
      return .inconclusive(anomaly, missing: ["what the groups have applied"])
    }
    let findings = repeated.sorted { $0.key < $1.key }.flatMap { group, events in
      events.sorted { $0.key < $1.key }.map { event, times in
        Finding(
          anomaly,
          "\(group) applied \(event) \(times) times"
            + (record.replays?[group].map { "; \(counted($0, "event")) were delivered to it again" } ?? ""),
          events: [event])
      }
    }
    return RowExamination(anomaly, in: Count("effects", record.effects), findings: findings)
  }
}
