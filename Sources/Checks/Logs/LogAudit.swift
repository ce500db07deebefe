public import Events

/// The rows about logs over a drill's own record: operations as the recorder hands them out, and the dumps at the end.
///
/// Each store has its own logs and its own checks: a mirrored event stands in two stores rightly, and twice in none. Usable live,
/// batch by batch, and over a saved history, with the same result: what a batch is does not matter.
public struct LogAudit: Sendable {
  struct Store: Sendable {
    var feed = LogFeed()
    var checks: LogChecks
    var named = 0
    /// The numbers of the topics; 0 is that of a store's only log.
    var topics: [Substring: UInt16] = [:]
    /// Events that wait to be taken together.
    var waiting: [LogEvent] = []
    /// Whether its readers go by position, as those of a partition do. The tails and groups of a store that has one log read in the
    /// order of commits, which its positions do not show: transactions that overlap get their positions before they commit.
    var isReadByPosition = false
  }

  /// The rows that judge a reader by the order of positions.
  static let readOrder: Set<Anomaly> = [
    .internalNonmonotonicPoll, .nonmonotonicPoll, .pollSkip, .committedTooFar, .committedRegress,
  ]

  /// By the number of their node.
  private var stores: [Store?] = []
  private let options: LogOptions
  private let identity: LogChecks.Identity
  /// One more than the highest number sent so far, a producer.
  private var sent: [UInt64] = []
  /// Identities sent so far, where they are not dense or of producers without end.
  private var sentOpaque: Set<EventID> = []
  private static let producerLimit: UInt32 = 1 << 16

  /// An audit that has seen nothing.
  ///
  /// - Parameters:
  ///   - options: names and topics are the audit's own to fill in; partitions `topic-number` are of one topic.
  ///   - identity: dense for a drill of ours, opaque for histories from elsewhere (``LogAudit/identity(of:)``).
  public init(_ options: LogOptions = LogOptions(), identity: LogChecks.Identity = .dense) {
    self.options = options
    self.identity = identity
  }

  /// Which identities a history has: dense, if each producer's sends are numbered from 0 without holes.
  public static func identity(of operations: [Operation]) -> LogChecks.Identity {
    var sent: [UInt32: Set<UInt64>] = [:]
    for operation in operations where operation.isWrite {
      sent[operation.event.producer, default: []].insert(operation.event.sequence)
    }
    return sent.allSatisfy { $0.value.max() == UInt64($0.value.count - 1) } ? .dense : .opaque
  }

  /// Takes the next operations, in the order in which they were recorded; `names` are those known by now.
  public mutating func take(_ operations: [Operation], names: NameTable) {
    for operation in operations where operation.isAboutLogs {
      let node = Int(operation.node.rawValue)
      if node >= stores.count || stores[node] == nil { open(node) }
      if operation.isWrite { tellOthers(operation) }
      stores[node]?.take(operation)
      // Before anything of a log is judged: keys are followed within topics.
      stores[node]?.name(node, names)
      stores[node]?.takeWaitingIfMany()
    }
    for node in stores.indices { stores[node]?.takeWaiting() }
  }

  /// Takes the dumps and judges the whole. Once.
  public mutating func finish(_ truth: GroundTruth, names: NameTable) {
    for node in stores.indices {
      guard let name = names.name(of: NodeIndex(rawValue: UInt16(node))) else { continue }
      stores[node]?.end()
      if let rows = truth.logs[name] {
        stores[node]?.dump(rows, truth.logBounds?.filter { $0.store == name } ?? [], names)
      } else if let rows = truth.records {
        stores[node]?.dump(rows.filter { $0.store == name }, truth.logBounds ?? [], names)
      }
      stores[node]?.name(node, names)
    }
    for node in stores.indices { stores[node]?.checks.finish() }
  }

