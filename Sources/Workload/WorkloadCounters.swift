internal import Synchronization

/// How many writes ended how, by region of the producer; read by the live view while the workload goes on.
public final class WorkloadCounters: Sendable {
  /// Totals since the start.
  public struct Totals: Sendable, Hashable {
    /// Acknowledged writes.
    public var acknowledged: UInt64 = 0
    /// Writes that certainly had no effect.
    public var failed: UInt64 = 0
    /// Writes with an unknown outcome.
    public var unknown: UInt64 = 0

    /// No writes.
    public init() {}
  }

  /// What the old leader's writes came to at one store.
  public struct StaleTotals: Sendable, Hashable {
    /// Writes with the kept token that the store accepted.
    public var accepted: UInt64 = 0
    /// Writes with the kept token that the store refused.
    public var refused: UInt64 = 0

    /// No writes.
    public init() {}
  }

  /// How a consumer group stands.
  public struct GroupState: Sendable, Hashable {
    /// Position of the last event it has read; −1 before the first.
    public var position: Int64 = -1
    /// When its last step began that found nothing new to read (ns); `nil` before the first such step.
    public var idleSince: Int64?

    /// A group that has not read yet.
    public init() {}
  }

  private struct State {
    var byRegion: [String: Totals] = [:]
    var byWorker: [UInt32: (region: String, lastToken: Int64, lastAcknowledged: Int64, store: String)] = [:]
    var acknowledged: [UInt32: [ClosedRange<UInt64>]] = [:]
    var stale: [String: StaleTotals] = [:]
    var groups: [String: GroupState] = [:]
  }

  private let state = Mutex(State())

  /// Counters at zero.
  public init() {}

  /// Totals by region of the producer.
  public var byRegion: [String: Totals] { state.withLock(\.byRegion) }

  /// The old leader's attempts by store.
  public var stale: [String: StaleTotals] { state.withLock(\.stale) }

  /// How each consumer group stands, by `group@store`.
  public var groups: [String: GroupState] { state.withLock(\.groups) }

  /// Producers that have not had a write acknowledged with a token of at least `token`, by worker number.
  public func producersBehind(token: Int64) -> [UInt32] {
    state.withLock { state in state.byWorker.filter { $0.value.lastToken < token }.keys.sorted() }
  }

  func register(worker: UInt32, region: String) {
    state.withLock { state in
      state.byRegion[region] = state.byRegion[region] ?? Totals()
      state.byWorker[worker] = (region, -1, -1, "")
    }
  }

  /// Producers whose last acknowledged write was not in `store` with a token of at least `token`, by worker number.
  public func producersBehind(token: Int64, in store: String) -> Set<UInt32> {
    state.withLock { state in
      Set(state.byWorker.filter { $0.value.lastToken < token || $0.value.store != store }.keys)
    }
  }

  /// Every event that was acknowledged, as ranges of sequences by producer.
  public var acknowledgedEvents: [UInt32: [ClosedRange<UInt64>]] { state.withLock(\.acknowledged) }

  func acknowledged(
    worker: UInt32, sequence: UInt64, region: String, store: String, token: Int64, at time: Int64
  ) {
    state.withLock { state in
      state.byRegion[region, default: Totals()].acknowledged += 1
      state.byWorker[worker] = (region, token, time, store)
      state.acknowledged[worker, default: []].add(sequence)
    }
  }

  func failed(region: String) {
    state.withLock { $0.byRegion[region, default: Totals()].failed += 1 }
  }

  func unknown(region: String) {
    state.withLock { $0.byRegion[region, default: Totals()].unknown += 1 }
  }

  func stale(store: String, accepted: Bool) {
    state.withLock { state in
      if accepted {
        state.stale[store, default: StaleTotals()].accepted += 1
      } else {
        state.stale[store, default: StaleTotals()].refused += 1
      }
    }
  }

  func stepped(_ group: String, store: String, begun: Int64, _ batch: AppliedBatch) {
    state.withLock { state in
      var standing = state.groups["\(group)@\(store)"] ?? GroupState()
      if let position = batch.progress { standing.position = max(standing.position, position) }
      if batch.deliveries.allSatisfy(\.isRepeat) { standing.idleSince = begun }
      state.groups["\(group)@\(store)"] = standing
    }
  }
}

extension [ClosedRange<UInt64>] {
  /// A worker's sequences rise, so that an event continues the last range or begins a new one.
  fileprivate mutating func add(_ sequence: UInt64) {
    if let last, last.upperBound + 1 == sequence {
      self[count - 1] = last.lowerBound...sequence
    } else {
      append(sequence...sequence)
    }
  }
}
