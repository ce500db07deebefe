internal import Synchronization

/// Asks parts of a workload to end after their operation in flight, so that quiescence leaves no unknown outcome behind.
/// Cancellation ends them too, but interrupts the call they are in.
public final class StopSignal: Sendable {
  private let requested = Atomic(false)

  /// A signal that nobody has given yet.
  public init() {}

  /// Asks.
  public func request() { requested.store(true, ordering: .releasing) }

  /// Whether it was asked for.
  public var isRequested: Bool { requested.load(ordering: .acquiring) }
}
