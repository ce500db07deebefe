/// Mistakes of plan that are known from incidents. A scenario that makes one on purpose, to see its consequence, says so in
/// `safety.accept`.
public enum KnownMistake: String, Sendable, Hashable, Codable, CaseIterable {
  /// Producers write to the survivor while a mirror still applies old events there.
  case producersBeforeMirrors = "producers-before-mirrors"
  /// Positions are imported before everything that they count has arrived.
  case importWhileLagging = "import-while-lagging"
  /// There is a way over and none back.
  case failoverWithoutFailback = "failover-without-failback"
  /// A consumer that finds no position of its own begins at the end, and skips what was written meanwhile.
  case latestWithoutCheckpoint = "latest-without-checkpoint"
  /// Producers are sent to a cluster whose topics are made only afterwards.
  case producersBeforeTopics = "producers-before-topics"
}
