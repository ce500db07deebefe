internal import Events
internal import Stacks

/// Tells what a drill is about from what else stands in the topics that mirrors and groups share in standing clusters: positions of
/// other groups and sync points of other topics are nobody's evidence here, and are kept nowhere. In a lab everything is the drill's.
struct OwnEvidence {
  private let state: KafkaState?

  init(_ state: KafkaState?) { self.state = state }

  private var isShared: Bool { state?.groupPrefix.isEmpty == false }

  /// A group's position under the drill's own name for the group; `nil`: it is somebody else's.
  func row(_ row: GroupOffsetRow) -> GroupOffsetRow? {
    guard let state, let name = state.groupName(of: row.group), isOwn(row.partition) else { return nil }
    var row = row
    row.group = name
    return row
  }

  /// A checkpoint likewise.
  func row(_ row: CheckpointRow) -> CheckpointRow? {
    guard let state, let name = state.groupName(of: row.group), isOwn(row.partition) else { return nil }
    var row = row
    row.group = name
    return row
  }

  /// Whether a sync point is of the drill's topic.
  func isOwn(_ row: OffsetSyncRow) -> Bool { isOwn(row.partition) }

  private func isOwn(_ partition: String) -> Bool {
    guard isShared, let log = state?.log, let dash = partition.lastIndex(of: "-") else { return true }
    let topic = String(partition[..<dash])
    return log.stores.contains { origin in log.stores.contains { log.topic(of: origin, in: $0) == topic } }
  }
}
