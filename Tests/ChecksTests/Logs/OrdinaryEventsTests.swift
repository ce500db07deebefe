import Events
import Support
import Testing

@testable import Checks

/// Batches take the short way where they can, single events never do: both must say the same, whatever is wrong with the record.
@Suite struct OrdinaryEventsTests {
  /// All that checks say.
  private struct Said: Equatable {
    var findings: [Finding]
    var totals: [Anomaly: Int]
    var counts: LogCounts
    var unseen: [Int]
    var untold: [EventID]
    var late: [EventID]

    init(_ checks: LogChecks) {
      var checks = checks
      unseen = (0..<UInt16(8)).map { checks.unseen(in: $0) }
      checks.finish()
      findings = checks.drain()
      totals = checks.totals
      counts = checks.counts
      untold = checks.untold
      late = checks.late
    }
  }

  private func agree(
    _ events: [LogEvent], _ options: LogOptions, _ identity: LogChecks.Identity, _ random: inout SeededRandom
  ) -> Bool {
    var (single, batches) = (LogChecks(options, identity: identity), LogChecks(options, identity: identity))
    for event in events { single.take(event) }
    var rest = events[...]
    while !rest.isEmpty {
      let batch = rest.prefix(Int.random(in: 1...200, using: &random))
      batches.take(Array(batch))
      rest = rest.dropFirst(batch.count)
    }
    return Said(single) == Said(batches)
  }

  @Test(arguments: [LogChecks.Identity.dense, .opaque])
  func `a spoilt record is judged alike in batches and event by event`(identity: LogChecks.Identity) {
    var random = SeededRandom(seed: 7)
    for seed in UInt64(0)..<150 {
      var history = LogHistory(seed: seed)
      for _ in 0..<Int.random(in: 0...3, using: &random) { spoil(&history.events, &random) }
      let options = LogOptions(topics: seed % 2 == 0 ? [] : [0, 1, 1], marksProcessing: true)
      #expect(agree(history.events, options, identity, &random), "seed \(seed)")
    }
  }

  @Test(arguments: [LogChecks.Identity.dense, .opaque])
  func `a long record is, with two readers, long keys and many logs`(identity: LogChecks.Identity) {
    var random = SeededRandom(seed: 8)
    for errors in [0, 1, 20] {
      var events = ordinary(8000, &random)
      for _ in 0..<errors { spoil(&events, &random) }
      #expect(agree(events, LogOptions(topics: [0, 1, 0, 2]), identity, &random), "\(errors) errors")
      #expect(errors > 0 || agree(events, LogOptions(windowLimit: 64), identity, &random))
    }
  }

  @Test func `a record without errors takes the short way nearly always`() {
    var random = SeededRandom(seed: 9)
    let events = ordinary(20_000, &random)
    var ledger = LogLedger<DenseRecords>(LogOptions())
    var (place, short) = (0, 0)
    while place < events.count {
      let next = ledger.takeOrdinary(events, from: place, to: events.count)
      short += next - place
      place = next
      if place < events.count {
        ledger.take(events[place])
        place += 1
      }
    }
    #expect(ledger.noted.isEmpty)
    #expect(short * 100 > events.count * 95, "\(short) of \(events.count)")
  }

  /// Sends of eight producers to eight logs, each read by two readers a little later.
  private func ordinary(_ count: Int, _ random: inout SeededRandom) -> [LogEvent] {
    var events: [LogEvent] = []
    var logs = [[LogEvent]](repeating: [], count: 8)
    var sequences = [UInt64](repeating: 0, count: 8)
    var keys = [UInt32](repeating: 0, count: 64)
    var read = [Int](repeating: 0, count: 16)
    var operation: UInt32 = 0
    while events.count < count {
      let (producer, log) = (Int.random(in: 0..<8, using: &random), Int.random(in: 0..<8, using: &random))
      operation += 1
      let key = producer * 8 + log
      keys[key] += 1
      var event = LogEvent(
        .sendInvoked, log: UInt16(log), process: UInt32(producer), operation: operation, producer: UInt32(producer),
        sequence: sequences[producer], offset: LogEvent.unmeasured, key: UInt32(key), keySequence: keys[key],
        checksum: UInt32(truncatingIfNeeded: random.next()) | 1)
      events.append(event)
      event.kind = .sendAcknowledged
      event.offset = Int64(logs[log].count) + 100
      events.append(event)
      sequences[producer] += 1
      logs[log].append(event)
      guard Int.random(in: 0..<6, using: &random) == 0 else { continue }
      let reader = log * 2 + Int.random(in: 0..<2, using: &random)
      operation += 1
      for record in logs[log][read[reader]...] {
        var event = record
        event.kind = .polled
        event.process = UInt32(100 + reader)
        event.operation = operation
        events.append(event)
      }
      read[reader] = logs[log].count
    }
    return events
  }

  /// Changes one thing, anywhere.
  private func spoil(_ events: inout [LogEvent], _ random: inout SeededRandom) {
    let place = Int.random(in: 0..<events.count, using: &random)
    let other = Int.random(in: 0..<events.count, using: &random)
    switch Int.random(in: 0..<13, using: &random) {
    case 0: events.remove(at: place)
    case 1: events.insert(events[place], at: other)
    case 2: events.swapAt(place, other)
    case 3: events[place].offset += Int64.random(in: -3...3, using: &random)
    case 4: events[place].offset = [-1, .min, .max, 1 << 61, 0].randomElement(using: &random) ?? 0
    case 5: events[place].checksum ^= 4
    case 6: events[place].sequence ^= 1 << UInt64.random(in: 0..<64, using: &random)
    case 7: events[place].keySequence = UInt32.random(in: 0..<5, using: &random)
    case 8: events[place].process = [0, 1, 2, 70_000, .max].randomElement(using: &random) ?? 0
    case 9: events[place].log = UInt16.random(in: 0..<40, using: &random)
    case 10: events[place].producer = [0, 3, 1 << 17, .max].randomElement(using: &random) ?? 0
    case 11: events[place].transaction = UInt32.random(in: 0..<3, using: &random)
    default: events[place].kind = LogEvent.Kind.allCases.randomElement(using: &random) ?? .polled
    }
  }
}
