internal import Events

/// D8, order across the failover: the order of each key over the old site's log followed by the new reign's records. A record of
/// the new reign whose number in its key is not above everything that the old reign had accepted for that key stands in the
/// wrong order for whoever read the old log first.
enum CrossFailoverOrder: FailoverRow {
  static let anomaly = Anomaly.crossFailoverOrder

  static func examine(_ record: FailoverRecord) -> RowExamination {
    var highest: [UInt32: FailoverRecord.Row] = [:]
    for row in record.oldLog + record.newLog
    where row.epoch < record.newEpoch && row.keySequence >= highest[row.key]?.keySequence ?? 0 {
      highest[row.key] = row
    }
    // A record that both reigns accepted is a duplicate, which other rows judge.
    let old = Set((record.oldLog + record.newLog).lazy.filter { $0.epoch < record.newEpoch }.map(\.event))
    let new = record.newLog.filter { $0.epoch >= record.newEpoch }
    var met: Set<EventID> = []
    var crossed: Set<UInt32> = []
    var findings: [Finding] = []
    for row in new.sorted(by: { ($0.partition, $0.position) < ($1.partition, $1.position) })
    where met.insert(row.event).inserted && !old.contains(row.event) {
      guard let before = highest[row.key] else { continue }
      crossed.insert(row.key)
      guard row.keySequence <= before.keySequence else { continue }
      findings.append(
        Finding(
          anomaly,
          "key \(row.key): \(row.event) of the new reign (number \(row.keySequence)) does not follow \(before.event) of the "
            + "old one (number \(before.keySequence))",
          events: [before.event, row.event], store: record.newSite, tokens: [before.epoch, row.epoch],
          positions: [row.position]))
    }
    return RowExamination(anomaly, in: Count("keys written by both reigns", crossed.count), findings: findings)
  }
}
