internal import Synchronization

/// The lag of every mirror of a drill, fed by the tails of all stores and read by the live view.
public final class MirrorLag: Sendable {
  /// One direction of mirroring.
  public struct Direction: Sendable, Hashable {
    /// Whose events are mirrored.
    public var origin: String
    /// Where they are mirrored to.
    public var target: String

    /// A mirror from `origin` to `target`.
    public init(origin: String, target: String) {
      self.origin = origin
      self.target = target
    }

    /// `east→eu`.
    public var text: String { "\(origin)→\(target)" }
  }

  private struct Place: Hashable {
    var partition: String?
    var position: Int64
  }

  private struct State {
    var trackers: [Direction: LagTracker] = [:]
    var seenPlaces: [String: Set<Place>] = [:]
  }

  private let state: Mutex<State>

  /// A tracker for every direction between `stores`, with nothing seen.
  public convenience init(stores: [String]) {
    self.init(
      stores.flatMap { origin in stores.filter { $0 != origin }.map { Direction(origin: origin, target: $0) } })
  }

  /// A tracker for each of `directions`, with nothing seen.
  public init(_ directions: [Direction]) {
    state = Mutex(
      State(trackers: Dictionary(directions.map { ($0, LagTracker()) }, uniquingKeysWith: { first, _ in first })))
  }

  /// Takes rows of `store` in the order of its log; returns those that were not seen before.
  func seen(_ rows: [TailRow], in store: String, at time: Int64) -> [TailRow] {
    state.withLock { state in
      var fresh: [TailRow] = []
      for row in rows {
        // A tail that reconnected reads its log from the start.
        let place = Place(partition: row.partition, position: row.position)
        guard state.seenPlaces[store, default: []].insert(place).inserted else { continue }
        fresh.append(row)
        let sequence = UInt64(max(0, row.originSequence))
        for direction in state.trackers.keys where direction.origin == row.origin {
          if store == direction.origin {
            state.trackers[direction]?.origin(sequence, at: time)
          } else if store == direction.target {
            state.trackers[direction]?.target(sequence)
          }
        }
      }
      return fresh
    }
  }

  /// Records behind and age of the oldest, by direction.
  public func current(now: Int64) -> [Direction: (records: Int, age: Int64)] {
    state.withLock { state in state.trackers.mapValues { ($0.behind, $0.age(now: now)) } }
  }
}
