internal import Events
internal import Scenarios
internal import Stacks
internal import Synchronization
internal import Workload

/// What a drill's clients of Kafka keep between their sessions, as services keep it beside their brokers: the projections of
/// consumer groups, and how far each aggregate was seen to have come.
final class KafkaState: Sendable {
  /// A consumer group at one store.
  struct Group: Sendable, Hashable {
    var name: String
    var store: String
  }

  private struct Contents {
    var applied: [Group: [EventID: Int]] = [:]
    var latest: [String: [UInt32: UInt64]] = [:]
    var seen: [String: Set<KafkaEventLog.Row>] = [:]
    var readSince: [Group: Int64] = [:]
    var appliesEveryDelivery = false
    var startsAtLatest = false
    /// By store: where its log ended when the drill began; what stands before that is none of it.
    var begins: [String: [KafkaPartition: Int64]] = [:]
  }

  /// Where events stand.
  let log: KafkaEventLog
  /// What keeps writers without authority out; `nil` in a drill in which write authority stays where it is.
  let fence: KafkaFence?
  /// What names of consumer groups begin with in the clusters; empty in a lab, where nobody else has any.
  let groupPrefix: String
  private let contents = Mutex(Contents())

  init(log: KafkaEventLog, fence: KafkaFence? = nil, groupPrefix: String = "") {
    self.log = log
    self.fence = fence
    self.groupPrefix = groupPrefix
  }

  /// What the clients of a scenario keep.
  ///
  /// - Parameter run: the run's name, by which its records and groups are told from those of others in standing clusters.
  convenience init(of scenario: Scenario, run: String) {
    var log = KafkaEventLog(
      topic: scenario.stack.topic?.name ?? EventTopic.labName, partitions: scenario.stack.topic?.partitions ?? 1,
      stores: scenario.topology.names(with: .store))
    if let attach = scenario.stack.attach {
      log.run = run
      log.separator = attach.mirrors.first?.separator ?? "."
      log.mirrors = Set(attach.mirrors.map { MirrorLag.Direction(origin: $0.from, target: $0.to) })
    }
    self.init(
      log: log,
      fence: scenario.movesWriteAuthority ? KafkaFence(log: log, leaseTTL: scenario.stack.leaseTTL) : nil,
      groupPrefix: scenario.stack.attach == nil ? "" : "\(Scenario.attachedGroupPrefix)\(run)-")
  }

  /// What a consumer group of the drill is called in the clusters.
  func groupID(of name: String) -> String { groupPrefix + name }

  /// The drill's name of a group; `nil`: it is somebody else's.
  func groupName(of id: String) -> String? {
    id.hasPrefix(groupPrefix) ? String(id.dropFirst(groupPrefix.count)) : nil
  }

  /// Notes where a store's log ended when the drill began.
  func begins(at ends: [KafkaPartition: Int64], in store: String) {
    contents.withLock { $0.begins[store] = ends }
  }

  /// Where the drill's part of a store's log begins.
  func beginning(of place: KafkaPartition, in store: String) -> KafkaStart {
    contents.withLock { $0.begins[store]?[place] }.map { .offset($0) } ?? .beginning
  }

  /// Lets a group's projection take an event.
  ///
  /// - Returns: `false` if it has it already, which changes nothing.
  func apply(_ event: EventID, by group: Group) -> Bool {
    contents.withLock { contents in
      guard contents.appliesEveryDelivery || contents.applied[group]?[event] == nil else { return false }
      contents.applied[group, default: [:]][event, default: 0] += 1
      return true
    }
  }

  /// Plants an error: from here on projections apply what they have applied already.
  func appliesEveryDelivery() { contents.withLock { $0.appliesEveryDelivery = true } }

  /// The events that a group's projection has, with how often they took effect.
  func applied(by group: Group) -> [EventID: Int] { contents.withLock { $0.applied[group] ?? [:] } }

  /// Lets a group's projection go along when the group goes on in another store.
  func carry(_ group: String, from store: String, to other: String) {
    contents.withLock { contents in
      let held = contents.applied[Group(name: group, store: store)] ?? [:]
      contents.applied[Group(name: group, store: other), default: [:]].merge(held) { max($0, $1) }
    }
  }

  /// Notes what the tail of a store's log has shown.
  func saw(_ row: KafkaEventLog.Row, in store: String) {
    contents.withLock { contents in
      let known = contents.latest[store]?[row.key] ?? 0
      contents.latest[store, default: [:]][row.key] = max(known, row.keySequence)
      contents.seen[store, default: []].insert(row)
    }
  }

  /// Notes that a group reads a store from `time` on, nanoseconds on the recorder's clock.
  func reads(_ group: Group, since time: Int64) {
    contents.withLock { $0.readSince[group] = min(time, $0.readSince[group] ?? .max) }
  }

  /// Since when a group has read a store, nanoseconds on the recorder's clock; `nil`: it never did. Its consumers are assigned
  /// their partitions by hand, so that no coordinator counts them among its members.
  func reading(_ group: Group) -> Int64? { contents.withLock { $0.readSince[group] } }

  /// Everything that the tail of a store's log has shown, also what the log has let go of since.
  func seen(in store: String) -> Set<KafkaEventLog.Row> { contents.withLock { $0.seen[store] ?? [] } }

  /// Plants an error: from here on a group without a position starts after the newest record. It starts late, so that there is
  /// something before that.
  func startsAtLatest() { contents.withLock { $0.startsAtLatest = true } }

  /// Whether a group without a position in a partition of `store` may start now, and where.
  func start(of place: KafkaPartition, in store: String) -> KafkaStart? {
    contents.withLock { contents in
      guard contents.startsAtLatest else { return contents.begins[store]?[place].map { .offset($0) } ?? .beginning }
      return contents.seen[store]?.count ?? 0 < 100 ? nil : .end
    }
  }

  /// The highest place of each aggregate in a store's log, as its tail has shown it.
  func latest(of keys: [UInt32], in store: String) -> [UInt32: UInt64] {
    contents.withLock { contents in
      let all = contents.latest[store] ?? [:]
      return Dictionary(uniqueKeysWithValues: keys.compactMap { key in all[key].map { (key, $0) } })
    }
  }
}
