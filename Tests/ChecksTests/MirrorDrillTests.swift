import Checks
import Events
import Support
import Testing

/// Mirrors and leadership over the evidence of whole drills.
@Suite struct MirrorAndLeadershipDrillTests {
  @Test(arguments: UInt64(1)...5)
  func `a clean drill shows no anomaly of mirrors`(seed: UInt64) {
    let rows = examineMirrors(MirrorEvidence.of(CleanDrill.evidence(seed: seed))).rows
    #expect(rows.map(\.anomaly).count == 18)
    #expect(rows.flatMap(\.findings).map(\.what) == [])
    #expect(rows.flatMap(\.missing) == [])
    let looked = rows.filter { $0.notApplicable == nil }
    #expect(
      Set(looked.map(\.anomaly)) == [
        .mirrorMissing, .mirrorDuplicate, .mirrorReorder, .mirrorMutation, .mirrorDivergence, .mirrorLoop, .lagNotZero,
      ])
    #expect(looked.allSatisfy { $0.examined.map { $0.value > 0 } ?? false })
  }

  @Test(arguments: UInt64(1)...5)
  func `a clean drill shows no anomaly of leadership`(seed: UInt64) {
    let rows = examineLeadership(LeadershipEvidence.of(CleanDrill.evidence(seed: seed))).rows
    #expect(rows.map(\.anomaly).count == 12)
    #expect(rows.flatMap(\.findings).map(\.what) == [])
    #expect(rows.flatMap(\.missing) == [])
    let looked = rows.filter { $0.notApplicable == nil }
    #expect(looked.count == 10)
    #expect(looked.allSatisfy { $0.examined.map { $0.value > 0 } ?? false }, "\(looked.map(\.examined))")
  }

  @Test func `a drill without dumps is inconclusive, row by row`() {
    var evidence = CleanDrill.evidence()
    evidence.truth.logs["eu"] = nil
    evidence.truth.grants = nil
    let mirrors = examineMirrors(MirrorEvidence.of(evidence)).rows.filter { $0.notApplicable == nil }
    #expect(mirrors.allSatisfy { $0.missing == ["the dump of eu's log", "the dump of eu's log"] })
    let leadership = examineLeadership(LeadershipEvidence.of(evidence)).rows
    for row in leadership where [.tokenRegress, .electionLate, .flapping].contains(row.anomaly) {
      #expect(row.missing == ["the dump of the election's grants"])
    }
    #expect(leadership.first { $0.anomaly == .staleTokenAccepted }?.missing == ["the dump of eu's log"])
  }

  /// A real run: rows are carried in the order of commits, which is not that of their numbers.
  @Test func `the recorded drill shows no anomaly`() throws {
    let evidence = try RecordedDrill.evidence()
    let mirrors = examineMirrors(MirrorEvidence.of(evidence))
    #expect(mirrors.rows.flatMap(\.findings).map(\.what) == [])
    #expect(mirrors.rows.flatMap(\.missing) == [])
    let leadership = examineLeadership(LeadershipEvidence.of(evidence))
    #expect(leadership.rows.flatMap(\.findings).map(\.what) == [])
    #expect(leadership.rows.flatMap(\.missing) == [])
    #expect(leadership.measures.contains { $0.name == "eu unsealed for token 4" && $0.value > 0 && $0.value < 0.1 })
    #expect(mirrors.measures.contains { $0.name == "east→eu most records behind" && $0.value == 15 })
  }
}

extension Anomaly {
  fileprivate static let flapping = Anomaly.leadershipFlapping
}

/// The run in Tests/Fixtures/recorded-blackout, with the times that its journal has.
enum RecordedDrill {
  static func evidence() throws -> Evidence {
    let folder = LeadershipCorpusTests.folder + "/../recorded-blackout"
    func rows<Row: GroundTruthRow>(_ file: String, _ type: Row.Type) throws -> [Row] {
      try Dump<Row>(path: "\(folder)/ground-truth/\(file).jsonl").rows
    }
    var truth = GroundTruth()
    for store in ["east", "eu"] {
      truth.logs[store] = try rows("log-\(store)", LogRow.self)
      truth.fences[store] = try rows("fence-\(store)", FenceEntry.self)
    }
    truth.grants = try rows("grants", GrantRow.self)
    return Evidence(
      history: HistoryEvidence(try History(path: "\(folder)/history.bsh")), truth: truth,
      faults: [
        FaultInterval(
          id: "blackout", kind: "partition", armed: 6_165_864_504_179, provenSince: 6_165_872_870_775,
          disarmed: 6_174_867_544_859, verifiedGone: 6_174_871_030_611, packetsDropped: 322,
          brokenPairs: ["east→eu", "east→ap", "eu→east", "ap→east"])
      ],
      milestones: Milestones(
        faultInForce: 6_165_872_870_775, leaderLost: 6_165_872_870_775, tokenGranted: 6_168_496_161_792,
        newStoreSealed: 6_168_496_797_929, oldStoreDemoted: 6_167_843_774_532, healed: 6_174_871_030_611,
        quiescent: 6_180_957_508_378),
      roles: Roles(
        primary: "east", survivor: "eu", stores: ["east", "eu"],
        mirrors: [MirrorDirection(from: "east", to: "eu"), MirrorDirection(from: "eu", to: "east")], consumers: []),
      objectives: Objectives(leaseTTL: 3_000_000_000))
  }
}
