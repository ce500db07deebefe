internal import Events

/// The time in which both reigns had writes acknowledged.
public struct DualWriterWindow: Sendable, Hashable, Codable {
  /// The first acknowledgement under the new epoch.
  public var start: Int64
  /// The last acknowledgement under an old one.
  public var end: Int64
  /// Acknowledgements under an old epoch in between.
  public var acknowledged: Int
  /// Those of them that stand in the new site's log at the end.
  public var survived: Int
}

extension FailoverRecord {
  /// When the first write under the new epoch was acknowledged.
  private var firstNew: Int64? { writes.filter { $0.isAcknowledged && $0.epoch >= newEpoch }.map(\.ended).min() }

  /// Acknowledged writes of the old reign that ended after the first one of the new.
  var dualWrites: [Write] {
    guard let firstNew else { return [] }
    return oldAcknowledgements.filter { $0.ended > firstNew }
  }

  /// The window in which there were two writers. `nil`: there was none.
  var dualWriterWindow: DualWriterWindow? {
    let inside = dualWrites
    guard let firstNew, let end = inside.map(\.ended).max() else { return nil }
    let surviving = Set(newLog.map(\.event))
    return DualWriterWindow(
      start: firstNew, end: end, acknowledged: inside.count,
      survived: inside.filter { surviving.contains($0.event) }.count)
  }

  /// Whether a write had not even begun when the new reign's first one was over.
  func beganUnderNewReign(_ write: Write) -> Bool { write.invoked > firstNew ?? .max }
}

/// D4, two writers: an acknowledgement under an old epoch after the first acknowledgement under the new one. It is certain of a
/// write that began after that; a write that was on its way before may have been committed in time, and is only possible.
enum DualWriters: FailoverRow {
  static let anomaly = Anomaly.dualWriters

  static func examine(_ record: FailoverRecord) -> RowExamination {
    let surviving = Set(record.newLog.map(\.event))
    return RowExamination(
      anomaly, in: Count("acknowledged writes", record.writes.filter(\.isAcknowledged).count),
      findings: record.dualWrites.map { write in
        Finding(
          anomaly,
          "\(write.site) acknowledged \(write.event) under epoch \(write.epoch) after the first write under epoch "
            + "\(record.newEpoch) was acknowledged; it "
            + (surviving.contains(write.event) ? "survived" : "is not in \(record.newSite)'s log"),
          events: [write.event], store: write.site, tokens: [write.epoch, record.newEpoch],
          times: [write.invoked, write.ended], certainty: record.beganUnderNewReign(write) ? .certain : .possible)
      })
  }
}
