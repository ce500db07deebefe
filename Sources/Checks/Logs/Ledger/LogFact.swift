internal import Events

/// Something that the ledger noticed while it took an event: what the rows of the taxonomy judge. The ledger notes only what is
/// out of the ordinary, so the ordinary event costs no row anything.
struct LogFact: Sendable {
  enum Kind: Sendable {
    /// A record was found at an offset although it has another one already.
    case placedAgain
    /// A record was found at an offset that holds another one.
    case conflict(RecordID)
    /// The same record was found with another checksum.
    case checksum(UInt32)
    /// An acknowledged offset is not above one that had been acknowledged before the record was sent.
    case acknowledgedBelow(Int64)
    /// A record that certainly failed was read.
    case failedRead
    /// A transaction polled a record that it sent itself.
    case readOwn
    /// A consumer's next record does not stand behind its last one.
    case pollBack(from: Int64, inside: Bool)
    /// A consumer jumped over records.
    case pollSkip(from: Int64, to: Int64, inside: Bool, skipped: [RecordID])
    /// A sender's next record does not stand behind its last one.
    case sendBack(from: Int64, previous: RecordID?, inside: Bool)
    /// Other records stand between two of one sender's operation.
    case sendSkip(from: Int64, to: Int64, skipped: [RecordID])
    /// A key's sequence does not rise with the offset.
    case keyOrder(other: RecordID?, otherOffset: Int64)
    /// A key's record stands in another log of its topic than its first one.
    case keyMoved(from: UInt16)
    /// A committed position is above a record that was not dealt with.
    case committedPast(position: Int64, skipped: [RecordID])
    /// A group's committed position went back.
    case committedBack(from: Int64)
    /// A member began below its group's committed position.
    case beganBelow(committed: Int64)
    /// A member was given a record of a log that it does not own.
    case unassigned
    /// Two members own a log in one generation.
    case twoOwners(other: UInt32)
    /// The log's start passed records that a reader had still to read.
    case retained(lane: UInt32, position: Int64, skipped: [RecordID])
    /// Transactions that depend on each other in a circle.
    case cycle(transactions: [UInt32], onlyWrites: Bool, records: [RecordID])
  }

  var kind: Kind
  /// The event that showed it; of a jump over a record that became known later, the one that jumped.
  var event: LogEvent
  /// The record it is about.
  var id: RecordID
}
