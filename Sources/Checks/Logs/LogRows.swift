internal import Events

/// All rows about logs in one pass: the ledger looks each event up once, and the rows judge what it notices.
///
/// Generic over where the marks are kept, so that each kind of identity has a pass of its own, specialised as a whole.
struct LogRows<Records: RecordIndex>: Sendable {
  private var ledger: LogLedger<Records>
  private var findings: LogFindings
  private var isFinished = false

  private var lostWrite = LostWriteCheck()
  private var tailLoss = TailLossCheck()
  private var duplicateAppend = DuplicateAppendCheck()
  private var inconsistentOffset = InconsistentOffsetCheck()
  private var offsetRegression = OffsetRegressionCheck()
  private var abortedRead = AbortedReadCheck()
  private var intermediateRead = IntermediateReadCheck()
  private var tornTransaction = TornTransactionCheck()
  private var writeCycle = WriteCycleCheck()
  private var informationCycle = InformationCycleCheck()
  private var precommittedRead = PrecommittedReadCheck()
  private var internalNonmonotonicPoll = InternalNonmonotonicPollCheck()
  private var nonmonotonicPoll = NonmonotonicPollCheck()
  private var pollSkip = PollSkipCheck()
  private var nonmonotonicSend = NonmonotonicSendCheck()
  private var sendSkip = SendSkipCheck()
  private var keyOrder = KeyOrderCheck()
  private var unknownValue = UnknownValueCheck()
  private var corruptedPayload = CorruptedPayloadCheck()
  private var misroutedKey = MisroutedKeyCheck()
  private var committedTooFar = CommittedTooFarCheck()
  private var committedRegress = CommittedRegressCheck()
  private var unassignedConsumption = UnassignedConsumptionCheck()
  private var retentionLoss = RetentionLossCheck()
  private var vacuousRun = VacuousRunCheck()

  /// The checks of the logs that `options` names.
  init(_ options: LogOptions = LogOptions()) {
    ledger = LogLedger(options)
    findings = LogFindings(limit: options.findingLimit)
  }

  /// Looks at the next event.
  @inline(__always)
  mutating func take(_ event: LogEvent) {
    ledger.take(event)
    if _slowPath(!ledger.noted.isEmpty) { judge() }
  }

  /// How many events' marks are read ahead at a time: as many as stay in the nearest cache until their turn.
  private static var reach: Int { Records.isFar ? 64 : .max }

  /// Looks at the next events.
  mutating func take(_ events: [LogEvent]) {
    var start = 0
    while start < events.count {
      let end = start + min(Self.reach, events.count - start)
      if Records.isFar { ledger.records.touch(events[start..<end]) }
      while start < end {
        start = ledger.takeOrdinary(events, from: start, to: end)
        if start < end {
          take(events[start])
          start += 1
        }
      }
    }
  }

  @inline(never)
  private mutating func judge() {
    for fact in ledger.noted {
      switch fact.kind {
      case .placedAgain: duplicateAppend.judge(fact, ledger, &findings)
      case .conflict: inconsistentOffset.judge(fact, ledger, &findings)
      case .checksum: corruptedPayload.judge(fact, ledger, &findings)
      case .acknowledgedBelow: offsetRegression.judge(fact, ledger, &findings)
      case .failedRead: abortedRead.judge(fact, ledger, &findings)
      case .readOwn: precommittedRead.judge(fact, ledger, &findings)
      case .pollBack:
        internalNonmonotonicPoll.judge(fact, ledger, &findings)
        nonmonotonicPoll.judge(fact, ledger, &findings)
      case .pollSkip: pollSkip.judge(fact, ledger, &findings)
      case .sendBack: nonmonotonicSend.judge(fact, ledger, &findings)
      case .sendSkip: sendSkip.judge(fact, ledger, &findings)
      case .keyOrder: keyOrder.judge(fact, ledger, &findings)
      case .keyMoved: misroutedKey.judge(fact, ledger, &findings)
      case .committedPast: committedTooFar.judge(fact, ledger, &findings)
      case .committedBack, .beganBelow: committedRegress.judge(fact, ledger, &findings)
      case .unassigned, .twoOwners: unassignedConsumption.judge(fact, ledger, &findings)
      case .retained: retentionLoss.judge(fact, ledger, &findings)
      case .cycle:
        writeCycle.judge(fact, ledger, &findings)
        informationCycle.judge(fact, ledger, &findings)
      }
    }
    ledger.noted.removeAll(keepingCapacity: true)
  }

  /// Judges what only the end can tell: losses, unknown values, transactions as wholes, and whether anything happened. Once.
  mutating func finish() {
    if isFinished { return }
    isFinished = true
    ledger.endOpenTransactions()
    ledger.findCycles()
    judge()
    ledger.owed = ledger.owedRecords()
    lostWrite.finish(ledger, &findings)
    tailLoss.finish(ledger, &findings)
    retentionLoss.finish(ledger, &findings)
    intermediateRead.finish(ledger, &findings)
    tornTransaction.finish(ledger, &findings)
    unknownValue.finish(ledger, &findings)
    vacuousRun.finish(ledger, &findings)
  }

  /// What was found since the last call, in the order in which it showed; of each row as many as ``LogOptions/findingLimit``.
  mutating func drain() -> [Finding] { findings.drain() }

  /// How often each row was found, also beyond what is listed.
  var totals: [Anomaly: Int] { findings.totals }

  mutating func name(_ log: UInt16, _ name: String, _ topic: UInt16) {
    while ledger.options.topics.count <= Int(log) { ledger.options.topics.append(0) }
    ledger.options.topics[Int(log)] = topic
    while ledger.options.names.count <= Int(log) {
      ledger.options.names.append("log \(ledger.options.names.count)")
    }
    ledger.options.names[Int(log)] = name
  }

  /// What was looked at.
  var counts: LogCounts { ledger.counts }

  /// The acknowledged records of a log that nobody has been given so far.
  func unseen(in log: UInt16) -> Int {
    Int(log) < ledger.windows.count ? ledger.windows[Int(log)].unseen : 0
  }

  /// After ``finish()``: the acknowledged records that were not read and of whose log there is no dump. Whether they are lost or
  /// late cannot be told.
  var untold: [EventID] { ledger.owed.filter { $0.fate == .untold }.map { ledger.records.event($0.id) } }

  /// After ``finish()``: the acknowledged records that nobody has read, but their log has.
  var late: [EventID] { ledger.owed.filter { $0.fate == .late }.map { ledger.records.event($0.id) } }
}
