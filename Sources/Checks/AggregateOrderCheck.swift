internal import Events

/// Checklist item 6, `order-per-aggregate` (taxonomy L18, D8; domain 152).
///
/// In each store's log, by local position and looking only at the first place of each event, the sequence of each aggregate
/// must rise; and so it must in the canonical order of all events, by token and then by origin sequence. An event that stands
/// twice is item 2's to judge, not this one's.
///
/// Where logs have partitions, there is no order between them: the sequence must rise among the events of one origin, in each
/// partition.
///
/// One exception, where the contract permits it: an event of the old reign that reaches a store after the seal of the new
/// reign may stand behind newer events of its aggregate there. It must still keep the order among the events of its origin.
/// If no aggregate was written by both reigns, the switch was crossed by nobody and the item is vacuous.
struct AggregateOrderCheck: Check {
  init(_ facts: Facts) {}

  mutating func take(_ operation: Operation) {
    // Order is judged by the dumps alone: what clients saw is item 1's and item 7's.
  }

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    var all: [EventID: LogRow] = [:]
    var lateRows = 0
    for store in facts.roles.stores {
      guard let log = facts.log(of: store, &result.missing) else { continue }
      if log.isEmpty { result.missing.append("events in \(store)'s log: its dump is empty") }
      let rows = firstPlaces(log)
      lateRows += judgeLocalOrder(store, rows, facts, &result)
      for row in rows where all[row.event] == nil { all[row.event] = row }
    }
    judgeCanonicalOrder(Array(all.values), &result)

    result.trials = Count("events", all.count)
    let keys = Set(all.values.map(\.key)).count
    var crossed = 0
    if let token = facts.newToken {
      crossed = keysOfBothReigns(all.values, token)
      if crossed == 0 { result.vacuity = "no aggregate was written both before and after the switch" }
    } else if facts.isFailover {
      result.missing.append("a grant of write authority after the fault: without one there was no switch to cross")
    }
    result.failure =
      "\(counted(result.findings.count, "event")) out of order: \(result.findings.first?.what ?? "")"
    result.coverage = Coverage(
      "\(counted(keys, "aggregate")) in order, \(grouped(crossed)) of them written by both reigns",
      counts: [
        Count("events", all.count), Count("aggregates", keys), Count("aggregates written by both reigns", crossed),
        Count("late events behind the new reign", lateRows),
      ],
      notes: lateRows == 0
        ? []
        : [
          "\(counted(lateRows, "event")) of the old reign reached the survivor behind newer events of the same "
            + "aggregate; the contract permits it (\(Contract.Permission.lateEventsBehindNewReign.rawValue))"
        ])
    return result
  }

  private func firstPlaces(_ log: [LogRow]) -> [LogRow] {
    var met: Set<EventID> = []
    return log.filter { met.insert($0.event).inserted }
  }

  private struct Stream: Hashable {
    var key: UInt32
    var origin: String
    var partition: String?
  }

  /// Returns how many late rows made use of the contract's permission.
  private func judgeLocalOrder(
    _ store: String, _ rows: [LogRow], _ facts: Facts, _ result: inout Judgement
  ) -> Int {
    let seals = (facts.truth.fences[store] ?? []).filter { $0.mode == .readWrite }
    let permitted = facts.contract.permits.contains(.lateEventsBehindNewReign)
    var byKey: [UInt32: LogRow] = [:]
    var byStream: [Stream: LogRow] = [:]
    var used = 0
    for row in rows {
      let stream = Stream(key: row.key, origin: row.origin, partition: row.partition)
      if let before = byStream[stream], row.keySequence <= before.keySequence {
        report(row, behind: before, "in \(store)'s log", store, &result)
      } else if row.partition == nil, let before = byKey[row.key], row.keySequence <= before.keySequence {
        if permitted && isLate(row, store, seals) && row.keySequence < before.keySequence {
          used += 1
        } else {
          report(row, behind: before, "in \(store)'s log", store, &result)
        }
      }
      byStream[stream] = higher(byStream[stream], row)
      byKey[row.key] = higher(byKey[row.key], row)
    }
    return used
  }

  /// A mirrored row of an older token than the seal behind whose barrier it stands.
  private func isLate(_ row: LogRow, _ store: String, _ seals: [FenceEntry]) -> Bool {
    guard row.origin != store, let token = row.token else { return false }
    return seals.contains { $0.token > token && row.position > $0.barrier(in: row.partition) }
  }

  private func higher(_ known: LogRow?, _ row: LogRow) -> LogRow {
    guard let known, known.keySequence >= row.keySequence else { return row }
    return known
  }

  private func judgeCanonicalOrder(_ rows: [LogRow], _ result: inout Judgement) {
    let ordered = rows.sorted {
      ($0.token ?? .min, $0.origin, $0.originSequence) < ($1.token ?? .min, $1.origin, $1.originSequence)
    }
    let charged = Set(result.findings.flatMap(\.events))
    var byKey: [UInt32: LogRow] = [:]
    for row in ordered {
      if let before = byKey[row.key], row.keySequence <= before.keySequence,
        !charged.contains(row.event) && !charged.contains(before.event)
      {
        report(row, behind: before, "in the order of tokens and origin sequences", nil, &result)
      }
      byKey[row.key] = higher(byKey[row.key], row)
    }
  }

  private func report(
    _ row: LogRow, behind before: LogRow, _ place: String, _ store: String?, _ result: inout Judgement
  ) {
    result.findings.append(
      Finding(
        "L18",
        "aggregate \(row.key): \(row.event) (number \(row.keySequence)) stands behind \(before.event) "
          + "(number \(before.keySequence)) \(place)",
        events: [before.event, row.event], store: store, tokens: [before.token, row.token].compactMap { $0 },
        positions: store == nil ? [] : [before.position, row.position]))
  }

  private func keysOfBothReigns(_ rows: some Sequence<LogRow>, _ token: Int64) -> Int {
    var old: Set<UInt32> = []
    var new: Set<UInt32> = []
    for row in rows {
      if (row.token ?? .min) < token { old.insert(row.key) } else { new.insert(row.key) }
    }
    return old.intersection(new).count
  }
}
