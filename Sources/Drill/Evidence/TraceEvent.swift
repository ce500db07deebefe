internal import Checks
public import Events
internal import Support

/// What became of `event` in a run.
///
/// - Returns: its lineage, and the moment at which the run began, nanoseconds on the recorder's clock.
/// - Throws: ``Problem`` with ``ExitCode/usage`` when the run knows no such event, saying which it knows; otherwise the error of the
///   file that cannot be read.
public func trace(_ event: EventID, in directory: RunDirectory) throws -> (lineage: Lineage, start: Int64) {
  let record = try RunRecord(reading: directory)
  let lineages = record.lineages(of: [event])
  guard let lineage = lineages.found[event], lineage.isKnown else {
    throw Problem(
      .usage, at: directory.path, "this run knows no event \(event): \(lineages.known(producer: event.producer))",
      fix: record.gaps.isEmpty
        ? "name one of those" : "the record is not whole (\(record.gaps[0])): it may have been lost")
  }
  return (lineage, record.journal.first?.t ?? 0)
}

/// Lineages, and what ids there are.
public struct RunLineages: Sendable {
  /// What became of each event that was asked for.
  public var found: [EventID: Lineage]
  /// The lowest and the highest sequence of each producer.
  public var sequences: [UInt32: ClosedRange<UInt64>]

  /// What ids the run has, for someone who asked for one of `producer` that it has not.
  func known(producer: UInt32) -> String {
    if let range = sequences[producer] {
      return "producer \(producer) went from \(EventID(producer: producer, sequence: range.lowerBound)) to "
        + "\(EventID(producer: producer, sequence: range.upperBound))"
    }
    let producers = sequences.keys.sorted()
    guard let first = producers.first, let last = producers.last else { return "it has no events at all" }
    return "there is no producer \(producer); there are \(producers.count), from \(first) to \(last)"
  }
}

extension RunRecord {
  /// What became of `events`, from the history and the dumps.
  public func lineages(of events: Set<EventID>) -> RunLineages {
    var tracer = LineageTracer(events)
    tracer.take(history.operations, names: history.names)
    for (store, rows) in truth.logs.sorted(by: { $0.key < $1.key }) { tracer.take(log: rows, of: store) }
    for (store, rows) in Dictionary(grouping: truth.records ?? [], by: \.store).sorted(by: { $0.key < $1.key }) {
      tracer.take(records: rows, of: store)
    }
    if let applied = truth.applied { tracer.take(applied: applied) }
    // A stack without reconciliation has reconciled nothing; that is known as well.
    tracer.take(reconciled: truth.reconciled ?? [])
    if let commits = truth.commits { tracer.take(commits: commits) }
    let found = events.compactMap { event in tracer.lineage(of: event).map { (event, $0) } }
    return RunLineages(found: Dictionary(uniqueKeysWithValues: found), sequences: tracer.sequences)
  }
}
