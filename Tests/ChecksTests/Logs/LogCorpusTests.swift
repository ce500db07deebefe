import Events
import FoundationEssentials
import Testing

@testable import Checks

/// One case of the corpus of log histories: what it says must be found.
private struct Case: Decodable {
  struct Expectation: Decodable {
    var key: String?
    var value: Value?
    var values: [Value]?
    var skipped: [Value]?
    var offset: Int64?
    var offsets: [Int64]?
    var cycle: [Int]?
  }

  enum Value: Decodable, CustomStringConvertible {
    case text(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        self = .text(text)
      } else {
        self = .text(String(try container.decode(Int.self)))
      }
    }

    var description: String {
      switch self {
      case .text(let text): text
      }
    }
  }

  var kind: String
  var asserted: [String]
  var expected: [String: [Expectation]]
  var found: [String]

  private enum Key: String, CodingKey {
    case kind, expect
    case asserted = "upstream_asserts"
    case found = "reference_error_types"
  }

  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int?
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    kind = try container.decode(String.self, forKey: .kind)
    asserted = try container.decode([String].self, forKey: .asserted)
    found = try container.decode([String].self, forKey: .found)
    expected = [:]
    let expectations = try container.nestedContainer(keyedBy: Name.self, forKey: .expect)
    for name in expectations.allKeys where rows[name.stringValue] != nil {
      expected[name.stringValue] = try expectations.decode([Expectation].self, forKey: name)
    }
  }
}

/// The corpus' names for the rows of ours that it knows.
private let rows: [String: Anomaly] = [
  "lost-write": .lostWrite, "duplicate": .duplicateAppend, "inconsistent-offsets": .inconsistentOffset,
  "G1a": .abortedRead, "G0": .writeCycle, "G1c": .informationCycle, "precommitted-read": .precommittedRead,
  "int-nonmonotonic-poll": .internalNonmonotonicPoll, "nonmonotonic-poll": .nonmonotonicPoll, "poll-skip": .pollSkip,
  "int-poll-skip": .pollSkip, "nonmonotonic-send": .nonmonotonicSend, "int-nonmonotonic-send": .nonmonotonicSend,
  "int-send-skip": .sendSkip,
]

private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("Fixtures/corpus/kafka-cases")

private let names =
  ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
  .filter { $0.hasSuffix(".json") && !$0.hasPrefix("_") }.sorted()

private struct Judged {
  var expectation: Case
  var findings: [Finding]
  var totals: [Anomaly: Int]
  var untold: [String]
  var values: [EventID: String]
  var hasUnknownOutcomes: Bool

  init(_ name: String) throws {
    let bytes = Array(try Data(contentsOf: folder.appendingPathComponent(name)))
    expectation = try JSONDecoder().decode(Case.self, from: Data(bytes))
    let read = try LogCase(bytes: bytes)
    let imported = try read.history.imported()
    var options = LogOptions()
    options.ordersWrites = read.ordersWrites
    var audit = LogAudit(options, identity: .opaque)
    audit.take(imported.history.operations, names: imported.history.names)
    audit.finish(GroundTruth(), names: imported.history.names)
    findings = audit.drain()
    totals = audit.totals
    values = imported.values
    hasUnknownOutcomes = imported.history.operations.contains { if case .unknown = $0.outcome { true } else { false } }
    untold = audit.untold.map(\.description)
  }

  func text(_ event: EventID) -> String { values[event] ?? String(event.sequence) }

  func values(_ anomaly: Anomaly) -> [[String]] {
    findings.filter { $0.anomaly == anomaly.rawValue }.map { $0.events.map(text) }
  }
}