  /// What was found since the last call, store by store.
  public mutating func drain() -> [Finding] {
    // A store that only mirrors has no acknowledged writes of its own: what is vacuous is told of all stores together.
    let counts = counts
    let isVacuous = counts.acknowledged == 0 || counts.polled == 0
    return stores.indices.flatMap { node -> [Finding] in
      let findings = (stores[node]?.checks.drain() ?? []).filter {
        isVacuous || $0.anomaly != Anomaly.vacuousRun.rawValue
      }
      guard stores[node]?.isReadByPosition == false else { return findings }
      return findings.filter { finding in !Self.readOrder.contains { $0.rawValue == finding.anomaly } }
    }
  }

  /// Whether any store's readers go by position.
  var isReadByPosition: Bool { stores.contains { $0?.isReadByPosition == true } }

  /// How often each row was found.
  public var totals: [Anomaly: Int] {
    stores.compactMap(\.self).reduce(into: [:]) { $0.merge($1.checks.totals, uniquingKeysWith: +) }
  }

  /// What was looked at.
  public var counts: LogCounts {
    stores.compactMap(\.self).reduce(into: LogCounts()) {
      $0.acknowledged += $1.checks.counts.acknowledged
      $0.polled += $1.checks.counts.polled
      $0.dumped += $1.checks.counts.dumped
      $0.unbounded += $1.checks.counts.unbounded
    }
  }

  /// After ``finish(_:names:)``: acknowledged records that were not read and of whose log there is no dump.
  public var untold: [EventID] { stores.flatMap { $0?.checks.untold ?? [] }.sorted() }

  /// After ``finish(_:names:)``: acknowledged records that nobody has read, but their log has.
  public var late: [EventID] { stores.flatMap { $0?.checks.late ?? [] }.sorted() }

  /// Operations about more logs than can be told apart; the verdict must not pass with any.
  public var refused: Int { stores.reduce(0) { $0 + ($1?.feed.refused ?? 0) } }

  private mutating func open(_ node: Int) {
    var store = Store(checks: LogChecks(options, identity: identity))
    for (producer, next) in sent.enumerated() where next > 0 {
      store.checks.take(.known(EventID(producer: UInt32(producer), sequence: next - 1)))
    }
    for event in sentOpaque { store.checks.take(.known(event)) }
    while stores.count <= node { stores.append(nil) }
    stores[node] = store
  }

  /// An event that one store is sent may reach the others through a mirror: it is not unknown there.
  private mutating func tellOthers(_ operation: Operation) {
    let event = operation.event
    if identity == .dense && event.producer < Self.producerLimit && event.sequence < .max {
      let producer = Int(event.producer)
      if producer >= sent.count { sent += repeatElement(0, count: producer + 1 - sent.count) }
      sent[producer] = max(sent[producer], event.sequence + 1)
    } else {
      sentOpaque.insert(event)
    }
    for node in stores.indices where node != Int(operation.node.rawValue) {
      stores[node]?.waiting.append(.known(event))
    }
  }
}

extension LogAudit.Store {
  /// The most events that wait.
  private static let limit = 4096

  mutating func take(_ operation: Operation) {
    isReadByPosition = isReadByPosition || operation.partition != nil
    feed.take(operation, into: &waiting)
  }

  mutating func takeWaitingIfMany() {
    if waiting.count >= Self.limit { takeWaiting() }
  }

  mutating func takeWaiting() {
    checks.take(waiting)
    waiting.removeAll(keepingCapacity: true)
  }

  mutating func end() {
    feed.flush(into: &waiting)
    takeWaiting()
  }

  mutating func dump(_ rows: [LogRow], _ bounds: [LogBoundsRow], _ names: NameTable) {
    let isWhole = rows.allSatisfy { $0.partition == nil }
    let logs = Dictionary(grouping: rows, by: \.partition)
    // A log in which nothing stands was dumped as well.
    let partitions = isWhole ? [nil] : Set(logs.keys).union(bounds.map(\.partition)).sorted { ($0 ?? "") < ($1 ?? "") }
    for partition in partitions {
      var index: PartitionIndex?
      if let partition {
        guard let place = names.partitions.firstIndex(of: partition) else { continue }
        index = PartitionIndex(rawValue: UInt32(place))
      }
      guard let log = feed.log(index) else { continue }
      if let start = bounds.filter({ $0.partition == partition }).map(\.start).max() {
        checks.take(LogEvent(.logStart, log: log, offset: start))
      }
      for row in (logs[partition] ?? []).sorted(by: { $0.position < $1.position }) {
        var event = LogEvent(
          .dumped, log: log, producer: row.event.producer, sequence: row.event.sequence, offset: row.position,
          key: row.key, keySequence: UInt32(clamping: row.keySequence))
        event.checksum = LogEvent.folded(row.checksum)
        checks.take(event)
      }
      checks.take(LogEvent(.dumpEnded, log: log))
    }
  }

