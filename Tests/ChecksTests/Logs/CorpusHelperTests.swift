import Support
import Testing

@testable import Checks

/// The corpus' cases of single rules (kafka-cases/_helpers.json), each asked of the ledger that has the rule here.
@Suite struct CorpusHelperTests {
  private struct Helpers: Decodable {
    struct Reach: Decodable {
      struct Call: Decodable {
        var mops: [Step]
      }
      struct Step: Decodable {
        var op: String
        var key: String?
        var offset: Int64?
        /// By partition: offset, and no value.
        var records: [String: [[Int64?]]]?
      }
      var input: Call
      var expect: [String: Int64]
    }
    struct Last: Decodable {
      var log: [[String]?]
      var expect: [[String]?]
    }
    struct First: Decodable {
      var log: [[String]?]
      var expect: [String: Int]
    }

    var reaches: [Reach]
    var lasts: [Last]
    var firsts: [First]

    enum CodingKeys: String, CodingKey {
      case reaches = "op-max-offsets"
      case lasts = "log-last-index-values"
      case firsts = "log-value-first-index"
    }
  }

  private func helpers() throws -> Helpers {
    try decodeJSON(Helpers.self, from: try readCorpus("kafka-cases/_helpers.json"))
  }

  /// A log of offsets with any number of values each: all acknowledged, and `polled` read wherever it stands.
  private func ledger(_ log: [[String]?], polled: String? = nil) -> LogLedger<DenseRecords> {
    var ledger = LogLedger<DenseRecords>(LogOptions())
    for kind in [LogEvent.Kind.sendAcknowledged, .polled] {
      for (offset, values) in log.enumerated() {
        for value in values ?? [] where kind == .sendAcknowledged || value == polled {
          ledger.take(
            LogEvent(
              kind, process: kind == .polled ? 2 : 1, operation: UInt32(offset) + 1, sequence: number(value),
              offset: Int64(offset)))
        }
      }
    }
    return ledger
  }

  private func number(_ value: String) -> UInt64 { UInt64(value.utf8.first ?? 0) }

  /// Dense places, with holes removed.
  private func rank(_ offset: Int64, in log: [[String]?]) -> Int { log.prefix(Int(offset)).count { $0 != nil } }

  @Test func `a call reaches as far as the highest offsets in it`() throws {
    let cases = try helpers().reaches
    #expect(cases.count == 1)
    for reach in cases {
      var ledger = LogLedger<DenseRecords>(LogOptions())
      let logs = reach.expect.keys.sorted()
      var sequence: UInt64 = 0
      func take(_ kind: LogEvent.Kind, _ key: String, _ offset: Int64) throws {
        let log = UInt16(try #require(logs.firstIndex(of: key)))
        ledger.take(LogEvent(kind, log: log, process: 1, operation: 1, sequence: sequence, offset: offset))
        sequence += 1
      }
      for step in reach.input.mops {
        for (key, records) in step.records ?? [:] {
          for record in records { try take(.polled, key, try #require(record[0])) }
        }
        if let key = step.key, let offset = step.offset { try take(.sendAcknowledged, key, offset) }
      }
      for (log, key) in logs.enumerated() {
        let window = ledger.windows[log]
        #expect(max(window.highestPolled, window.highestAcknowledged) == reach.expect[key])
      }
    }
  }

  @Test func `a value is owed from its last place on`() throws {
    let cases = try helpers().lasts
    #expect(cases.count == 2)
    for last in cases {
      var ledger = ledger(last.log)
      let owed = ledger.owedRecords()
      for value in Set(last.log.compactMap { $0 }.joined()) {
        let expected = last.expect.firstIndex { $0?.contains(value) == true }
        let place = owed.first { $0.id == number(value) }?.offset
        #expect(place.map { rank($0, in: last.log) } == expected, "\(value)")
      }
      #expect(owed.count == last.expect.compactMap { $0 }.joined().count)
    }
  }

  @Test func `a value that was read proves that its log was read to its first place`() throws {
    let cases = try helpers().firsts
    #expect(cases.count == 2)
    for first in cases {
      for (value, expected) in first.expect {
        let read = ledger(first.log, polled: value).highestRead(0)
        #expect(rank(read, in: first.log) == expected, "\(value)")
      }
    }
  }
}
