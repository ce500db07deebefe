/// What a control record says: the key of a record in a batch with ``RecordBatch/isControl``.
public struct ControlRecord: Sendable, Hashable {
  /// The kinds of control records (`ControlRecordType`).
  public enum Kind: Sendable, Hashable {
    /// The transaction of the batch's producer was aborted; its records are for nobody.
    case abort
    /// The transaction was committed.
    case commit
    /// A leader of the metadata quorum began.
    case leaderChange
    /// Parts of the metadata log.
    case snapshotHeader, snapshotFooter, quorumVersion, voters
    /// One that is not known here. Consumers step over it as over the others.
    case unknown(Int16)
  }

  /// What it says.
  public var kind: Kind
  /// The epoch of the transaction coordinator, of ``Kind/abort`` and ``Kind/commit``. `nil`: not told.
  public var coordinatorEpoch: Int32?

  /// Reads a control record of a batch.
  ///
  /// - Throws: ``WireError`` when key or value are cut off. Later versions of either are read as far as they are known.
  public init(_ record: RecordBatch.Record) throws(WireError) {
    guard let key = record.key else { throw WireError(.unexpectedNull, at: 0) }
    var reader = WireReader(key)
    let version = try reader.integer(Int16.self)
    guard version >= 0 else { throw WireError(.unknownVersion(Int(version)), at: 0) }
    let type = try reader.integer(Int16.self)
    kind =
      switch type {
      case 0: .abort
      case 1: .commit
      case 2: .leaderChange
      case 3: .snapshotHeader
      case 4: .snapshotFooter
      case 5: .quorumVersion
      case 6: .voters
      default: .unknown(type)
      }
    guard kind == .abort || kind == .commit, let value = record.value else { return }
    var marker = WireReader(value)
    let markerVersion = try marker.integer(Int16.self)
    guard markerVersion >= 0 else { throw WireError(.unknownVersion(Int(markerVersion)), at: 0) }
    coordinatorEpoch = try marker.integer(Int32.self)
  }
}
