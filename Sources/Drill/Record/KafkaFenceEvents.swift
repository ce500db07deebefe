internal import Support

/// `kafka.fence`: who may write to a cluster has changed, and the change is in force.
struct KafkaFenceSet: JournalEvent {
  static let type = "kafka.fence"
  /// The region of the cluster.
  var region: String
  /// The token whose holder may write, or the highest one known.
  var token: Int64
  /// Whether that holder may write; else nobody may.
  var isOpen: Bool
  /// Transactional ids that were taken over.
  var ownersEnded: Int
  /// Access rules that were taken away.
  var rulesRemoved: [String]
  /// How long it took (ns).
  var took: Int64
}

/// `kafka.fence.delayed`: a cluster could not be told yet who may write.
struct KafkaFenceDelayed: JournalEvent {
  static let type = "kafka.fence.delayed"
  /// The region of the cluster.
  var region: String
  /// What was answered.
  var why: String
}
