internal import Events

/// What the figures that people commonly watch would have said of a mirror: the difference of the log ends, and Connect's own word.
/// They stand beside the verdict, and nothing rests on them.
struct MirrorClaims {
  /// The figures, for a report.
  private(set) var measures: [Measure] = []

  init(_ flow: MirrorDirection, _ facts: Facts) {
    addLogEnds(flow, facts)
    addConnect(flow, facts)
  }

  /// The source's log end less the target's, over all partitions: below zero where markers take places at the target alone.
  private mutating func addLogEnds(_ flow: MirrorDirection, _ facts: Facts) {
    let names = PartitionNames(flow, [], facts.truth.logBounds ?? [])
    var ends: [MirrorSide: [String: Int64]] = [.source: [:], .target: [:]]
    var most: Int64?
    var last: Int64?
    for row in (facts.truth.logBounds ?? []).sorted(by: { $0.observed < $1.observed }) {
      guard let side = names.side(of: row.store), let home = names.home(of: row.partition, at: side) else { continue }
      ends[side]?[home] = row.end
      guard let source = ends[.source], let target = ends[.target], !target.isEmpty,
        source.keys.allSatisfy({ target[$0] != nil })
      else { continue }
      let claimed = source.values.reduce(0, +) - target.values.reduce(0, +)
      most = max(most ?? .min, claimed)
      last = claimed
    }
    guard let most, let last else { return }
    measures.append(Measure("\(flow) lag that the log ends would have claimed at most", Double(most), "records"))
    measures.append(Measure("\(flow) lag that the log ends would have claimed at the end", Double(last), "records"))
  }

  /// For how much of the faults Connect called the connector and all its tasks RUNNING.
  private mutating func addConnect(_ flow: MirrorDirection, _ facts: Facts) {
    let rows = (facts.truth.connectorStates ?? []).filter { $0.store == flow.to && $0.source == flow.from }
      .sorted { $0.observed < $1.observed }
    guard !rows.isEmpty else { return }
    var states: [Int?: String] = [:]
    var running: [ClosedRange<Int64>] = []
    var since: Int64?
    for row in rows {
      // What is taken away says nothing any more.
      states[row.task] = row.state == "DESTROYED" ? nil : row.state
      let isRunning = !states.isEmpty && states.values.allSatisfy { $0 == "RUNNING" }
      if isRunning { since = since ?? row.observed }
      if !isRunning, let began = since {
        running.append(began...row.observed)
        since = nil
      }
    }
    if let since { running.append(since...Int64.max) }
    let outages = facts.faults.compactMap { fault -> ClosedRange<Int64>? in
      guard let gone = fault.verifiedGone ?? fault.disarmed, fault.armed < gone else { return nil }
      return fault.armed...gone
    }
    guard let begin = outages.map(\.lowerBound).min(), let end = outages.map(\.upperBound).max(), begin < end else {
      return
    }
    let covered = running.reduce(Int64(0)) { $0 + max(0, min($1.upperBound, end) - max($1.lowerBound, begin)) }
    measures.append(
      Measure(
        "\(flow) time under faults in which Connect called the mirror RUNNING",
        (Double(covered) / Double(end - begin) * 1000).rounded() / 10, "%"))
  }
}
