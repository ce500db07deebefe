internal import Events

/// Checklist item 2, `no-duplicates` (taxonomy L3, M2, D6; domain 71).
///
/// No event id may stand twice in one store's log, whatever the origins of the two rows. Judged by the dumps, and by the
/// tails as well: a second copy that was removed again before the dump still counts. An event applied twice by a projection
/// is item 7's to judge.
///
/// What a mirror has carried twice into one partition is told stretch by stretch, with its length. A mirror that promises to deliver
/// at least once may do that, as far as it is no more than it had not kept; any other may not.
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
        rowsSeen += judge(records.filter { $0.store == store }, of: store, facts, &result, &carriedAgain)
        continue
      }
      guard let log = facts.log(of: store, &result.missing) else { continue }
      if log.isEmpty { result.missing.append("events in \(store)'s log: its dump is empty") }
      rowsSeen += log.count
      var inDump: Set<EventID> = []
      let copies = copies(log, of: store, facts)
      let accounted = judge(copies, facts, &result, &carriedAgain)
      for (event, rows) in Dictionary(grouping: log, by: \.event).sorted(by: { $0.key < $1.key }) where rows.count > 1 {
        inDump.insert(event)
        // A copy beside it, of another origin or in another partition, is no mirror's that went back.
        if accounted.contains(event), Set(rows.map { Flow(origin: $0.origin, partition: $0.partition) }).count == 1 {
          continue
        }
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
    result.failure = failure(result)
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

  /// What mirrors have brought into a store's log more than once, partition by partition.
  private func copies(_ log: [LogRow], of store: String, _ facts: Facts) -> [MirroredCopies] {
    let seenAgain = seenAgain(in: store, facts)
    let seen = facts.index(of: store).flatMap { firstSeen[$0] } ?? [:]
    let flows = Dictionary(grouping: log.filter { $0.origin != store }) {
      Flow(origin: $0.origin, partition: $0.partition)
    }
    return flows.sorted { $0.key < $1.key }.map { flow, rows in
      MirroredCopies(
        of: flow.origin, in: store, flow.partition, rows.map { .init(event: $0.event, position: $0.position) },
        firstSeen: { seen[$0] }, seenAgain: { seenAgain[$0] })
    }
  }

  private struct Flow: Hashable, Comparable {
    var origin: String
    var partition: String?

    static func < (one: Flow, other: Flow) -> Bool {
      (one.origin, one.partition ?? "") < (other.origin, other.partition ?? "")
    }
  }

  private func seenAgain(in store: String, _ facts: Facts) -> [EventID: Int64] {
    Dictionary(moved.filter { facts.name(of: $0.node) == store }.map { ($0.event, $0.time) }, uniquingKeysWith: min)
  }

  /// Judges what mirrors have carried twice.
  ///
  /// - Returns: the events that are accounted for so. A store that has one log, and whose mirrors promise to carry nothing twice,
  ///   has each event judged by itself.
  private func judge(
    _ copies: [MirroredCopies], _ facts: Facts, _ result: inout Judgement, _ notes: inout [String]
  ) -> Set<EventID> {
    let isPermitted = facts.contract.permissions.permits(.mirrorDuplicate)
    let redelivery = isPermitted ? facts.redelivery : nil
    let judged = copies.filter { redelivery != nil || $0.partition != nil }
    for copies in judged {
      guard let redelivery else {
        result.findings += copies.findings
        if isPermitted { notes += copies.stretches.map { copies.text(of: $0) } }
        continue
      }
      let account = redelivery.account(for: copies)
      result.findings += account.findings
      notes += account.notes
    }
    result.measures += judged.measures
    return Set(judged.flatMap { $0.stretches.flatMap(\.events) })
  }

  /// A cluster with partitions: an event twice among the records of one topic, as a reader of committed transactions is given
  /// them. What stands in a mirrored topic twice, its mirror has carried twice.
  private func judge(
    _ records: [PartitionRow], of store: String, _ facts: Facts, _ result: inout Judgement, _ notes: inout [String]
  ) -> Int {
    let sources = Set(facts.roles.mirrors.filter { $0.to == store }.map(\.from))
    var seen = 0
    var places: [String: [EventID: [PartitionRow]]] = [:]
    var copies: [MirroredCopies] = []
    for (partition, rows) in Dictionary(grouping: records, by: \.partition).sorted(by: { $0.key < $1.key }) {
      let topic = PartitionNames.topic(of: partition)
      let committed = MirrorEvidence.committed(rows.sorted { $0.offset < $1.offset }).filter { $0.event != nil }
      seen += committed.count
      if let source = MirrorNaming().source(of: topic), sources.contains(source) {
        let records = committed.compactMap { row in
          row.event.map { MirroredCopies.Record(event: $0, position: row.offset, seen: row.observed) }
        }
        copies.append(
          MirroredCopies(of: source, in: store, partition, records, firstSeen: { _ in nil }, seenAgain: { _ in nil }))
      } else {
        for row in committed {
          if let event = row.event { places[topic, default: [:]][event, default: []].append(row) }
        }
      }
    }
    _ = judge(copies, facts, &result, &notes)
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

  private func failure(_ result: Judgement) -> String {
    let copies = result.findings.filter { $0.anomaly == Anomaly.mirrorDuplicate.rawValue }
    guard !copies.isEmpty, copies.count == result.findings.count else {
      return "\(counted(result.findings.count, "event")) more than once in a log"
    }
    let records = result.measures.filter { $0.name.hasSuffix(" records carried again") }.reduce(0) { $0 + $1.value }
    return
      "\(counted(Int(records), "record")) carried twice by a mirror, in \(counted(copies.count, "stretch", "stretches")): \(copies[0].what)"
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
