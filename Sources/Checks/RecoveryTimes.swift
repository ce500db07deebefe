internal import Events

/// How long recovery took, by phases (taxonomy D3). Durations are nanoseconds.
public struct RecoveryTimes: Sendable, Hashable, Codable {
  /// One phase of recovery. Phases follow each other; each begins where the last one before it ended.
  public struct Phase: Sendable, Hashable, Codable {
    /// What had to happen.
    public var name: String
    /// When it had happened, counted from the loss of the leader. `nil`: it did not, or nobody saw it.
    public var at: Int64?
    /// How long that took after the phase before it. `nil` when either is not known.
    public var took: Int64?
  }

  /// Detection, election, seal, first acknowledged write, survivors' producers back, all producers back, lag zero.
  public var phases: [Phase]
  /// From the loss of the leader until every producer in the surviving regions had a write acknowledged again: the RTO.
  public var recovery: Int64?
  /// Producers that wrote before the loss.
  public var producers: Int
  /// How many of them had a write acknowledged under the new token.
  public var producersBack: Int
}

/// Collects what ``RecoveryTimes`` is computed from.
struct RecoveryTimesMeter: Sendable {
  private struct Worker {
    var region: NodeIndex
    var wroteBefore = false
    var back: Int64?
  }

  private var workers: [UInt32: Worker] = [:]
  private let loss: Int64?
  private let token: Int64?

  init(_ facts: Facts) {
    loss = facts.milestones.loss
    token = facts.newToken
  }

  mutating func take(_ operation: Operation) {
    guard operation.kind == .append, operation.outcome == .ok, let loss else { return }
    let time = ended(operation)
    var worker = workers[operation.process] ?? Worker(region: operation.region)
    if time < loss { worker.wroteBefore = true }
    if let token, let used = operation.token, used >= token { worker.back = min(worker.back ?? .max, time) }
    workers[operation.process] = worker
  }

  /// - Parameter lagZero: how long after the heal the slowest mirror had caught up.
  func measure(_ facts: Facts, lagZero: Int64?) -> RecoveryTimes? {
    guard let loss else { return nil }
    let lost = workers.values.filter(\.wroteBefore)
    let surviving = lost.filter { facts.name(of: $0.region) != facts.roles.primary }
    let firstWrite = workers.values.compactMap(\.back).min()
    let survivorsBack = last(surviving)
    let moments: [(String, Int64?)] = [
      ("detection", facts.milestones.survivorsNoticed), ("election", facts.granted), ("seal", facts.promotion),
      ("first acknowledged write", firstWrite ?? facts.milestones.firstAcknowledgedWrite),
      ("survivors' producers back", survivorsBack), ("all producers back", last(lost)),
      ("lag zero", facts.milestones.healed.flatMap { healed in lagZero.map { healed + $0 } }),
    ]
    var phases: [RecoveryTimes.Phase] = []
    // What came earlier than the phase before it was over took no time of its own: the mirrors may have caught up, or a producer
    // may have been back, while others were still waited for.
    var reached: Int64? = loss
    for (name, moment) in moments {
      let took = reached.flatMap { reached in moment.map { max(0, $0 - reached) } }
      phases.append(RecoveryTimes.Phase(name: name, at: moment.map { $0 - loss }, took: took))
      reached = reached.flatMap { reached in moment.map { max(reached, $0) } } ?? moment
    }
    return RecoveryTimes(
      phases: phases, recovery: survivorsBack.map { $0 - loss }, producers: lost.count,
      producersBack: lost.filter { $0.back != nil }.count)
  }

  /// When the last of `workers` was back; `nil` if one is not, or if there are none.
  private func last(_ workers: [Worker]) -> Int64? {
    let times = workers.compactMap(\.back)
    return times.count == workers.count ? times.max() : nil
  }
}
