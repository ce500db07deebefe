internal import Checks
internal import Events
internal import Synchronization

/// The checks of logs, run while the drill goes on over the recorder's batches.
///
/// The recorder's writer only hands its batches over; they are looked at when somebody asks, so that a slow look never holds up the
/// disk. What is found here is shown at once; the verdict is given on the whole evidence, and finds it again.
final class LiveChecks: Sendable {
  private struct State {
    var audit = LogAudit()
    var totals: [String: Int] = [:]
  }

  /// Rows that can be told only at the end.
  private let untold: Set<String>
  private let waiting = Mutex<[Operation]>([])
  private let state = Mutex(State())

  /// - Parameter repeats: whether mirrors may carry records again: which of them may, the whole evidence says.
  init(repeats: Bool = false) {
    // Whether a refused write was written elsewhere is known at the end only, too.
    let rows: [Anomaly] = repeats ? [.abortedRead, .duplicateAppend] : [.abortedRead]
    untold = Set(rows.map(\.rawValue))
  }

  /// Takes the recorder's next batch; called on its writer's thread.
  func take(_ batch: [Operation]) {
    waiting.withLock { $0 += batch }
  }

  /// Looks at what has come since the last call.
  ///
  /// - Parameter names: the names that the recorder has given out by now.
  /// - Returns: an event for each row of which more was found, with its first new violation.
  func look(names: NameTable) -> [AnomalySeen] {
    let batch = waiting.withLock { waiting in
      let batch = waiting
      waiting = []
      return batch
    }
    return state.withLock { state in
      state.audit.take(batch, names: names)
      let findings = state.audit.drain().filter { !untold.contains($0.anomaly) }
      let new = Dictionary(grouping: findings, by: \.anomaly)
      return new.sorted { $0.key < $1.key }.compactMap { row, findings in
        guard let first = findings.first else { return nil }
        let total = state.totals[row, default: 0] + findings.count
        state.totals[row] = total
        return AnomalySeen(row: row, name: Anomaly(rawValue: row)?.name ?? row, what: first.what, total: total)
      }
    }
  }
}
