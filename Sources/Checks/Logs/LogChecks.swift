public import Events

/// All rows about logs: what a drill runs live, and `verify` again.
///
/// Events come in the order in which the recorder learned of them. Findings can be had at any time with ``drain()``; ``finish()``
/// judges what only the end can tell. The result does not depend on how the events are cut into batches.
public struct LogChecks: AnomalyCheck {
  /// What it looks at.
  public typealias Event = LogEvent

  /// Every row about logs.
  public static var anomalies: Set<Anomaly> {
    [
      .lostWrite, .tailLoss, .duplicateAppend, .inconsistentOffset, .offsetRegression, .abortedRead, .intermediateRead,
      .tornTransaction, .writeCycle, .informationCycle, .precommittedRead, .internalNonmonotonicPoll,
      .nonmonotonicPoll, .pollSkip, .nonmonotonicSend, .sendSkip, .keyOrderInversion, .unknownValue, .corruptedPayload,
      .misroutedKey, .committedTooFar, .committedRegress, .unassignedConsumption, .retentionLoss, .vacuousRun,
    ]
  }

  /// What identifies records.
  public enum Identity: Sendable, Hashable {
    /// A producer and a number in its sequence, without holes: half a byte a record until it is settled.
    case dense
    /// One opaque number of 64 bits, or sequences with holes: some twenty bytes a record.
    case opaque
  }

  private var dense: LogRows<DenseRecords>?
  private var opaque: LogRows<OpaqueRecords>?

  /// The checks of the logs that `options` names.
  public init(_ options: LogOptions = LogOptions(), identity: Identity = .dense) {
    switch identity {
    case .dense: dense = LogRows(options)
    case .opaque: opaque = LogRows(options)
    }
  }

  /// Looks at the next event.
  public mutating func take(_ event: LogEvent) {
    dense?.take(event)
    opaque?.take(event)
  }

  /// Looks at the next events: faster than one by one.
  public mutating func take(_ events: [LogEvent]) {
    dense?.take(events)
    opaque?.take(events)
  }

  /// Judges what only the end can tell: losses, unknown values, transactions as wholes, and whether anything happened. Once.
  public mutating func finish() {
    dense?.finish()
    opaque?.finish()
  }

  /// What was found since the last call, in the order in which it showed; of each row as many as ``LogOptions/findingLimit``.
  public mutating func drain() -> [Finding] { (dense?.drain() ?? []) + (opaque?.drain() ?? []) }

  /// How often each row was found, also beyond what is listed.
  public var totals: [Anomaly: Int] { dense?.totals ?? opaque?.totals ?? [:] }

  /// Names a log from here on. The topic, by a number, counts if nothing was judged of the log before.
  public mutating func name(_ log: UInt16, _ name: String, topic: UInt16 = 0) {
    dense?.name(log, name, topic)
    opaque?.name(log, name, topic)
  }

  /// What was looked at.
  public var counts: LogCounts { dense?.counts ?? opaque?.counts ?? LogCounts() }

  /// The acknowledged records of a log that nobody has been given so far.
  public func unseen(in log: UInt16) -> Int { dense?.unseen(in: log) ?? opaque?.unseen(in: log) ?? 0 }

  /// After ``finish()``: the acknowledged records that were not read and of whose log there is no dump. Whether they are lost or
  /// late cannot be told.
  public var untold: [EventID] { dense?.untold ?? opaque?.untold ?? [] }

  /// After ``finish()``: the acknowledged records that nobody has read, but their log has.
  public var late: [EventID] { dense?.late ?? opaque?.late ?? [] }
}
