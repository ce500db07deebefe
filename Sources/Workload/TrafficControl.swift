internal import Synchronization

/// What operators tell the clients of a system: where to write, how much of it, and whether to go on at all.
///
/// Producers that nobody told anything follow write authority by themselves.
public final class TrafficControl: Sendable {
  /// What producers of one name do.
  public struct ProducerOrders: Sendable, Hashable {
    /// The region whose store they write to; `nil`: whichever has write authority.
    public var store: String?
    /// Whether they are held back.
    public var isPaused = false
    /// The share of their aggregates that may be written, 0 to 1; the others are held back.
    public var share: Double = 1

    /// Producers that follow write authority.
    public init() {}

    /// Whether events of the aggregate may be written.
    func admits(_ key: UInt32) -> Bool {
      share >= 1 || Double(spread(key) % 10_000) < share * 10_000
    }

    /// Spreads neighbouring aggregates over the whole range, always in the same way (Knuth's multiplicative hashing).
    private func spread(_ key: UInt32) -> UInt32 { (key &* 2_654_435_761) >> 8 }
  }

  private struct State {
    var all = ProducerOrders()
    var byName: [String: ProducerOrders] = [:]
    var pausedGroups: Set<String> = []
    var stores: [String: String] = [:]
  }

  private let state = Mutex(State())

  /// Clients that nobody told anything.
  public init() {}

  /// What the producers of `name` do now.
  public func orders(for name: String) -> ProducerOrders {
    state.withLock { $0.byName[name] ?? $0.all }
  }

  /// Whether a consumer group is held back.
  public func isPaused(group: String) -> Bool { state.withLock { $0.pausedGroups.contains(group) } }

  /// The store that a consumer group was sent to; `nil`: it reads the one it began with.
  public func store(ofGroup group: String) -> String? { state.withLock { $0.stores[group] } }

  /// Sends consumer groups to another store.
  public func read(_ groups: some Sequence<String>, from store: String) {
    state.withLock { state in
      for group in groups { state.stores[group] = store }
    }
  }

  /// Changes what producers do: those of these names, with no name all.
  public func changeProducers(_ names: [String] = [], _ change: (inout ProducerOrders) -> Void) {
    state.withLock { state in
      if names.isEmpty {
        change(&state.all)
        for name in state.byName.keys { change(&state.byName[name, default: ProducerOrders()]) }
      } else {
        for name in names {
          var orders = state.byName[name] ?? state.all
          change(&orders)
          state.byName[name] = orders
        }
      }
    }
  }

  /// Holds consumer groups back, or lets them go on.
  public func setPaused(_ isPaused: Bool, groups: some Sequence<String>) {
    state.withLock { state in
      if isPaused { state.pausedGroups.formUnion(groups) } else { state.pausedGroups.subtract(groups) }
    }
  }
}
