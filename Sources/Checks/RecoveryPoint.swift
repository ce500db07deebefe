public import Events

/// What the failover cost: the writes that were acknowledged before the promotion and were not in the survivor's log then
/// (taxonomy D1, D2). Durations and times are nanoseconds, times on the recorder's clock.
public struct RecoveryPoint: Sendable, Hashable, Codable {
  /// What became of such a write.
  public enum Disposition: Sendable, Hashable, Codable {
    /// It reached the survivor, this long after the heal (before it, if negative). `nil`: no tail saw it come.
    case late(afterHeal: Int64?)
    /// It never did.
    case lost
  }

  /// One such write.
  public struct Item: Sendable, Hashable, Codable {
    /// The event.
    public var event: EventID
    /// When it was acknowledged.
    public var acknowledged: Int64
    /// What became of it.
    public var disposition: Disposition
  }

  /// How many there are.
  public var count: Int
  /// How many of them came late.
  public var late: Int
  /// How many of them never came.
  public var lost: Int
  /// From the oldest of their acknowledgements to the newest.
  public var span: Int64
  /// The RPO as a time: from the oldest of their acknowledgements to the last acknowledgement under the old token before
  /// the promotion. Everything acknowledged earlier was in the survivor's log. 0 when there are none.
  public var window: Int64
  /// How long before the promotion the oldest of them was acknowledged. 0 when there are none.
  public var ageAtPromotion: Int64
  /// When the survivor was promoted.
  public var promotion: Int64
  /// Writes acknowledged under the old token after the promotion: a second writer (taxonomy D4). Not part of the RPO.
  public var acknowledgedByOldReignAfterPromotion: Int
  /// The writes, oldest acknowledgement first, at most ``limit``.
  public var events: [Item]

  /// The most writes that are listed one by one.
  public static let limit = 1000
}

/// Why a figure cannot be given.
struct Unmeasurable: Error, Sendable {
  var what: String

  static func barriers(of store: String) -> String {
    "the end of each partition of \(store)'s log when it was promoted"
  }
}

/// Collects what ``RecoveryPoint`` is computed from.
struct RecoveryPointMeter: Sendable {
  struct Acknowledgement {
    var node: NodeIndex
    var token: Int64?
    var completed: Int64
  }

  /// The first acknowledgement of each event.
  private(set) var acknowledgements: [EventID: Acknowledgement] = [:]
  private var arrivals: [EventID: Int64] = [:]
  private let survivor: NodeIndex?

  init(_ facts: Facts) { survivor = facts.index(of: facts.roles.survivor) }

  mutating func take(_ operation: Operation) {
    guard operation.outcome == .ok else { return }
    let time = ended(operation)
    if operation.isWrite, (acknowledgements[operation.event]?.completed ?? .max) > time {
      acknowledgements[operation.event] = Acknowledgement(
        node: operation.node, token: operation.token, completed: time)
    }
    if operation.kind == .observe, operation.node == survivor {
      arrivals[operation.event] = min(arrivals[operation.event] ?? .max, time)
    }
  }

  func measure(_ facts: Facts) -> Result<RecoveryPoint, Unmeasurable> {
    guard let newToken = facts.newToken else {
      return .failure(
        Unmeasurable(what: "a grant of write authority after the fault: without one there was no promotion"))
    }
    guard let seal = facts.seal, let promotion = facts.promotion else {
      return .failure(
        Unmeasurable(what: "the seal of \(facts.roles.survivor) with token \(newToken), and when it was set"))
    }
    guard let log = facts.truth.logs[facts.roles.survivor] else {
      return .failure(Unmeasurable(what: "the dump of \(facts.roles.survivor)'s log"))
    }
    guard seal.tellsBarriers(of: log) else {
      return .failure(Unmeasurable(what: Unmeasurable.barriers(of: facts.roles.survivor)))
    }
    let held = Set(log.map(\.event))
    let heldAtBarrier = Set(log.filter { $0.position <= seal.barrier(in: $0.partition) }.map(\.event))
    let oldReign = acknowledgements.filter { ($0.value.token ?? .min) < newToken }
    let before = oldReign.filter { $0.value.completed <= promotion }
    let items = before.filter { !heldAtBarrier.contains($0.key) }
      .map { event, ack in
        RecoveryPoint.Item(
          event: event, acknowledged: ack.completed,
          disposition: held.contains(event) ? .late(afterHeal: afterHeal(event, facts)) : .lost)
      }
      .sorted { ($0.acknowledged, $0.event) < ($1.acknowledged, $1.event) }
    let lost = items.filter { $0.disposition == .lost }.count
    let oldest = items.first?.acknowledged
    let newest = items.last?.acknowledged
    let lastAck = before.values.map(\.completed).max()
    return .success(
      RecoveryPoint(
        count: items.count, late: items.count - lost, lost: lost, span: difference(newest, oldest),
        window: difference(lastAck, oldest), ageAtPromotion: difference(promotion, oldest), promotion: promotion,
        acknowledgedByOldReignAfterPromotion: oldReign.count - before.count,
        events: Array(items.prefix(RecoveryPoint.limit))))
  }

  private func afterHeal(_ event: EventID, _ facts: Facts) -> Int64? {
    guard let arrival = arrivals[event], let healed = facts.milestones.healed else { return nil }
    return arrival - healed
  }

  private func difference(_ later: Int64?, _ earlier: Int64?) -> Int64 {
    guard let later, let earlier else { return 0 }
    return later - earlier
  }
}
