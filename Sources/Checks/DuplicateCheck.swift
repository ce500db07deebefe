internal import Events

/// Checklist item 2, `no-duplicates` (taxonomy L3, M2, D6; domain 71).
///
/// No event id may stand twice in one store's log, whatever the origins of the two rows. Judged by the dumps, and by the
/// tails as well: a second copy that was removed again before the dump still counts. An event applied twice by a projection
/// is item 7's to judge.
struct DuplicateCheck: Check {
  /// Where each tail first saw each event, and the events it then saw elsewhere, in the order of that.
  private var places: [NodeIndex: [EventID: Spot]] = [:]
  /// When that was (ns).
  private var firstSeen: [NodeIndex: [EventID: Int64]] = [:]
  private var moved: [Move] = []
  private var movedOnce: Set<Place> = []

  private struct Spot: Hashable {
    var partition: PartitionIndex?
    var position: Int64
  }

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
    let spot = Spot(partition: operation.partition, position: position)
    guard let first = places[operation.node]?[operation.event] else {
      firstSeen[operation.node, default: [:]][operation.event] = ended(operation)
      places[operation.node, default: [:]][operation.event] = spot
      return
    }
    guard first != spot,
      movedOnce.insert(Place(node: operation.node, event: operation.event)).inserted
    else { return }
    moved.append(
      Move(
        node: operation.node, event: operation.event, first: first.position, second: position, time: ended(operation)))
  }

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    var rowsSeen = 0
    var carriedAgain: [String] = []
    for store in facts.roles.stores {
      if facts.truth.logs[store] == nil, let records = facts.truth.records,
        records.contains(where: { $0.store == store })
      {
        rowsSeen += judge(records.filter { $0.store == store }, of: store, facts, &result)
        continue
      }
      guard let log = facts.log(of: store, &result.missing) else { continue }
      if log.isEmpty { result.missing.append("events in \(store)'s log: its dump is empty") }
      rowsSeen += log.count
      var inDump: Set<EventID> = []
      let accounted = judgeRedelivery(log, of: store, facts, &result, &carriedAgain)
      for (event, rows) in Dictionary(grouping: log, by: \.event).sorted(by: { $0.key < $1.key }) where rows.count > 1 {
        inDump.insert(event)
        if accounted.contains(event) { continue }
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
    let again =
      carriedAgain.isEmpty
      ? "no event twice"
      : "no event twice but \(carriedAgain.joined(separator: "; "))"
    result.coverage = Coverage(
      "\(grouped(rowsSeen)) rows in \(counted(facts.roles.stores.count, "log")), \(again)",
      counts: [Count("rows", rowsSeen), Count("logs", facts.roles.stores.count)],
      notes: notes(facts))
    return result
  }

  /// What at-least-once mirrors have carried again is theirs to do, as far as it is no more than they had not kept.
  ///
  /// - Returns: the events that are accounted for so.
  private func judgeRedelivery(
    _ log: [LogRow], of store: String, _ facts: Facts, _ result: inout Judgement, _ notes: inout [String]
  ) -> Set<EventID> {
    guard let redelivery = facts.redelivery, facts.contract.permissions.permits(.mirrorDuplicate) else { return [] }
    let seenAgain = Dictionary(
      moved.filter { facts.name(of: $0.node) == store }.map { ($0.event, $0.time) }, uniquingKeysWith: min)
    var accounted: Set<EventID> = []
    for origin in Set(log.map(\.origin)).subtracting([store]).sorted() {
      var met: Set<EventID> = []
      var stretches: [RepeatedStretch] = []
      var isRepeating = false
      var partition: String?
      for row in log where row.origin == origin {
        if row.partition != partition { isRepeating = false }
        partition = row.partition
        let isNew = met.insert(row.event).inserted
        if !isNew {
          if !isRepeating { stretches.append(RepeatedStretch(rows: [], seen: seenAgain[row.event])) }
          stretches[stretches.count - 1].rows.append(row)
          accounted.insert(row.event)
        }
        isRepeating = !isNew
      }
      let arrivals = facts.index(of: store).map { index in met.compactMap { firstSeen[index]?[$0] } } ?? []
      let account = redelivery.account(for: stretches, of: origin, in: store, arrivals: arrivals)
      result.findings += account.findings
      notes += account.notes
      result.measures += account.measures
    }
    return accounted
  }

  /// A cluster with partitions: an event twice among the records of one topic, as a reader of committed transactions is given
  /// them. What a mirror has carried twice is found, stretch by stretch, by the row of mirrors (M2).
  private func judge(_ records: [PartitionRow], of store: String, _ facts: Facts, _ result: inout Judgement) -> Int {
    let sources = Set(facts.roles.mirrors.filter { $0.to == store }.map(\.from))
    var seen = 0
    var places: [String: [EventID: [PartitionRow]]] = [:]
    for rows in Dictionary(grouping: records, by: \.partition).values {
      for row in MirrorEvidence.committed(rows.sorted { $0.offset < $1.offset }) {
        guard let event = row.event else { continue }
        seen += 1
        let topic = PartitionNames.topic(of: row.partition)
        guard MirrorNaming().source(of: topic).map(sources.contains) != true else { continue }
        places[topic, default: [:]][event, default: []].append(row)
      }
    }
    if seen == 0 { result.missing.append("records with an identity in \(store)") }
    for (topic, events) in places.sorted(by: { $0.key < $1.key }) {
      for (event, rows) in events.sorted(by: { $0.key < $1.key }) where rows.count > 1 {
        result.findings.append(
          Finding(
            .duplicateAppend,
            "\(event) stands \(rows.count) times in \(topic) of \(store), in \(Set(rows.map(\.partition)).sorted().joined(separator: " and "))",
            events: [event], store: store, positions: rows.map(\.offset).sorted()))
      }
    }
    return seen
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
