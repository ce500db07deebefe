/// Draws the lineages of some events from a history and from dumps, in one pass over each.
///
/// It keeps what concerns its events and nothing else; so the history may be of any length, read block by block.
public struct LineageTracer: Sendable {
  private var lineages: [EventID: Lineage]
  private var copies: [CopyKey: Int] = [:]
  private var coverage = Lineage.Coverage()
  /// The sequences met so far of each producer, lowest to highest; for saying what ids there are.
  public private(set) var sequences: [UInt32: ClosedRange<UInt64>] = [:]

  private struct CopyKey: Hashable {
    var event: EventID
    var store: String
    var partition: String?
    var position: Int64?
  }

  /// A tracer of `events`.
  public init(_ events: Set<EventID>) {
    lineages = Dictionary(uniqueKeysWithValues: events.map { ($0, Lineage(event: $0, coverage: Lineage.Coverage())) })
  }

  /// The lineage of `event`, as far as the evidence was taken. `nil`: it is none of the tracer's events.
  public func lineage(of event: EventID) -> Lineage? {
    guard var lineage = lineages[event] else { return nil }
    lineage.coverage = coverage
    return lineage
  }

  /// Takes the next operations of the history, with the names known by then.
  public mutating func take(_ operations: [Operation], names: NameTable) {
    for op in operations where op.event != .none {
      note(op.event)
      guard lineages[op.event] != nil else { continue }
      lineages[op.event]?.key = op.key
      lineages[op.event]?.keySequence = op.keySequence
      take(op, Names(op, names))
    }
  }

  private mutating func note(_ event: EventID) {
    guard let known = sequences[event.producer] else {
      sequences[event.producer] = event.sequence...event.sequence
      return
    }
    guard !known.contains(event.sequence) else { return }
    sequences[event.producer] =
      min(known.lowerBound, event.sequence)...max(known.upperBound, event.sequence)
  }

  private mutating func take(_ op: Operation, _ names: Names) {
    switch op.kind {
    case .append, .staleAppend: lineages[op.event]?.attempts.append(Lineage.Attempt(op, names))
    case .write where op.token != nil: lineages[op.event]?.attempts.append(Lineage.Attempt(op, names))
    case .observe: if op.outcome == .ok { saw(op, names) }
    case .poll, .apply, .process:
      lineages[op.event]?.deliveries.append(Lineage.Delivery(op, names))
      // A record that was handed out was there, whatever became of the call.
      if op.kind == .poll || op.outcome == .ok { saw(op, names) }
    default: break
    }
  }

  private mutating func saw(_ op: Operation, _ names: Names) {
    let seen = op.completed ?? op.invoked
    let key = CopyKey(event: op.event, store: names.node, partition: names.partition, position: op.position)
    update(key) { copy in
      copy.firstSeen = copy.firstSeen.map { min($0, seen) } ?? seen
      copy.origin = copy.origin ?? names.origin
    }
  }

  private mutating func update(_ key: CopyKey, _ change: (inout Lineage.Copy) -> Void) {
    guard let count = lineages[key.event]?.copies.count else { return }
    if copies[key] == nil {
      copies[key] = count
      lineages[key.event]?.copies.append(
        Lineage.Copy(store: key.store, partition: key.partition, position: key.position))
    }
    guard let place = copies[key], var copy = lineages[key.event]?.copies[place] else { return }
    change(&copy)
    lineages[key.event]?.copies[place] = copy
  }

  /// Takes the whole log of `store`.
  public mutating func take(log rows: [LogRow], of store: String) {
    for row in rows {
      note(row.event)
      guard lineages[row.event] != nil else { continue }
      lineages[row.event]?.key = row.key
      lineages[row.event]?.keySequence = row.keySequence
      update(CopyKey(event: row.event, store: store, partition: nil, position: row.position)) { copy in
        copy.inLog = true
        copy.origin = row.origin
      }
    }
    close(store)
  }