/// The cases of Jepsen's own tests of its Kafka checker, as facts: each must give the findings that stand in it, and no row that
/// its author's checker and an independent one do not find.
@Suite struct LogCorpusTests {
  @Test func `the corpus is there`() { #expect(names.count == 24) }

  @Test(arguments: names)
  func `a case gives what it expects`(name: String) throws {
    let judged = try Judged(name)
    for (row, expectations) in judged.expectation.expected {
      let anomaly = try #require(rows[row])
      #expect(judged.totals[anomaly] ?? 0 == expectations.count, "\(row): \(judged.findings)")
      for expectation in expectations {
        let found = judged.values(anomaly)
        if let skipped = expectation.skipped { #expect(found.contains(skipped.map(\.description)), "\(row) \(found)") }
        if let value = expectation.value {
          #expect(found.contains { $0.contains(value.description) }, "\(row) \(found)")
        }
        if expectation.skipped == nil, let values = expectation.values {
          #expect(
            found.contains { Set(values.map(\.description)).isSuperset(of: $0) && !$0.isEmpty }, "\(row) \(found)")
        }
        if let offsets = expectation.offsets {
          #expect(judged.findings.contains { $0.positions == offsets }, "\(row): \(judged.findings)")
        }
      }
    }
  }

  @Test(arguments: names)
  func `a case gives no row that other checkers do not find`(name: String) throws {
    let judged = try Judged(name)
    // These rows are ours alone, or for judging a drill and not a checker's case.
    let own: Set<Anomaly> = [.unknownValue, .offsetRegression, .intermediateRead, .vacuousRun]
    let found = Set(judged.totals.keys).subtracting(own)
    var expected = Set(judged.expectation.found.compactMap { rows[$0] })
    // The reference puts two records of one offset in an arbitrary order, and then sees a jump over one of them.
    if name == "version-orders__basic.json" { expected.remove(.pollSkip) }
    #expect(found == expected, "\(judged.findings)")
    // The corpus calls unseen what was acknowledged and not read, also where it is lost; we besides what is proven accepted.
    if judged.expectation.found.contains("unseen") {
      #expect(!judged.untold.isEmpty || judged.totals[.lostWrite] != nil)
    } else if !judged.hasUnknownOutcomes {
      #expect(judged.untold.isEmpty)
    }
  }

  @Test func `a run in which nothing happened is vacuous`() throws {
    #expect(try Judged("empty-history__only-assign.json").totals == [.vacuousRun: 1])
  }

  @Test func `lag in time is that of the corpus`() throws {
    let bytes = Array(try Data(contentsOf: folder.appendingPathComponent("realtime-lag__up-to-date.json")))
    let expected = try JSONDecoder().decode(LagCase.self, from: Data(bytes)).expect
    let imported = try LogCase(bytes: bytes).history.imported()
    var lag = RealtimeLag()
    for operation in imported.history.operations { lag.take(operation) }
    let found = lag.drain().map { sample in
      LagCase.Sample(
        time: sample.time, process: sample.process,
        key: sample.partition.flatMap { imported.history.names.name(of: $0) } ?? "", lag: sample.lag)
    }
    #expect(found == expected.lags)
    #expect(lag.worst.map { [$0.time, $0.lag] } == [expected.worst.time, expected.worst.lag])
  }

  @Test func `the unseen series is that of the corpus`() throws {
    let bytes = Array(try Data(contentsOf: folder.appendingPathComponent("unseen__series.json")))
    let expected = try JSONDecoder().decode(UnseenCase.self, from: Data(bytes)).expect.series
    let imported = try LogCase(bytes: bytes).history.imported()
    var series = UnseenSeries()
    for operation in imported.history.operations { series.take(operation) }
    let found = series.drain()
    // A poll that gave nothing at a time at which no log was known has an empty sample.
    #expect(found.map(\.time) == expected.map(\.time))
    for (sample, wanted) in zip(found, expected) {
      let byName = Dictionary(
        uniqueKeysWithValues: sample.unseen.compactMap { partition, count in
          partition.flatMap { imported.history.names.name(of: $0) }.map { ($0, count) }
        })
      #expect(byName == wanted.unseen)
    }
  }
}

private struct LagCase: Decodable {
  struct Sample: Decodable, Equatable {
    var time: Int64
    var process: UInt32
    var key: String
    var lag: Int64
  }
  struct Expectation: Decodable {
    var lags: [Sample]
    var worst: Sample
    enum CodingKeys: String, CodingKey {
      case lags = "realtime-lag"
      case worst = "worst-realtime-lag"
    }
  }
  var expect: Expectation
}

private struct UnseenCase: Decodable {
  struct Sample: Decodable {
    var time: Int64
    var unseen: [String: Int]
  }
  struct Expectation: Decodable {
    var series: [Sample]
    enum CodingKeys: String, CodingKey { case series = "unseen-series" }
  }
  var expect: Expectation
}
