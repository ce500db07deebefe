internal import Events

/// The findings of the log checks so far: the first of each row in full, all of them counted.
struct LogFindings: Sendable {
  private struct Key: Hashable {
    var anomaly: Anomaly
    var id: RecordID
    var log: UInt16
    var place: Int64
  }

  private(set) var found: [Finding] = []
  private(set) var totals: [Anomaly: Int] = [:]
  private var met: Set<Key> = []
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// Adds a finding; one about the same record at the same place counts once.
  mutating func add(
    _ anomaly: Anomaly, _ id: RecordID, log: UInt16 = .max, at place: Int64 = -1, _ finding: @autoclosure () -> Finding
  ) {
    if met.count < 1 << 16, !met.insert(Key(anomaly: anomaly, id: id, log: log, place: place)).inserted { return }
    totals[anomaly, default: 0] += 1
    if totals[anomaly, default: 0] <= limit { found.append(finding()) }
  }

  /// What was added since the last call.
  mutating func drain() -> [Finding] {
    defer { found = [] }
    return found
  }
}

/// One row of the taxonomy at work on what the ledger notices.
protocol LogCheck: Sendable {
  init()
  /// The row.
  static var anomaly: Anomaly { get }
  /// Judges something noticed.
  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings)
  /// Judges the whole, once there are no more events.
  mutating func finish<Records>(_ ledger: LogLedger<Records>, _ findings: inout LogFindings)
}

extension LogCheck {
  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {}
  mutating func finish<Records>(_ ledger: LogLedger<Records>, _ findings: inout LogFindings) {}
}

extension LogLedger {
  /// The name of an event's log.
  func logName(_ event: LogEvent) -> String { options.name(of: event.log) }

  /// `p3-142, p3-143 and more`.
  func list(_ ids: [RecordID]) -> String {
    let shown = ids.prefix(4).map { records.event($0).description }.joined(separator: ", ")
    return ids.count > 4 ? shown + " and more" : shown
  }

  func events(_ ids: [RecordID]) -> [EventID] { ids.map { records.event($0) } }
}
