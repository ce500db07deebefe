/// One row of the taxonomy at work, or a few that share all of their state: takes events in order, yields what is wrong.
///
/// A check keeps what it needs of an event and never the event, and lets go of it as positions advance; so it runs live
/// beside the workload, and over a saved record of any length, with the same result.
public protocol AnomalyCheck: Sendable {
  /// What it looks at.
  associatedtype Event: Sendable
  /// What it can find, and nothing else.
  static var anomalies: Set<Anomaly> { get }
  /// Looks at the next event.
  mutating func take(_ event: Event)
  /// What was found since the last call, in the order in which it showed. Call it once more after the last event.
  mutating func drain() -> [Finding]
}
