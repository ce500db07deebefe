import Checks
import Events
import Testing

/// Item 8: a false alarm moves nothing.
@Suite struct AuthorityStaysTests {
  /// East writes under token 1 all through; a fault is in force from 10 s to 40 s.
  private func quiet() -> SmallDrill {
    var drill = SmallDrill()
    drill.truth.grants = [GrantRow(token: 1, holder: "east", observed: 1 * second)]
    drill.truth.fences = [:]
    for number in 0..<6 { drill.write(UInt64(number), to: "east", token: 1, at: Int64(11 + 5 * number)) }
    return drill
  }

  private func verdict(_ drill: SmallDrill, _ edit: (inout Evidence) -> Void = { _ in }) -> Verdict {
    var evidence = drill.evidence
    evidence.milestones.baselineEnd = 8 * second
    evidence.expectsFailover = false
    edit(&evidence)
    return judge(evidence, checklist: [.writeAuthorityStays]).items[0].verdict
  }

  @Test func `a holder that keeps its authority passes, with what it wrote`() throws {
    guard case .pass(let coverage) = verdict(quiet()) else {
      Issue.record("\(verdict(quiet()))")
      return
    }
    #expect(coverage.counts.first == Count("acknowledged writes", 6))
    #expect(coverage.sentence.contains("east wrote under token 1 all through"))
  }

  @Test func `a switch fails, back and forth as well, and also to the same holder under a new token`() {
    for holders in [["eu"], ["eu", "east"], ["east"]] {
      var drill = quiet()
      for (place, holder) in holders.enumerated() {
        drill.truth.grants?.append(
          GrantRow(token: Int64(2 + place), holder: holder, observed: Int64(20 + place) * second))
      }
      guard case .fail(let witness) = verdict(drill) else {
        Issue.record("\(holders): \(verdict(drill))")
        continue
      }
      #expect(witness.total == holders.count)
      #expect(witness.findings[0].what.contains("write authority moved from east (token 1) to \(holders[0]) (token 2)"))
    }
  }

  @Test func `a write acknowledged under another token fails, whatever the grants say`() {
    var drill = quiet()
    drill.write(77, to: "eu", token: 9, at: 30)
    guard case .fail(let witness) = verdict(drill) else {
      Issue.record("\(verdict(drill))")
      return
    }
    #expect(witness.findings.first?.what.contains("1 write was acknowledged under token 9") == true)
    #expect(witness.findings.first?.store == "eu")
  }

  @Test func `what was before the baseline's end is another matter`() {
    var drill = quiet()
    drill.truth.grants?.insert(GrantRow(token: 0, holder: "eu", observed: 0), at: 0)
    drill.write(78, to: "eu", token: 0, at: 2)
    #expect(verdict(drill).kind == .pass)
  }

  @Test func `without grants, without a reign, without writes it does not pass`() {
    #expect(verdict(quiet()) { $0.truth.grants = nil }.kind == .inconclusive)
    #expect(verdict(quiet()) { $0.truth.grants = [] }.kind == .inconclusive)
    #expect(verdict(quiet()) { $0.history.operations = [] }.kind == .vacuous)
    #expect(verdict(quiet()) { $0.faults[0].provenSince = nil }.kind == .vacuous)
  }
}

/// What a scenario permits is found, told, and fails nothing; and nothing else is let pass with it.
@Suite struct PermissionTests {
  private static let reason = "no lease keeps a leader that stands still from believing in itself"

  /// East stands still past its lease, while eu leads.
  private func overlapping() -> Evidence {
    var evidence = CleanDrill.evidence()
    let granted = evidence.truth.grants?.map(\.observed).max() ?? 0
    evidence.milestones.oldStoreDemoted = granted + 5 * second
    return evidence
  }

  @Test(arguments: [ChecklistItem.ofFailover, [.noDuplicates]])
  func `a permitted anomaly is told and fails nothing`(checklist: [ChecklistItem]) throws {
    var evidence = overlapping()
    let before = judge(evidence, checklist: checklist)
    #expect(before.overall == .fail)
    #expect(before.permitted == [])
    evidence.contract.permissions = Permissions([.init(.leaseOverlap, Self.reason)])
    let verdict = judge(evidence, checklist: checklist)
    #expect(verdict.overall == .pass, "\(complaints(verdict))")
    let row = try #require(verdict.rows.first { $0.anomaly == .leaseOverlap })
    #expect(row.state == .permitted && row.total == 1)
    #expect(row.sentence.hasPrefix("permitted (\(Self.reason)): 1 violation in "))
    #expect(verdict.permitted.map(\.text) == ["seen 1 time; permitted because \(Self.reason)"])
    // The item that speaks for the row says so too.
    guard checklist.contains(.electionWithinTTL),
      case .pass(let coverage) = verdict.items.first(where: { $0.item == .electionWithinTTL })?.verdict
    else { return }
    #expect(coverage.notes.contains { $0.hasPrefix("E3 lease-overlap: permitted (") })
  }

  @Test func `a permission that was not needed is told as well`() {
    var evidence = CleanDrill.evidence()
    evidence.contract.permissions = Permissions([.init(.leaseOverlap, Self.reason)])
    #expect(
      judge(evidence).permitted.map(\.text) == ["not seen (clean); permitted because \(Self.reason)"])
  }

  /// Each planted error fails as ever while another anomaly than its own is permitted.
  @Test(arguments: Mutation.all)
  func `what is not permitted fails as ever`(mutation: Mutation) {
    var evidence = overlapping()
    mutation.apply(&evidence)
    evidence.contract.permissions = Permissions([.init(.leaseOverlap, Self.reason)])
    let failed = judge(evidence).items.filter { $0.verdict.kind == .fail }.map(\.item)
    #expect(failed == [mutation.item])
  }
}
