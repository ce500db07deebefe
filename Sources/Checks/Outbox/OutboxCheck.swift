internal import Events

/// Checklist item `outbox-complete` (domain 95, 160, 182): what the event store's outbox says was carried to its topic, row by row.
///
/// The identity is the row's id, whatever the offsets, and whichever store has the row. Five things are violations: a row of a
/// store that the topic does not have (a gap, as a connector leaves that began after it), a row that stands there more than once
/// (a flood, as a connector leaves that took a snapshot of what was carried before), a record whose row no store has, and an
/// aggregate whose rows first appear in another order than its own; and a consumer of the topic that has not applied each row
/// that is there exactly once. An event that was acknowledged and is in no store is
/// `no-acknowledged-loss`'s to judge.
struct OutboxCheck: Check {
  init(_ facts: Facts) {}

  mutating func take(_ operation: Operation) {}

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    guard let stores = facts.truth.outbox else {
      result.missing.append("the dump of the stores' outbox")
      return result
    }
    guard let carried = facts.truth.carried else {
      result.missing.append("the dump of the topic that the outbox is carried to")
      return result
    }
    for store in facts.roles.stores where !stores.contains(where: { $0.store == store }) {
      result.missing.append("rows of \(store)'s outbox: its dump is empty")
    }
    if carried.isEmpty { result.missing.append("a carried row: the topic is empty") }
    let topics = Set(carried.map { PartitionNames.topic(of: $0.partition) })
    let applied = (facts.truth.applied ?? []).filter { topics.contains($0.store) }
    if applied.isEmpty, !carried.isEmpty { result.missing.append("what a consumer of the topic has applied") }
    let audit = OutboxAudit(rows: stores, carried: carried, applied: applied)
    result.findings = audit.findings
    result.trials = Count("rows", audit.rows.count)
    result.failure = failure(audit)
    result.coverage = Coverage(
      "\(counted(audit.rows.count, "row")) of the outbox carried, each once and in its aggregate's order, and applied once",
      counts: [
        Count("rows", audit.rows.count), Count("records", carried.count),
        Count("partitions", Set(carried.map(\.partition)).count), Count("aggregates", Set(carried.map(\.key)).count),
      ])
    result.measures = [
      Measure("rows never carried", Double(audit.gaps.count), "rows"),
      Measure("rows carried more than once", Double(audit.floods.count), "rows"),
    ]
    return result
  }

  private func failure(_ audit: OutboxAudit) -> String {
    let parts: [(count: Int, what: String)] = [
      (audit.gaps.count, "never carried"), (audit.floods.count, "carried more than once"),
      (audit.strangers.count, "carried that no store has"), (audit.altered.count, "carried with another content"),
      (audit.inversions.count, "out of their aggregate's order"),
      (audit.misapplied.count, "not applied exactly once by a consumer of the topic"),
    ]
    return "of \(counted(audit.rows.count, "row")) of the outbox: "
      + parts.filter { $0.count > 0 }.map { "\(grouped($0.count)) \($0.what)" }.joined(separator: ", ")
  }
}
