import Checks
import Events
import Scenarios
import Support
import Synchronization
import TestSupport
import Testing

@testable import Drill

/// From the journal to the moments and faults that the checklist is judged by. The journals are made by hand, a second a step.
@Suite struct RunRecordTests {
  /// A journal whose clock a test sets.
  private struct Writer {
    private final class Time: Sendable {
      let now = Atomic<Int64>(0)
    }

    private let journal: Journal
    private let time = Time()

    init(_ directory: RunDirectory) throws {
      let bytes = try readFile("\(packageRoot)/Tests/Fixtures/quick-blackout.yaml")
      try writeFile(directory.scenario, bytes)
      let time = time
      journal = try Journal(
        creating: directory.journal,
        timebase: Timebase(monotonic: { time.now.load(ordering: .relaxed) }, wall: { 0 }))
    }

    func at(_ second: Int64, _ events: any JournalEvent...) async throws {
      time.now.store(second, ordering: .relaxed)
      for event in events { try await journal.record(event) }
    }
  }

  private func seen(
    _ region: String, _ role: String = "follower", writer: String? = nil, own: Int64? = nil, token: Int64? = nil,
    mode: String? = nil, highest: Int64? = nil, etcd: String? = "ap"
  ) -> AuthoritySeen {
    AuthoritySeen(
      region: region, role: role, writer: writer, ownToken: own, token: token, storeMode: mode, storeHighest: highest,
      etcdLeader: etcd, etcdReachable: etcd != nil)
  }

  /// The reign of east, the cut, and its proof: what every drill of this suite begins with.
  private func writeBeginning(_ writer: Writer) async throws {
    try await writer.at(1, PhaseEntered(phase: .baseline))
    try await writer.at(
      2, seen("east", "writer", writer: "east", own: 2, token: 2, mode: "rw", highest: 2),
      seen("eu", writer: "east", token: 2, mode: "ro", highest: 2), seen("ap", writer: "east", token: 2))
    try await writer.at(10, PhaseEntered(phase: .fault))
    try await writer.at(11, FaultArming(fault: "blackout", kind: "partition", objects: [:]))
    try await writer.at(13, FaultArmed(fault: "blackout", at: 12, skew: 1))
    try await writer.at(
      15, FaultProven(fault: "blackout", at: 14, cut: ["east→eu"], open: ["eu→ap"], measured: nil, droppedPackets: 3))
  }

  private func writeEnd(_ writer: Writer) async throws {
    try await writer.at(40, FaultDisarming(fault: "blackout", reason: "planned", droppedPackets: ["eu": 70, "ap": 5]))
    try await writer.at(42, FaultGone(fault: "blackout", at: 41, open: ["east→eu"], differences: []))
    try await writer.at(50, TruthDumped(file: "log-eu.jsonl", rows: 1), HistoryClosed(operations: 1, dropped: 0))
  }

