import Checks
import Events
import Testing

/// Item 11: what held before the faults holds again after them.
@Suite struct SteadyRecoveryTests {
  private typealias Change = SteadyEvidence.Change

  /// One expectation, looked at each half second from 1 s to `end` s; the fault of a small drill is in force from 10 s to 40 s.
  private func verdict(
    _ changes: [(Int64, SteadyEvidence.State)], end: Int64 = 60, within: Int64? = 10,
    _ edit: (inout Evidence) -> Void = { _ in }
  ) -> ItemVerdict {
    var evidence = SmallDrill().evidence
    evidence.expectsFailover = false
    evidence.isExternal = true
    evidence.objectives.steadyRecovery = within.map { $0 * second }
    evidence.steady = SteadyEvidence(
      changes: ["probe orders": changes.map { Change(at: $0.0 * second, state: $0.1, seen: "seen") }],
      looks: (2...(2 * end)).map { Int64($0) * second / 2 })
    edit(&evidence)
    return judge(evidence, checklist: [.steadyStateRecovered]).items[0]
  }

  @Test func `what broke under the fault and came back passes, with the RTO`() throws {
    let item = verdict([(1, .held), (12, .broken), (43, .held)])
    guard case .pass(let coverage) = item.verdict else {
      Issue.record("\(item.verdict)")
      return
    }
    #expect(coverage.sentence.contains("'probe orders' did not hold"))
    let measured = item.measures.first { $0.name == "RTO" }
    #expect(measured?.value == 31)
    #expect((item.underFault?.inForce ?? 0) > 0)
  }

  @Test func `what never broke passes and says so`() {
    let item = verdict([(1, .held)])
    guard case .pass(let coverage) = item.verdict else {
      Issue.record("\(item.verdict)")
      return
    }
    #expect(coverage.sentence.contains("all were seen to hold"))
  }

  @Test func `too late, broken again, and broken still are failures`() {
    for changes: [(Int64, SteadyEvidence.State)] in [
      [(1, .held), (12, .broken), (58, .held)], [(1, .held), (12, .broken), (41, .held), (50, .broken)],
      [(1, .held), (12, .broken)], [(1, .held), (12, .broken), (41, .held), (45, .broken), (57, .held)],
    ] {
      guard case .fail = verdict(changes).verdict else {
        Issue.record("\(changes): \(verdict(changes).verdict)")
        continue
      }
    }
  }

  @Test func `no data is no recovery, whenever it is missing`() {
    for changes: [(Int64, SteadyEvidence.State)] in [
      [], [(1, .noData), (12, .held)], [(11, .held)], [(1, .held), (9, .noData), (41, .held)],
      [(1, .held), (12, .broken), (41, .held), (45, .noData)], [(1, .broken), (41, .held)],
    ] {
      guard case .inconclusive = verdict(changes).verdict else {
        Issue.record("\(changes): \(verdict(changes).verdict)")
        continue
      }
    }
    let unseen = verdict([(1, .held)]) { $0.steady = nil }
    guard case .inconclusive(let missing) = unseen.verdict else {
      Issue.record("\(unseen.verdict)")
      return
    }
    #expect(missing.items.contains("looks at the steady state"))
  }

  @Test func `a run that ended before the time was over cannot tell`() {
    let item = verdict([(1, .held), (12, .broken)], end: 60, within: 120)
    guard case .inconclusive = item.verdict else {
      Issue.record("\(item.verdict)")
      return
    }
  }

  @Test func `a fault that met nothing, and no fault at all, are vacuous`() {
    for edit: (inout Evidence) -> Void in [
      { $0.faults = [] }, { for index in $0.faults.indices { $0.faults[index].packetsDropped = 0 } },
    ] {
      guard case .vacuous = verdict([(1, .held)], edit).verdict else {
        Issue.record("\(verdict([(1, .held)], edit).verdict)")
        continue
      }
    }
  }

  /// Nobody of ours reads an external system's logs, so no row of the taxonomy can be found or missed there.
  @Test func `no row of a log is judged in an external system`() {
    var evidence = SmallDrill().evidence
    evidence.isExternal = true
    evidence.expectsFailover = false
    let states = judge(evidence, checklist: [.steadyStateRecovered]).rows.map(\.state)
    #expect(states.allSatisfy { $0 == .notApplicable })
  }
}
