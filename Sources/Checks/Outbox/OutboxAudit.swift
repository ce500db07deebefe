internal import Events

/// The stores' outbox and its topic, held against each other by row id.
struct OutboxAudit {
  /// Every row that a store has, by its id. All stores tell the same of a row, for it follows from the event.
  let rows: [String: OutboxRow]
  /// Rows that the topic does not have.
  private(set) var gaps: [Finding] = []
  /// Rows that it has more than once.
  private(set) var floods: [Finding] = []
  /// Records whose row no store has.
  private(set) var strangers: [Finding] = []
  /// Records that say something else than their row.
  private(set) var altered: [Finding] = []
  /// Records that stand behind later ones of their aggregate.
  private(set) var inversions: [Finding] = []

  /// Carried rows that a consumer has not applied exactly once.
  private(set) var misapplied: [Finding] = []

  /// All of them, the worst first.
  var findings: [Finding] { gaps + floods + strangers + altered + inversions + misapplied }

  init(rows all: [OutboxRow], carried: [CarriedRow], applied: [AppliedRow]) {
    rows = Dictionary(all.map { ($0.row, $0) }, uniquingKeysWith: { first, _ in first })
    let copies = Dictionary(grouping: carried, by: \.row)
    let stores = Dictionary(grouping: all, by: \.row).mapValues { $0.map(\.store).sorted() }
    for row in rows.values.sorted(by: { ($0.event, $0.row) < ($1.event, $1.row) }) where copies[row.row] == nil {
      gaps.append(
        Finding(
          "outbox-gap",
          "row \(row.row) (\(row.event), number \(row.originSequence) of \(row.origin)) is in the outbox of "
            + "\((stores[row.row] ?? []).joined(separator: " and ")) and was never carried",
          events: [row.event], store: row.store, positions: [row.originSequence]))
    }
    for (id, records) in copies.sorted(by: { ($0.value[0].event, $0.key) < ($1.value[0].event, $1.key) }) {
      judge(id, records.sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) })
    }
    judgeOrder(carried)
    for (group, effects) in Dictionary(grouping: applied, by: \.group).sorted(by: { $0.key < $1.key }) {
      judge(group, Dictionary(effects.map { ($0.event, $0.times) }, uniquingKeysWith: +), carried)
    }
  }

  private mutating func judge(_ id: String, _ records: [CarriedRow]) {
    let first = records[0]
    if records.count > 1 {
      let places = records.map { "\($0.partition)@\($0.offset)" }
      floods.append(
        Finding(
          "outbox-flood",
          "row \(id) (\(first.event)) was carried \(records.count) times: \(places.joined(separator: ", "))",
          events: [first.event], store: first.store, positions: records.map(\.offset)))
    }
    guard let row = rows[id] else {
      strangers.append(
        Finding(
          "outbox-stranger", "\(first.partition)@\(first.offset) has row \(id) (\(first.event)), which no store has",
          events: [first.event], store: first.store, positions: [first.offset]))
      return
    }
    for record in records
    where record.event != row.event || record.key != row.key || record.keySequence != row.keySequence
      || record.checksum != row.checksum
    {
      altered.append(
        Finding(
          "outbox-altered",
          "\(record.partition)@\(record.offset) has row \(id) as \(record.event), number \(record.keySequence) of aggregate "
            + "\(record.key); the store has \(row.event), number \(row.keySequence) of \(row.key)"
            + (record.checksum == row.checksum ? "" : ", with another payload"),
          events: [row.event], store: record.store, positions: [record.offset]))
    }
  }

  private mutating func judge(_ group: String, _ times: [EventID: Int], _ carried: [CarriedRow]) {
    let events = Dictionary(carried.map { ($0.event, $0) }, uniquingKeysWith: { first, _ in first })
    for (event, record) in events.sorted(by: { $0.key < $1.key }) where times[event] != 1 {
      misapplied.append(
        Finding(
          "outbox-misapplied", "\(group) has applied row \(record.row) (\(event)) \(times[event] ?? 0) times",
          events: [event], store: record.store, positions: [record.offset]))
    }
  }

  /// Of each aggregate the first records of its rows must rise, in one partition. What comes again is the flood's matter.
  private mutating func judgeOrder(_ carried: [CarriedRow]) {
    var met: Set<String> = []
    var last: [UInt32: CarriedRow] = [:]
    // Between partitions there is no order, so an aggregate that has come to two of them has lost its own.
    for record in carried.sorted(by: { ($0.partition, $0.offset) < ($1.partition, $1.offset) }) {
      guard met.insert(record.row).inserted else { continue }
      defer {
        if (last[record.key]?.keySequence ?? 0) <= record.keySequence { last[record.key] = record }
      }
      guard let before = last[record.key] else { continue }
      if before.partition != record.partition {
        inversions.append(
          Finding(
            "outbox-order",
            "aggregate \(record.key) is in \(before.partition) and, with row \(record.row), in \(record.partition)",
            events: [before.event, record.event], store: record.store, positions: [before.offset, record.offset]))
      } else if record.keySequence < before.keySequence {
        inversions.append(
          Finding(
            "outbox-order",
            "\(record.partition)@\(record.offset): number \(record.keySequence) of aggregate \(record.key) behind its number "
              + "\(before.keySequence)",
            events: [before.event, record.event], store: record.store, positions: [before.offset, record.offset]))
      }
    }
  }
}
