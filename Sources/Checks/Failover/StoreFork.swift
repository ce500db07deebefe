internal import Events

/// D10, an event store that forked: a transaction committed on the old timeline behind the position at which the new one left it
/// is on no timeline that anybody reads. It must be on the new one as well, or have been decided about.
enum StoreFork: FailoverRow {
  static let anomaly = Anomaly.eventStoreFork

  static func examine(_ record: FailoverRecord) -> RowExamination {
    guard let commits = record.commits, let fork = record.fork else {
      return .notApplicable(
        anomaly,
        "the sites keep stores of their own, mirrored record by record: neither continues the other's timeline")
    }
    let onNew = Set(commits.filter { $0.timeline == fork.timeline }.map(\.event))
    let behind = commits.filter { $0.timeline == fork.parent && $0.position > fork.position }
    return RowExamination(
      anomaly, in: Count("commits", commits.count),
      findings: behind.filter { !onNew.contains($0.event) && record.dispositions?[$0.event] == nil }.map { commit in
        Finding(
          anomaly,
          "\(commit.event) was committed on timeline \(commit.timeline) at \(commit.position), behind position "
            + "\(fork.position) where timeline \(fork.timeline) left it, and is on no other",
          events: [commit.event], store: record.oldSite)
      })
  }
}
