internal import Events

/// Checklist item 2, `no-duplicates` (taxonomy L3, M2, D6; domain 71).
///
/// No event id may stand twice in one store's log, whatever the origins of the two rows. Judged by the dumps, and by the
/// tails as well: a second copy that was removed again before the dump still counts. An event applied twice by a projection
/// is item 7's to judge.
struct DuplicateCheck: Check {
  /// Where each tail first saw each event, and the events it then saw elsewhere, in the order of that.
  private var places: [NodeIndex: [EventID: Int64]] = [:]
  private var moved: [Move] = []
  private var movedOnce: Set<Place> = []

  private struct Place: Hashable {
    var node: NodeIndex
    var event: EventID
  }

  private struct Move {
    var node: NodeIndex
    var event: EventID
    var first: Int64
    var second: Int64
    var time: Int64
  }

  init(_ facts: Facts) {}

  mutating func take(_ operation: Operation) {
    guard operation.kind == .observe, operation.outcome == .ok, let position = operation.position else { return }
    guard let first = places[operation.node]?[operation.event] else {
      places[operation.node, default: [:]][operation.event] = position
      return
    }
    guard first != position,
      movedOnce.insert(Place(node: operation.node, event: operation.event)).inserted
    else { return }
    moved.append(
      Move(
        node: operation.node, event: operation.event, first: first, second: position, time: ended(operation)))
  }

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    var rowsSeen = 0
    for store in facts.roles.stores {
      guard let log = facts.log(of: store, &result.missing) else { continue }
      if log.isEmpty { result.missing.append("events in \(store)'s log: its dump is empty") }
      rowsSeen += log.count
      var inDump: Set<EventID> = []
      for (event, rows) in Dictionary(grouping: log, by: \.event).sorted(by: { $0.key < $1.key }) where rows.count > 1 {
        inDump.insert(event)
        result.findings.append(
          Finding(
            "L3", "\(event) stands \(rows.count) times in \(store)'s log, from \(origins(rows))", events: [event],
            store: store, tokens: rows.compactMap(\.token), positions: rows.map(\.position)))
      }
      for move in moved where facts.name(of: move.node) == store && !inDump.contains(move.event) {
        result.findings.append(
          Finding(
            "L3", "\(move.event) was seen at two positions of \(store)'s log, of which the dump has one",
            events: [move.event], store: store, positions: [move.first, move.second], times: [move.time]))
      }
    }
    result.trials = Count("rows", rowsSeen)
    result.failure = "\(counted(result.findings.count, "event")) more than once in a log"
    result.coverage = Coverage(
      "\(grouped(rowsSeen)) rows in \(counted(facts.roles.stores.count, "log")), no event twice",
      counts: [Count("rows", rowsSeen), Count("logs", facts.roles.stores.count)],
      notes: notes(facts))
    return result
  }

  private func origins(_ rows: [LogRow]) -> String {
    Set(rows.map(\.origin)).sorted().joined(separator: " and ")
  }

  private func notes(_ facts: Facts) -> [String] {
    let twice = (facts.truth.applied ?? []).filter { $0.times > 1 }.count
    return twice == 0
      ? [] : ["\(counted(twice, "event")) applied more than once by a projection: see consumer-progress"]
  }
}
