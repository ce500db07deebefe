import Checks
import Events
import Support
import Testing

/// The corpus of leadership cases (Tests/Fixtures/corpus/fencing-cases): every case, exactly what it expects.
@Suite struct LeadershipCorpusTests {
  static let folder = #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Fixtures/corpus"

  static let cases: [FencingCase] = {
    do { return try FencingCase.read(try readCorpus("fencing-cases/fencing-cases.json")) } catch {
      Issue.record("the corpus cannot be read: \(error)")
      return []
    }
  }()

  /// What the corpus calls each anomaly.
  private static let names: [String: Set<Anomaly>] = [
    "two-leaders": [.twoLeadersOneTerm], "token-regressed": [.tokenRegress, .twoLeadersOneTerm],
    "token-reused": [.tokenRegress, .twoLeadersOneTerm], "lease-overlap": [.leaseOverlap],
    "stale-token-accepted": [.staleTokenAccepted], "late-accept": [.unsealedWindow],
    "current-token-rejected": [.currentTokenRejected], "ack-without-accept": [.acceptMismatch],
    "accept-without-ack": [.acceptMismatch], "rejected-but-accepted": [.acceptMismatch],
    "election-late": [.electionLate], "holder-past-lease": [.holderPastLease],
  ]

  @Test(arguments: cases)
  func `a case of the corpus gives exactly what it expects`(fencing: FencingCase) throws {
    let history = HistoryEvidence(fencing.history)
    let rows = examineLeadership(.of(history)).rows
    // What goes away within the uncertainty of clocks is told apart; the corpus has one clock.
    let found = rows.flatMap(\.findings).filter { $0.certainty != .possible }.map(\.anomaly)
    let expected = try fencing.expected.map { try #require(Self.names[$0], "'\($0)' is no known name") }
    #expect(expected.allSatisfy { names in found.contains { Anomaly(rawValue: $0).map(names.contains) ?? false } })
    let permitted = expected.reduce(into: Set<Anomaly>()) { $0.formUnion($1) }
    #expect(
      found.allSatisfy { Anomaly(rawValue: $0).map(permitted.contains) ?? false },
      "\(rows.flatMap(\.findings).map(\.what))")
  }

  @Test func `the corpus has cases with and without anomalies`() {
    #expect(Self.cases.count == 9)
    #expect(Self.cases.contains { $0.expected.isEmpty })
    #expect(Self.cases.contains { !$0.expected.isEmpty })
  }
}

/// Reads a file of the corpus.
func readCorpus(_ path: String) throws -> [UInt8] { try readFile("\(LeadershipCorpusTests.folder)/\(path)") }
