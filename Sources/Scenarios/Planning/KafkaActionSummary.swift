internal import Support

extension KafkaAction {
  /// What it does, in words.
  var summary: String {
    switch self {
    case .stopMirror(let link): "stops the mirror \(link.text)"
    case .mirrorStatus(let check): "waits until the mirror \(check.link.text) is \(check.state.rawValue)"
    case .exportMirrorOffsets(let snapshot):
      "exports the offsets of the mirror \(snapshot.link.text) as \(snapshot.snapshot)"
    case .setMirrorOffsets(let placement): "sets the mirror \(placement.link.text) \(placement.place)"
    case .resetMirrorOffsets(let link): "resets the mirror \(link.text): it mirrors everything again"
    case .createTopics(let declared): "makes \(declared.text) in \(declared.region)"
    case .topicDrift(let declared): "compares \(declared.text) in \(declared.region) with what is declared"
    case .snapshotAccess(let snapshot): "writes down the access rules of \(snapshot.region) as \(snapshot.snapshot)"
    case .compareAccess(let comparison):
      "compares the access rules of \(comparison.region) with \(comparison.other)"
        + (comparison.principals.isEmpty ? "" : ", those of \(listed(comparison.principals))")
    case .grantWrite(let grant): "lets \(grant.principal) write to \(listed(grant.topics)) in \(grant.region)"
    case .revokeWrite(let grant):
      "lets \(grant.principal) no longer write to \(listed(grant.topics)) in \(grant.region)"
    }
  }
}

extension MirrorLink {
  fileprivate var text: String { "\(from) → \(to)" }
}

extension DeclaredTopics {
  fileprivate var text: String { listed(topics.map(\.name)) }
}

extension MirrorPlacement.Place: CustomStringConvertible {
  /// `to before`, `back by 500 offsets of each partition`.
  public var description: String {
    switch self {
    case .snapshot(let name): "to \(name)"
    case .back(let offsets): "back by \(offsets) offsets of each partition"
    }
  }
}

extension AccessComparison.Other: CustomStringConvertible {
  /// `those of eu`, `the snapshot before`.
  public var description: String {
    switch self {
    case .region(let name): "those of \(name)"
    case .snapshot(let name): "the snapshot \(name)"
    }
  }
}