  mutating func dump(_ rows: [PartitionRow], _ bounds: [LogBoundsRow], _ names: NameTable) {
    for (partition, rows) in Dictionary(grouping: rows, by: \.partition).sorted(by: { $0.key < $1.key }) {
      guard let place = names.partitions.firstIndex(of: partition),
        let log = feed.log(PartitionIndex(rawValue: UInt32(place)))
      else { continue }
      let own = bounds.filter { $0.partition == partition && $0.store == rows[0].store }
      if let start = own.map(\.start).max() { checks.take(LogEvent(.logStart, log: log, offset: start)) }
      let aborted = abortedPlaces(rows)
      for row in rows.sorted(by: { $0.offset < $1.offset }) {
        guard row.content == .record, let record = row.event else { continue }
        var event = LogEvent(
          aborted.contains(row.offset) ? .dumpedAborted : .dumped, log: log, producer: record.producer,
          sequence: record.sequence, offset: row.offset, key: row.key ?? 0,
          keySequence: row.key == nil ? 0 : UInt32(clamping: row.keySequence ?? 0))
        event.checksum = LogEvent.folded(row.checksum)
        checks.take(event)
      }
      checks.take(LogEvent(.dumpEnded, log: log))
    }
  }

  /// The offsets of transactional records whose producer's next marker aborts them.
  private func abortedPlaces(_ rows: [PartitionRow]) -> Set<Int64> {
    var open: [String: [Int64]] = [:]
    var aborted: Set<Int64> = []
    for row in rows.sorted(by: { $0.offset < $1.offset }) {
      guard let transactionalID = row.transactionalID else { continue }
      switch row.content {
      case .record: open[transactionalID, default: []].append(row.offset)
      case .commitMarker: open[transactionalID] = nil
      case .abortMarker: aborted.formUnion(open.removeValue(forKey: transactionalID) ?? [])
      case .hole: break
      }
    }
    return aborted
  }

  /// Names the logs that were met since the last time.
  mutating func name(_ node: Int, _ names: NameTable) {
    guard feed.logs.count > named else { return }
    named = feed.logs.count
    let store = names.name(of: NodeIndex(rawValue: UInt16(node))) ?? "node \(node)"
    for (partition, log) in feed.logs {
      let name = partition.flatMap { names.name(of: $0) }
      checks.name(log, name.map { "\(store)/\($0)" } ?? store, topic: topic(of: name))
    }
  }

  /// The number of the topic of a partition called `topic-number`.
  private mutating func topic(of partition: String?) -> UInt16 {
    guard let partition, let end = partition.lastIndex(of: "-") else { return 0 }
    let topic = partition[..<end]
    if let known = topics[topic] { return known }
    let number = UInt16(clamping: topics.count + 1)
    topics[topic] = number
    return number
  }
}

extension LogEvent {
  /// Somebody sent this record to another store.
  static func known(_ event: EventID) -> LogEvent {
    LogEvent(.sentElsewhere, producer: event.producer, sequence: event.sequence)
  }
}

extension Operation {
  /// Whether the log checks have a use for it.
  var isAboutLogs: Bool {
    switch kind {
    case .append, .staleAppend, .observe, .apply, .poll, .beginTransaction, .commitTransaction, .abortTransaction,
      .assign, .subscribe, .revoke, .commitPosition, .process:
      true
    default: false
    }
  }
}
