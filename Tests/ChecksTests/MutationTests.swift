import Checks
import Events
import Support
import Testing

@Suite struct MutationTests {
  private static let clean = (UInt64(1)...2).map { CleanDrill.evidence(seed: $0) }

  /// A planted bug is found by the item made for it and by no other, and the witness names it.
  @Test(arguments: Mutation.all)
  func `a planted bug fails exactly the item made for it`(mutation: Mutation) throws {
    for clean in Self.clean {
      var evidence = clean
      mutation.apply(&evidence)
      let verdict = judge(evidence)
      let failed = verdict.items.filter { $0.verdict.kind == .fail }
      #expect(failed.map(\.item) == [mutation.item], "\(complaints(verdict))")
      #expect(verdict.overall == .fail)
      #expect(verdict.exitCode == .fail)
      guard case .fail(let witness) = failed.first?.verdict else { continue }
      #expect(mutation.anomalies.isSubset(of: witness.findings.map(\.anomaly)), "\(witness)")
      #expect(witness.total >= witness.findings.count)
      #expect(!witness.sentence.isEmpty)
      #expect(witness.findings.allSatisfy { !$0.what.isEmpty })
    }
  }

  @Test func `every item has a mutation that fails it`() {
    #expect(Set(Mutation.all.map(\.item)) == Set(ChecklistItem.ofFailover))
  }

  @Test func `a fail stands although operations were dropped`() {
    var evidence = CleanDrill.evidence()
    evidence.truth.progress = evidence.truth.progress?.map {
      ProgressRow(group: $0.group, store: $0.store, position: $0.position - 1)
    }
    evidence.history.dropped = 3
    let verdict = kinds(judge(evidence))
    #expect(verdict[.consumerProgress] == .fail)
    #expect(verdict.filter { $0.key != .consumerProgress }.values.allSatisfy { $0 == .inconclusive })
  }

  @Test func `an unexplained row is no violation while the history has holes`() {
    var evidence = CleanDrill.evidence()
    let row = evidence.row(in: "eu", of: "eu", at: 33)
    evidence.history.operations.removeAll { $0.event == row.event && $0.kind == .append }
    evidence.history.dropped = 1
    #expect(kinds(judge(evidence))[.noAcknowledgedLoss] == .inconclusive)
  }

  @Test func `a witness lists no more than its limit and tells the total`() throws {
    var evidence = CleanDrill.evidence()
    for row in evidence.truth.logs["eu"]?.prefix(50) ?? [] { evidence.append(row, to: "eu") }
    let item = try #require(judge(evidence).items.first { $0.item == .noDuplicates })
    guard case .fail(let witness) = item.verdict else {
      Issue.record("\(item.verdict)")
      return
    }
    #expect(witness.findings.count == Witness.limit)
    // Each is a duplicate of the log, and the mirror has what its origin never had there.
    #expect(witness.total >= 50)
    #expect(witness.sentence == "50 events more than once in a log")
  }
}
