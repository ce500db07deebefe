import Checks
import Events
import Support
import Testing

/// Evidence taken away, or a drill in which nothing happened: never a pass.
@Suite struct NoPassTests {
  struct Loss: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var items: [ChecklistItem]
    var kind: Verdict.Kind
    /// What the headline must contain.
    var words: String
    var apply: @Sendable (inout Evidence) -> Void

    init(
      _ name: String, _ items: [ChecklistItem], _ kind: Verdict.Kind, _ words: String,
      _ apply: @escaping @Sendable (inout Evidence) -> Void
    ) {
      testDescription = name
      self.items = items
      self.kind = kind
      self.words = words
      self.apply = apply
    }
  }

  private static let clean = CleanDrill.evidence()

  static let everything = ChecklistItem.ofFailover

  static let inconclusive = [
    Loss("operations dropped", everything, .inconclusive, "12 operations that the recorder had to drop") {
      $0.history.dropped = 12
    },
    Loss("history cut off", everything, .inconclusive, "the history stops at byte 99") {
      $0.history.cutReason = "the history stops at byte 99: a block has 3 of its 40 bytes"
    },
    Loss("no observations", [.mirrorLagZero], .inconclusive, "observations of") { evidence in
      evidence.history.operations.removeAll { $0.kind == .observe }
    },
    Loss("a tail with a gap", [.mirrorLagZero], .inconclusive, "observations of 1 of 424") { evidence in
      let event = evidence.row(in: "east", of: "east", at: 3).event
      let east = evidence.node("east")
      evidence.history.operations.removeAll { $0.kind == .observe && $0.event == event && $0.node == east }
    },
    Loss(
      "no dump of the survivor", [.mirrorLagZero, .noDuplicates, .noAcknowledgedLoss, .staleTokenRejected],
      .inconclusive, "eu"
    ) {
      $0.truth.logs["eu"] = nil
    },
    Loss("an empty dump", [.noDuplicates, .orderPerAggregate], .inconclusive, "its dump is empty") {
      $0.truth.logs["east"] = []
    },
    Loss("heal not recorded", [.mirrorLagZero, .staleTokenRejected], .inconclusive, "the heal") {
      $0.milestones.healed = nil
    },
    Loss("nothing acknowledged", [.noAcknowledgedLoss], .inconclusive, "an acknowledged write") { evidence in
      let timeout = evidence.code("timeout")
      evidence.changeOperations { if $0.kind == .append { $0.outcome = .unknown(timeout) } }
    },
    Loss("survivor never sealed", [.noAcknowledgedLoss, .staleTokenRejected], .inconclusive, "seal") { evidence in
      evidence.removeNewReign()
      evidence.truth.grants?.append(
        GrantRow(token: CleanDrill.newToken, holder: "eu", observed: CleanDrill.grantedAt))
    },
    Loss("no attempt on eu before the heal", [.staleTokenRejected], .inconclusive, "old token on eu before the heal") {
      evidence in
      evidence.history.operations.removeAll {
        $0.kind == .staleAppend && $0.process == 51 && $0.invoked < CleanDrill.healedAt
      }
    },
    Loss("no attempt on east after the heal", [.staleTokenRejected], .inconclusive, "old token on east after the heal")
    { evidence in
      evidence.history.operations.removeAll {
        $0.kind == .staleAppend && $0.process == 50 && $0.invoked >= CleanDrill.healedAt
      }
    },
    Loss("attempts that never reached the fence", [.staleTokenRejected], .inconclusive, "none answered by the fence") {
      evidence in
      let timeout = evidence.code("timeout")
      evidence.changeOperations { if $0.process == 51 { $0.outcome = .fail(timeout) } }
    },
    Loss("no fence dump", [.staleTokenRejected], .inconclusive, "the dump of east's fences") {
      $0.truth.fences["east"] = nil
    },
    Loss("fences out of order", [.staleTokenRejected], .inconclusive, "its barriers fall") {
      $0.truth.fences["east"]?.reverse()
    },
    Loss("no grants", [.noAcknowledgedLoss, .electionWithinTTL, .orderPerAggregate], .inconclusive, "grant") {
      $0.truth.grants = nil
    },
    Loss("loss of the leader not recorded", [.electionWithinTTL], .inconclusive, "the leader was lost") {
      $0.milestones.leaderLost = nil
      $0.milestones.faultInForce = nil
    },
    Loss(
      "the fault ended before the election could", [.electionWithinTTL], .inconclusive, "the fault ended 5.00 s after"
    ) {
      $0.removeNewReign()
      $0.milestones.healed = CleanDrill.faultAt + 5 * second
    },
    Loss(
      "a run that ended before the mirror's time was over", [.mirrorLagZero], .inconclusive, "the end of the catch-up"
    ) {
      evidence in
      let last = evidence.truth.logs["east"]?.filter { $0.origin == "eu" }.suffix(5) ?? []
      for row in last { evidence.forget(row.event, in: "east") }
    },
    Loss("a group that applied nothing", [.consumerProgress], .inconclusive, "an event applied by billing-ap on east") {
      evidence in
      evidence.truth.applied?.removeAll { $0.group == "billing-ap" }
    },
    Loss("no progress dump", [.consumerProgress], .inconclusive, "the groups' progress") { $0.truth.progress = nil },
    Loss("no applied dump", [.consumerProgress], .inconclusive, "applied events") { $0.truth.applied = nil },
    Loss("no consumer group", [.consumerProgress], .inconclusive, "names none") { $0.roles.consumers = [] },
    Loss("no mirror", [.mirrorLagZero], .inconclusive, "names none") { $0.roles.mirrors = [] },
  ]

  static let vacuous = [
    Loss("no fault", everything, .vacuous, "the drill had no fault") { $0.faults = [] },
    Loss("a fault that dropped nothing", everything, .vacuous, "fault 'blackout' met no packet") {
      $0.faults[0].packetsDropped = 0
    },
    Loss("a fault never proven", everything, .vacuous, "was never proven to be in force") {
      $0.faults[0].provenSince = nil
    },
    Loss("mirrors never behind", [.mirrorLagZero], .vacuous, "no mirror fell behind") {
      $0.objectives.freshness = 1000 * second
    },
    Loss("a switch that nobody crossed", [.orderPerAggregate], .vacuous, "no aggregate was written both") { evidence in
      for store in ["east", "eu"] {
        evidence.truth.logs[store] = evidence.truth.logs[store]?.map {
          var row = $0
          if row.token == CleanDrill.newToken { row.key += 5000 }
          return row
        }
      }
    },
  ]

  @Test(arguments: inconclusive + vacuous)
  func `what cannot be told is never a pass`(loss: Loss) throws {
    var evidence = Self.clean
    loss.apply(&evidence)
    let verdict = judge(evidence)
    for item in loss.items {
      let found = try #require(verdict.items.first { $0.item == item })
      #expect(found.verdict.kind == loss.kind, "\(item.rawValue): \(found.verdict.headline)")
      if loss.items.count == 1 || loss.items == Self.everything {
        #expect(found.verdict.headline.contains(loss.words), "\(found.verdict.headline)")
      }
    }
    #expect(verdict.overall >= loss.kind, "\(complaints(verdict))")
    #expect(verdict.exitCode != .pass)
  }

  @Test func `no evidence at all passes nothing`() {
    let evidence = Evidence(
      history: HistoryEvidence(operations: [], names: NameTable()), truth: GroundTruth(), faults: [],
      milestones: Milestones(),
      roles: Roles(primary: "east", survivor: "eu", stores: ["east", "eu"], mirrors: [], consumers: []),
      objectives: Objectives(leaseTTL: 10 * second))
    let verdict = judge(evidence)
    #expect(verdict.items.allSatisfy { $0.verdict.kind == .inconclusive }, "\(complaints(verdict))")
    #expect(verdict.recoveryPoint == nil)
    #expect(verdict.recoveryPointMissing != nil)
    #expect(verdict.recoveryTimes == nil)
  }

  /// A drill whose faults leave the owner where it is: nothing that only a failover has is missed, and nothing is claimed of it.
  @Test func `without a failover to come, what only a failover has is not missed`() throws {
    var evidence = CleanDrill.evidence()
    evidence.removeNewReign()
    evidence.expectsFailover = false
    let items: [ChecklistItem] = [.noDuplicates, .noAcknowledgedLoss, .orderPerAggregate, .consumerProgress]
    let verdict = judge(evidence, checklist: items)
    #expect(verdict.items.allSatisfy { $0.verdict.kind == .pass }, "\(complaints(verdict))")
    #expect(verdict.overall == .pass)
    #expect(verdict.recoveryTimes == nil)
    let failover = verdict.rows.filter { $0.anomaly.rawValue.hasPrefix("D") && $0.anomaly != .nonConvergence }
    #expect(failover.allSatisfy { $0.state == .notApplicable || $0.anomaly == .replayedEffects })
    evidence.expectsFailover = true
    #expect(judge(evidence, checklist: items).overall != .pass)
  }

  @Test func `one direction behind is enough, and the verdict says which`() throws {
    var evidence = CleanDrill.evidence()
    // Nothing was in flight from east when it was cut off, and it wrote nothing after.
    for row in evidence.truth.logs["eu"] ?? [] where row.origin == "east" {
      guard row.position > (evidence.truth.fences["eu"]?.last?.barrierPosition ?? 0) else { continue }
      for store in ["east", "eu"] { evidence.forget(row.event, in: store) }
      evidence.history.operations.removeAll { $0.event == row.event }
    }
    let item = try #require(judge(evidence).items.first { $0.item == .mirrorLagZero })
    #expect(item.verdict.kind == .pass)
    #expect(item.verdict.headline.hasPrefix("east→eu never fell behind; eu→east was 24"), "\(item.verdict.headline)")
  }
}
