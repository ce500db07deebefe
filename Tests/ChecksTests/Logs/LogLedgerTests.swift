import Events
import Support
import Testing

@testable import Checks

/// A log, written and read one by one.
private struct Run {
  var checks = LogChecks()
  var offset: Int64 = 0

  mutating func write(_ count: Int, read: Bool = true, log: UInt16 = 0) {
    for _ in 0..<count {
      var event = LogEvent(
        .sendInvoked, log: log, process: 1, operation: UInt32(truncatingIfNeeded: offset) | 1, sequence: UInt64(offset))
      event.offset = LogEvent.unmeasured
      checks.take(event)
      event.kind = .sendAcknowledged
      event.offset = offset
      checks.take(event)
      if read { self.read(offset, log: log) }
      offset += 1
    }
  }

  mutating func read(_ offset: Int64, log: UInt16 = 0, by process: UInt32 = 2) {
    checks.take(
      LogEvent(
        .polled, log: log, process: process, operation: UInt32(truncatingIfNeeded: offset) | 1,
        sequence: UInt64(offset), offset: offset))
  }

  func finished() -> LogChecks {
    var checks = checks
    checks.finish()
    return checks
  }
}

@Suite struct LogLedgerTests {
  @Test func `an event takes 48 bytes`() { #expect(MemoryLayout<LogEvent>.stride == 48) }

  @Test func `a long run with a reader close behind is clean, and windows move on`() {
    var run = Run()
    run.write(200_000)
    #expect(run.finished().totals == [:])
  }

  @Test func `a record is lost although its window has long moved on`() {
    var run = Run()
    run.write(100)
    run.write(1, read: false)
    run.write(100_000)
    let checks = run.finished()
    #expect(checks.totals == [.lostWrite: 1, .pollSkip: 1])
    var found = checks
    #expect(found.drain().contains { $0.anomaly == "L1" && $0.events == [EventID(producer: 0, sequence: 100)] })
  }

  @Test func `a record that is read late, behind its window, is not lost`() {
    var run = Run()
    run.write(100)
    run.write(1, read: false)
    run.write(100_000)
    run.read(100, by: 9)
    #expect(run.finished().totals == [.pollSkip: 1])
  }

  @Test func `a reader that stays behind holds the window, and finds what it reads in order`() {
    var run = Run()
    run.write(30_000, read: false)
    for offset in 0..<Int64(30_000) { run.read(offset) }
    let checks = run.finished()
    #expect(checks.totals == [:])
    #expect(checks.untold == [])
  }

  @Test func `what nobody has read is neither lost nor passed without a dump`() {
    var run = Run()
    run.write(10)
    run.write(5, read: false)
    let checks = run.finished()
    #expect(checks.totals == [:])
    #expect(checks.untold.count == 5)
    #expect(checks.unseen(in: 0) == 5)
  }

  @Test func `with a dump what nobody has read is late or lost`() {
    var run = Run()
    run.write(10)
    run.write(5, read: false)
    for offset in 0..<Int64(13) {
      run.checks.take(LogEvent(.dumped, sequence: UInt64(offset), offset: offset))
    }
    run.checks.take(LogEvent(.dumpEnded))
    let checks = run.finished()
    #expect(checks.totals == [.tailLoss: 2])
    #expect(checks.late.count == 3)
  }

  /// A packet that was held up arrives behind what was sent after it; nothing arrives before it was sent.
  @Test func `a send in doubt may stand behind later ones, and not before earlier ones`() {
    for (place, expected) in [(Int64(7), 0), (4, 1)] {
      var checks = LogChecks()
      for (sequence, offset) in [(UInt64(0), Int64(5)), (1, -1), (2, 6)] {
        var event = LogEvent(.sendInvoked, process: 1, operation: UInt32(sequence) + 1, sequence: sequence)
        event.offset = LogEvent.unmeasured
        checks.take(event)
        event.kind = offset < 0 ? .sendUnknown : .sendAcknowledged
        event.offset = offset
        checks.take(event)
      }
      for (sequence, offset) in [(UInt64(0), Int64(5)), (2, 6), (1, place)].sorted(by: { $0.1 < $1.1 }) {
        checks.take(LogEvent(.dumped, sequence: sequence, offset: offset))
      }
      checks.take(LogEvent(.dumpEnded))
      checks.finish()
      #expect(checks.totals[.nonmonotonicSend, default: 0] == expected)
    }
  }

  @Test func `an unknown send counts once it is seen, with all of its operation`() {
    for isSeen in [false, true] {
      var checks = LogChecks()
      for sequence in UInt64(0)..<2 {
        var event = LogEvent(
          .sendInvoked, log: UInt16(sequence), process: 1, operation: 1, sequence: sequence, transaction: 1)
        checks.take(event)
        event.kind = .sendUnknown
        event.offset = sequence == 1 ? 0 : -1
        checks.take(event)
      }
      checks.take(LogEvent(.transactionUnknown, process: 1, transaction: 1))
      if isSeen { checks.take(LogEvent(.polled, process: 2, operation: 2, sequence: 0, offset: 0)) }
      checks.finish()
      #expect(checks.untold.count == (isSeen ? 1 : 0))
    }
  }

  @Test(arguments: [Int64.min, -2, -1, 1 << 60, .max])
  func `an offset that no log can have is no offset`(offset: Int64) {
    for kind in LogEvent.Kind.allCases {
      for identity in [LogChecks.Identity.dense, .opaque] {
        var checks = LogChecks(identity: identity)
        var run = Run()
        run.write(3)
        checks.take(LogEvent(kind, log: 3, process: 1, operation: 1, sequence: 1, offset: offset))
        checks.take(
          LogEvent(
            kind, log: 999, process: .max, operation: 1, producer: .max, sequence: .max, offset: offset, key: .max,
            keySequence: .max, transaction: .max))
        checks.finish()
        #expect(!checks.totals.keys.contains(.lostWrite))
      }
    }
  }

  /// Never a crash, whatever the events, and never a pass in silence: something is found, or something is said to be missing.
  @Test func `events at random do no harm`() {
    for seed in UInt64(0)..<60 {
      var random = SeededRandom(seed: seed)
      var checks = LogChecks(
        LogOptions(marksProcessing: seed % 2 == 0), identity: seed % 3 == 0 ? .opaque : .dense)
      for _ in 0..<2000 {
        let kind = LogEvent.Kind.allCases[Int.random(in: 0..<LogEvent.Kind.allCases.count, using: &random)]
        let isWild = Int.random(in: 0..<50, using: &random) == 0
        checks.take(
          LogEvent(
            kind, log: UInt16.random(in: 0..<3, using: &random), process: UInt32.random(in: 0..<5, using: &random),
            operation: UInt32.random(in: 0..<50, using: &random),
            producer: isWild ? .random(in: 0 ... .max, using: &random) : .random(in: 0..<3, using: &random),
            sequence: isWild ? .random(in: 0 ... .max, using: &random) : .random(in: 0..<100, using: &random),
            offset: isWild ? .random(in: .min ... .max, using: &random) : .random(in: -1..<60, using: &random),
            key: .random(in: 0..<8, using: &random), keySequence: .random(in: 0..<20, using: &random),
            checksum: .random(in: 0..<2, using: &random), transaction: .random(in: 0..<3, using: &random)))
      }
      checks.finish()
      #expect(!checks.totals.isEmpty)
    }
  }

  @Test func `findings beyond the limit are counted`() {
    var checks = LogChecks(LogOptions(findingLimit: 3))
    for sequence in UInt64(0)..<10 {
      checks.take(LogEvent(.polled, process: 1, operation: UInt32(sequence) + 1, sequence: sequence, offset: 5))
    }
    checks.finish()
    #expect(checks.totals[.inconsistentOffset] == 9)
    #expect(checks.drain().count { $0.anomaly == "L4" } == 3)
  }

  @Test func `a knot of transactions in which only one reads is a circle of information`() {
    func finding(_ ordersWrites: Bool) -> Set<Anomaly> {
      var checks = LogChecks(LogOptions(ordersWrites: ordersWrites))
      // T1 writes before T2 in log 0, and reads what T2 wrote to log 1.
      for (transaction, log, sequence) in [(UInt32(1), UInt16(0), UInt64(0)), (2, 0, 1), (2, 1, 2)] {
        var event = LogEvent(
          .sendInvoked, log: log, process: transaction, operation: UInt32(sequence) + 1, sequence: sequence,
          transaction: transaction)
        event.offset = LogEvent.unmeasured
        checks.take(event)
        event.kind = .sendAcknowledged
        event.offset = log == 0 ? Int64(sequence) : 0
        checks.take(event)
      }
      checks.take(LogEvent(.polled, log: 1, process: 1, operation: 9, sequence: 2, offset: 0, transaction: 1))
      checks.take(LogEvent(.transactionCommitted, process: 1, transaction: 1))
      checks.take(LogEvent(.transactionCommitted, process: 2, transaction: 2))
      checks.finish()
      return Set(checks.totals.keys)
    }
    #expect(finding(true) == [.informationCycle])
    #expect(finding(false) == [])
  }
}
