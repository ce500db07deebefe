internal import Events

/// D6, duplicates of the way back: a record of the new reign that stands twice in the old site's log after reverse mirroring, or
/// that came back to the new site and stands twice there (a loop).
enum FailbackDuplicates: FailoverRow {
  static let anomaly = Anomaly.failbackDuplicates

  static func examine(_ record: FailoverRecord) -> RowExamination {
    var findings: [Finding] = []
    var examined = 0
    for (site, log, how) in [
      (record.oldSite, record.oldLog, "was carried back twice"), (record.newSite, record.newLog, "came back in a loop"),
    ] {
      let own = log.filter { $0.epoch >= record.newEpoch }
      examined += own.count
      let twice = Dictionary(grouping: own, by: \.event).filter { $0.value.count > 1 }
      for (event, rows) in twice.sorted(by: { $0.key < $1.key }) {
        findings.append(
          Finding(
            anomaly, "\(event), a record of the new reign, \(how): it stands \(rows.count) times in \(site)'s log",
            events: [event], store: site, tokens: [rows[0].epoch], positions: rows.map(\.position).sorted()))
      }
    }
    return RowExamination(anomaly, in: Count("records of the new reign", examined), findings: findings)
  }
}