  /// Takes the whole log of all partitions of the cluster `store`.
  public mutating func take(records rows: [PartitionRow], of store: String) {
    for row in rows where row.content == .record {
      guard let event = row.event else { continue }
      note(event)
      guard lineages[event] != nil else { continue }
      if let key = row.key { lineages[event]?.key = key }
      if let sequence = row.keySequence { lineages[event]?.keySequence = sequence }
      update(CopyKey(event: event, store: store, partition: row.partition, position: row.offset)) { $0.inLog = true }
    }
    close(store)
  }

  /// What was seen in `store`, and is not in its log, is there no longer.
  private mutating func close(_ store: String) {
    if !coverage.dumpedStores.contains(store) { coverage.dumpedStores.append(store) }
    for (event, lineage) in lineages {
      for place in lineage.copies.indices where lineage.copies[place].store == store {
        if lineage.copies[place].inLog == nil { lineages[event]?.copies[place].inLog = false }
      }
    }
  }

  /// Takes what the groups' own tables say, all of it.
  public mutating func take(applied rows: [AppliedRow]) {
    if coverage.effects == nil { coverage.effects = [] }
    for row in rows { lineages[row.event]?.effects.append(.init(group: row.group, store: row.store, times: row.times)) }
    for row in rows where coverage.effects?.contains(where: { $0.group == row.group && $0.store == row.store }) == false
    {
      coverage.effects?.append(.init(group: row.group, store: row.store, times: 0))
    }
  }

  /// Takes what reconciliation did, all of it; an empty list where there was none.
  public mutating func take(reconciled rows: [ReconciledRow]) {
    coverage.reconciliation = true
    for row in rows {
      lineages[row.event]?.touches.append(
        .init(store: row.store, disposition: row.disposition, at: row.observed))
    }
  }

  /// Takes where replicated stores committed events. Call it after their logs.
  public mutating func take(commits rows: [CommitRow]) {
    for row in rows {
      guard let copies = lineages[row.event]?.copies else { continue }
      for place in copies.indices where copies[place].store == row.store {
        lineages[row.event]?.copies[place].commit = .init(timeline: row.timeline, location: row.location)
      }
    }
  }
}

/// The names behind one operation's numbers.
private struct Names {
  var node: String
  var region: String
  var origin: String?
  var partition: String?
  var group: String?
  var member: String?
  var code: String?

  init(_ op: Operation, _ names: NameTable) {
    node = names.name(of: op.node) ?? "node \(op.node.rawValue)"
    region = names.name(of: op.region) ?? "node \(op.region.rawValue)"
    origin = op.origin.flatMap(names.name(of:))
    partition = op.partition.flatMap(names.name(of:))
    group = op.group.flatMap(names.name(of:))
    member = op.member.flatMap(names.name(of:))
    switch op.outcome {
    case .ok: code = nil
    case .fail(let number), .unknown(let number): code = names.name(of: number)
    }
  }
}

extension Lineage.Attempt {
  fileprivate init(_ op: Operation, _ names: Names) {
    let end: End =
      switch op.outcome {
      case .ok: .acknowledged
      case .fail: .refused
      case .unknown: .unknown
      }
    self.init(
      process: op.process, region: names.region, store: names.node, partition: names.partition, token: op.token,
      isStale: op.kind == .staleAppend, producerEpoch: op.producerEpoch, transaction: op.transaction,
      invoked: op.invoked, completed: op.completed, end: end, code: names.code, position: op.position,
      leaderEpoch: op.leaderEpoch)
  }
}

extension Lineage.Delivery {
  fileprivate init(_ op: Operation, _ names: Names) {
    let work: Work =
      switch (op.kind, op.outcome) {
      case (.poll, _): .polled
      case (.process, .ok): .processed
      case (.apply, .ok): .applied
      case (.apply, .fail): .repeated
      default: .unknown
      }
    self.init(
      work: work, process: op.process, group: names.group, member: names.member, store: names.node,
      partition: names.partition, position: op.position, at: op.completed ?? op.invoked)
  }
}
