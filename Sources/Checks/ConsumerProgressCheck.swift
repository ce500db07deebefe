internal import Events

/// Checklist item 7, `consumer-progress` (taxonomy L15, L22, D7, M8; domain 3, 77, 85).
///
/// Each consumer group must have applied exactly the events of its store's log, each once, and must have come to the log's end.
/// What the group's own tables say is compared with the dump; two successful applications in the history count as twice too.
/// An event that was delivered again and refused by the projection is not a violation: it shows that the idempotency
/// check works. If none was, the verdict says that the check was not exercised.
struct ConsumerProgressCheck: Check {
  private struct Effect: Hashable {
    var group: GroupIndex
    var node: NodeIndex
    var event: EventID
  }

  private var effects: [Effect: Int] = [:]
  private var twice: [Effect: Int64] = [:]
  private var refused: [GroupIndex: Int] = [:]
  private let redeliveries: Set<OutcomeCode>

  init(_ facts: Facts) { redeliveries = facts.redeliveries }

  mutating func take(_ operation: Operation) {
    guard operation.kind == .apply, let group = operation.group else { return }
    switch operation.outcome {
    case .ok:
      let effect = Effect(group: group, node: operation.node, event: operation.event)
      effects[effect, default: 0] += 1
      if effects[effect] == 2 { twice[effect] = ended(operation) }
    case .fail(let code) where redeliveries.contains(code): refused[group, default: 0] += 1
    case .fail, .unknown: break
    }
  }

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    if facts.roles.consumers.isEmpty { result.missing.append("a consumer group: the workload names none") }
    guard let applied = facts.truth.applied, let progress = facts.truth.progress else {
      result.missing.append("the dump of \(facts.truth.applied == nil ? "applied events" : "the groups' progress")")
      return result
    }
    var total = 0
    for consumer in facts.roles.consumers {
      let rows = applied.filter { $0.group == consumer.group && $0.store == consumer.store }
      let positions = Dictionary(
        progress.filter { $0.group == consumer.group && $0.store == consumer.store }.map {
          ($0.partition, $0.position)
        },
        uniquingKeysWith: { first, _ in first })
      total += judge(consumer, rows, positions, facts, &result)
    }
    result.trials = Count("effects", total)
    let redelivered = refused.values.reduce(0, +)
    result.failure =
      "\(counted(result.findings.count, "violation")) by consumers: \(result.findings.first?.what ?? "")"
    result.coverage = Coverage(
      "\(counted(facts.roles.consumers.count, "group")) applied \(counted(total, "event")), none skipped, none twice; "
        + (redelivered == 0
          ? "nothing was delivered again, so idempotency was not exercised"
          : "\(counted(redelivered, "repeated delivery", "repeated deliveries")) refused"),
      counts: [
        Count("groups", facts.roles.consumers.count), Count("events applied", total),
        Count("repeated deliveries refused", redelivered),
      ])
    return result
  }

  /// Returns how many events the group has applied.
  private func judge(
    _ consumer: ConsumerRole, _ rows: [AppliedRow], _ positions: [String?: Int64], _ facts: Facts,
    _ result: inout Judgement
  ) -> Int {
    guard let log = facts.log(of: consumer.store, &result.missing) else { return 0 }
    guard !rows.isEmpty else {
      result.missing.append("an event applied by \(consumer)")
      return 0
    }
    guard !positions.isEmpty else {
      result.missing.append("the progress of \(consumer)")
      return 0
    }
    judgeRepetition(consumer, rows, facts, &result)
    let applied = Set(rows.map(\.event))
    let known = Set(log.map(\.event))
    for row in rows where !known.contains(row.event) {
      result.findings.append(
        Finding(
          "L19", "\(consumer) applied \(row.event), which is not in the log", events: [row.event],
          store: consumer.store))
    }
    // What stands in two partitions is judged in the first: that it does is another item's to say.
    var met: Set<EventID> = []
    let parts = Dictionary(grouping: log.filter { met.insert($0.event).inserted }, by: \.partition)
    let ends = Dictionary(grouping: log, by: \.partition).mapValues { $0.map(\.position).max() ?? -1 }
    for partition in Set(ends.keys).union(positions.keys).sorted(by: { ($0 ?? "") < ($1 ?? "") }) {
      judge(
        Part(
          consumer: consumer, partition: partition, end: ends[partition] ?? -1, position: positions[partition] ?? -1),
        Dictionary((parts[partition] ?? []).map { ($0.event, $0.position) }, uniquingKeysWith: min), applied, &result)
    }
    return applied.count
  }

  /// One log that a group reads: a store's only one, or a partition.
  private struct Part: CustomStringConvertible {
    var consumer: ConsumerRole
    var partition: String?
    var end: Int64
    var position: Int64

    var description: String { partition.map { "\(consumer), in \($0)," } ?? "\(consumer)" }
  }

  private func judge(
    _ part: Part, _ places: [EventID: Int64], _ applied: Set<EventID>, _ result: inout Judgement
  ) {
    let position = part.position
    for (event, place) in places.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
      if place <= position, !applied.contains(event) {
        result.findings.append(
          Finding(
            "L15", "\(part) skipped \(event) at position \(place); it has come to \(position)", events: [event],
            store: part.consumer.store, positions: [place, position]))
      } else if place > position, applied.contains(event) {
        result.findings.append(
          Finding(
            "L22", "\(part) applied \(event) at position \(place) but has recorded progress only to \(position)",
            events: [event], store: part.consumer.store, positions: [place, position]))
      }
    }
    judgeEnd(part, places, &result)
  }

  private func judgeRepetition(
    _ consumer: ConsumerRole, _ rows: [AppliedRow], _ facts: Facts, _ result: inout Judgement
  ) {
    var charged: Set<EventID> = []
    for row in rows.sorted(by: { $0.event < $1.event }) where row.times != 1 {
      charged.insert(row.event)
      result.findings.append(
        Finding("D7", "\(consumer) applied \(row.event) \(row.times) times", events: [row.event], store: consumer.store)
      )
    }
    for (effect, time) in twice.sorted(by: { ($0.value, $0.key.event) < ($1.value, $1.key.event) })
    where facts.names.name(of: effect.group) == consumer.group && facts.name(of: effect.node) == consumer.store
      && !charged.contains(effect.event)
    {
      result.findings.append(
        Finding(
          "D7", "\(consumer) reported the effect of \(effect.event) \(effects[effect] ?? 2) times",
          events: [effect.event],
          store: consumer.store, times: [time]))
    }
  }

  private func judgeEnd(_ part: Part, _ places: [EventID: Int64], _ result: inout Judgement) {
    let (position, end) = (part.position, part.end)
    if position < end {
      let left = places.filter { $0.value > position }.sorted { $0.value < $1.value }
      result.findings.append(
        Finding(
          "L22", "\(part) stopped at position \(position), \(counted(left.count, "event")) before the end (\(end))",
          events: Array(left.prefix(Witness.limit).map(\.key)), store: part.consumer.store, positions: [position, end]))
    } else if position > end {
      result.findings.append(
        Finding(
          "M8", "\(part) has come to position \(position), beyond the log's end (\(end))", store: part.consumer.store,
          positions: [position, end]))
    }
  }
}