  @Test func aFailoverIsToldByItsMilestones() async throws {
    try await withRunDirectory { directory in
      let writer = try Writer(directory)
      try await writeBeginning(writer)
      try await writer.at(20, seen("east", "demoted", writer: "east", own: 2, token: 2, mode: "ro", highest: 2))
      try await writer.at(21, seen("ap"))
      try await writer.at(22, seen("eu", "sealing", own: 9, mode: "ro", highest: 2))
      try await writer.at(23, seen("eu", "writer", writer: "eu", own: 9, token: 9, mode: "rw", highest: 9))
      try await writeEnd(writer)
      let recorder = try HistoryRecorder(path: directory.history, runID: "r", clock: { 0 }, wall: { 0 })
      for (event, token, completed) in [(0, 2, 19), (1, 9, 25), (2, 9, 24)] as [(UInt64, Int64, Int64)] {
        recorder.record(
          Operation(
            .append, process: 0, event: EventID(producer: 0, sequence: event), key: 0, keySequence: event,
            node: recorder.node("eu"), region: recorder.node("eu"), token: token, invoked: completed - 1,
            completed: completed, outcome: .ok))
      }
      try await recorder.close()

      let record = try RunRecord(reading: directory)
      #expect(record.gaps == [])
      let evidence = record.evidence
      #expect(
        evidence.milestones
          == Milestones(
            baselineStart: 1, baselineEnd: 10, faultInForce: 14, leaderLost: 12, survivorsNoticed: 21,
            tokenGranted: 22, newStoreSealed: 23, oldStoreDemoted: 20, healed: 41, firstAcknowledgedWrite: 24,
            quiescent: 50))
      #expect(!evidence.coordinatorChangedLeader)
      #expect(
        evidence.faults == [
          FaultInterval(
            id: "blackout", kind: "partition", armed: 12, provenSince: 14, disarmed: 40, verifiedGone: 41,
            packetsDropped: 75, brokenPairs: ["east→eu"])
        ])
    }
  }

  /// What did not happen must not be there: an old state of a control plane is no grant and no seal.
  @Test func withoutAFailoverThereAreNoMilestonesOfOne() async throws {
    try await withRunDirectory { directory in
      let writer = try Writer(directory)
      try await writeBeginning(writer)
      try await writer.at(20, seen("eu", writer: "east", token: 2, mode: "ro", highest: 2))
      try await writer.at(21, seen("east", "writer", writer: "east", own: 2, token: 2, mode: "rw", highest: 2))
      try await writeEnd(writer)
      let milestones = try RunRecord(reading: directory).evidence.milestones
      #expect(
        milestones
          == Milestones(
            baselineStart: 1, baselineEnd: 10, faultInForce: 14, leaderLost: 12, healed: 41, quiescent: 50))
    }
  }

  /// Told by the regions that were not cut off; what east says of etcd while it is alone proves nothing.
  @Test(arguments: [("eu", "eu", true), ("ap", "ap", false), ("east", "eu", false), ("eu", nil, false)])
  func aChangeOfTheCoordinatorsLeaderIsSeenBySurvivors(region: String, leader: String?, changed: Bool) async throws {
    try await withRunDirectory { directory in
      let writer = try Writer(directory)
      try await writeBeginning(writer)
      try await writer.at(20, seen(region, etcd: leader))
      try await writer.at(22, seen("eu", "sealing", own: 9, mode: "ro", highest: 2))
      try await writeEnd(writer)
      #expect(try RunRecord(reading: directory).evidence.coordinatorChangedLeader == changed)
    }
  }

  /// After the grant it no longer matters to the election, nor does what happened before the loss.
  @Test(arguments: [5, 30]) func aChangeAtAnotherTimeIsNotCounted(second: Int64) async throws {
    try await withRunDirectory { directory in
      let writer = try Writer(directory)
      if second < 10 {
        try await writer.at(1, seen("eu", etcd: "east"))
        try await writer.at(second, seen("eu", etcd: "ap"))
      }
      try await writeBeginning(writer)
      try await writer.at(22, seen("eu", "sealing", own: 9, mode: "ro", highest: 2))
      if second > 22 { try await writer.at(second, seen("eu", etcd: "eu")) }
      try await writeEnd(writer)
      #expect(try !RunRecord(reading: directory).evidence.coordinatorChangedLeader)
    }
  }

  /// A dead store takes no write and says nothing, so a reign that is given up meanwhile has ended; one that is given up when the
  /// store is back ends as its store says.
  @Test(arguments: [(18, true), (35, false)] as [(Int64, Bool)])
  func aReignThatIsGivenUpWhileItsStoreIsDeadHasEnded(second: Int64, ends: Bool) async throws {
    try await withRunDirectory { directory in
      let writer = try Writer(directory)
      try await writeBeginning(writer)
      try await writer.at(16, ServerLost(region: "east", server: "store", end: "ended by signal 9", fault: "blackout"))
      let demoting = seen("east", "demoting", own: 2, mode: "rw", highest: 2)
      if second < 30 { try await writer.at(second, demoting) }
      try await writer.at(30, ServerRestarted(region: "east", server: "store", fault: "blackout", away: 14))
      if second > 30 { try await writer.at(second, demoting) }
      try await writeEnd(writer)
      let deaths = try RunRecord(reading: directory).evidence.leaderDeaths
      #expect(deaths == (ends ? [LeaderDeath(holder: "east", at: second)] : []))
    }
  }

  /// A fault that ended by itself was never verified gone, and one that could not be proven is not in force.
  @Test func aFaultThatLapsedIsNotCalledHealed() async throws {
    try await withRunDirectory { directory in
      let writer = try Writer(directory)
      try await writeBeginning(writer)
      try await writer.at(16, FaultLapsed(fault: "blackout", node: "eu", reason: "lapsed"))
      try await writer.at(17, RunAborted(reason: "the fault is no longer in force"))
      let record = try RunRecord(reading: directory)
      #expect(record.evidence.milestones.healed == nil)
      #expect(record.faultIntervals.first?.verifiedGone == nil)
      #expect(
        record.gaps == [
          "the end of the journal (it stops after 'run.aborted' in line 10, before the evidence was closed)"
        ])
      #expect(try judgeRun(in: directory).overall == .inconclusive)
    }
  }

  @Test func aFaultThatWasNeverProvenIsNotInForce() async throws {
    try await withRunDirectory { directory in
      let writer = try Writer(directory)
      try await writer.at(11, FaultArming(fault: "blackout", kind: "partition", objects: [:]))
      try await writer.at(12, FaultGone(fault: "another", at: 12, open: [], differences: []))
      let record = try RunRecord(reading: directory)
      #expect(record.faultIntervals == [FaultInterval(id: "blackout", kind: "partition", armed: 11)])
      #expect(record.evidence.milestones.faultInForce == nil)
    }
  }

  /// A reign ends with its process, whose exit the supervision journals; with nothing else that dies, and with nobody else's.
  /// Without that the store's late demotion is the end, and two led (E3).
  @Test(arguments: [
    ("control-plane", "east", 13, true, false), ("control-plane", "east", 13, false, false),
    ("control-plane", "east", 30, true, true), ("store", "east", 13, true, true), ("etcd", "east", 13, true, true),
    ("control-plane", "eu", 13, true, true), (nil, "east", 13, true, true),
  ])
  func onlyADeadControlPlaneLeadsNoLonger(
    server: String?, region: String, second: Int64, demotes: Bool, overlaps: Bool
  ) async throws {
    try await withRunDirectory { directory in
      let writer = try Writer(directory)
      try await writeBeginning(writer)
      func end() async throws {
        guard let server else { return }
        try await writer.at(
          second, ServerLost(region: region, server: server, end: "ended by signal 9", fault: "blackout"))
      }
      if second < 22 { try await end() }
      try await writer.at(22, seen("eu", "sealing", own: 9, mode: "ro", highest: 2))
      try await writer.at(23, seen("eu", "writer", writer: "eu", own: 9, token: 9, mode: "rw", highest: 9))
      if second > 22 { try await end() }
      if demotes {
        try await writer.at(45, seen("east", "follower", writer: "eu", token: 9, mode: "ro", highest: 9))
      }
      try await writeEnd(writer)
      var evidence = try RunRecord(reading: directory).evidence
      evidence.truth.grants = [
        GrantRow(token: 2, holder: "east", observed: 2), GrantRow(token: 9, holder: "eu", observed: 22),
      ]
      let rows = examineLeadership(.of(evidence)).rows
      let row = try #require(rows.first { $0.anomaly == .leaseOverlap })
      #expect(row.findings.contains { $0.certainty == .certain } == overlaps, "\(row)")
      #expect(row.missing == [], "\(row)")
    }
  }

  /// Where nobody saw the old leader stop, and nobody saw it die, that is said.
  @Test func anOldLeaderWhoseEndNobodySawIsMissing() async throws {
    try await withRunDirectory { directory in
      let writer = try Writer(directory)
      try await writeBeginning(writer)
      try await writer.at(22, seen("eu", "sealing", own: 9, mode: "ro", highest: 2))
      try await writeEnd(writer)
      var evidence = try RunRecord(reading: directory).evidence
      evidence.truth.grants = [
        GrantRow(token: 2, holder: "east", observed: 2), GrantRow(token: 9, holder: "eu", observed: 22),
      ]
      let row = examineLeadership(.of(evidence)).rows.first { $0.anomaly == .leaseOverlap }
      #expect(row?.missing == ["the moment at which east stopped to act as leader"])
    }
  }

  /// The service levels of the scenario are those that are judged by.
  @Test func objectivesAndRolesAreTheScenarios() async throws {
    try await withRunDirectory { directory in
      _ = try Writer(directory)
      let evidence = try RunRecord(reading: directory).evidence
      #expect(evidence.objectives.leaseTTL == 4_000_000_000)
      #expect(evidence.objectives.electionMargin == 2_000_000_000)
      #expect(evidence.objectives.mirrorCatchUp == 60_000_000_000)
      #expect(evidence.objectives.recoveryPoint == 60_000_000_000)
      #expect(evidence.roles.primary == "east")
      #expect(evidence.roles.survivor == "eu")
      #expect(evidence.roles.mirrors.map(\.description) == ["east→eu", "eu→east"])
      #expect(evidence.roles.consumers.map(\.description) == ["billing-eu on eu", "billing-ap on east"])
    }
  }
}
