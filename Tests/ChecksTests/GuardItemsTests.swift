import Checks
import Events
import Testing

/// A drill of 30 s with one registry guard and one admin guard in each of two regions, in which all is well: the fault is in force
/// from 10 s to 20 s, the reign is 12 throughout.
private struct GuardedDrill {
  var attempts: [GuardAttemptRow] = []
  var decisions: [GuardDecisionRow] = []
  var schemas: [SchemaRow] = []
  var grants = [GrantRow(token: 12, holder: "east", observed: 1 * second)]

  static let subject = "orders-value"

  init() {
    for store in ["east", "eu"] {
      var versions: [(version: Int, mark: String)] = []
      for time in [Int64(4), 14, 24] {
        for surface in GuardAttemptRow.Surface.allCases {
          for (presented, token) in [
            (GuardAttemptRow.Presented.none, nil), (.stale, 9), (.inflated, 1012), (.current, 12),
          ]
            as [(GuardAttemptRow.Presented, Int64?)]
          {
            attempt(store, surface, presented, token, at: time * second)
          }
        }
        around(store, at: time * second + 500_000_000)
        versions.append((versions.count + 1, "\(time)"))
        look(store, versions, at: (time + 2) * second)
      }
    }
  }

  mutating func attempt(
    _ store: String, _ surface: GuardAttemptRow.Surface, _ presented: GuardAttemptRow.Presented, _ token: Int64?,
    at time: Int64, passes: Bool? = nil
  ) {
    let isAllowed = passes ?? (presented == .current)
    attempts.append(
      GuardAttemptRow(
        store: store, surface: surface, isAround: false, from: store, presented: presented, token: token,
        target: Self.subject, invoked: time, completed: time + 1000, outcome: isAllowed ? .accepted : .refused,
        detail: ""))
    decisions.append(
      GuardDecisionRow(
        store: store, surface: surface,
        asked: surface == .admin ? "CreateTopics 4" : "POST /apis/ccompat/v7/subjects/\(Self.subject)/versions",
        token: token.map { "\($0)" }, isAllowed: isAllowed, rule: isAllowed ? "current-token" : "stale-token",
        current: 12, observed: time + 500))
  }

  mutating func around(_ store: String, at time: Int64, outcome: GuardAttemptRow.Outcome = .notDone, mark: String = "x")
  {
    attempts.append(
      GuardAttemptRow(
        store: store, surface: .registry, isAround: true, from: store, presented: .none, token: nil,
        target: Self.subject, fingerprint: mark, invoked: time, completed: time + 1000, outcome: outcome, detail: ""))
  }

  mutating func look(_ store: String, _ versions: [(version: Int, mark: String)], at time: Int64) {
    schemas += versions.map {
      SchemaRow(
        store: store, subject: Self.subject, version: $0.version, schemaID: Int64($0.version), fingerprint: $0.mark,
        observed: time)
    }
  }

  var evidence: Evidence {
    var truth = GroundTruth(grants: grants)
    truth.guardAttempts = attempts
    truth.guardDecisions = decisions
    truth.schemas = schemas
    return Evidence(
      history: HistoryEvidence(operations: [], names: NameTable()), truth: truth,
      faults: [
        FaultInterval(
          id: "cut", kind: "partition", armed: 10 * second, provenSince: 10 * second, disarmed: 20 * second,
          verifiedGone: 20 * second, packetsDropped: 9)
      ],
      milestones: Milestones(
        baselineStart: 0, baselineEnd: 9 * second, faultInForce: 10 * second, healed: 20 * second,
        quiescent: 30 * second),
      roles: Roles(
        primary: "east", survivor: "eu", stores: ["east", "eu"], guarded: [], mirrors: [], consumers: [],
        surfaces: ["east", "eu"].flatMap { [GuardSurface($0, .admin), GuardSurface($0, .registry)] }),
      objectives: Objectives(leaseTTL: 10 * second), expectsFailover: false)
  }

  func verdict(of item: ChecklistItem) throws -> Verdict {
    try #require(judge(evidence, checklist: [item]).items.first).verdict
  }

  /// The items that fail, of both.
  func failing() throws -> [ChecklistItem] {
    try [ChecklistItem.staleTokenRejected, .noUnfencedSchemaChange].filter { try verdict(of: $0).kind == .fail }
  }
}

/// The items that guards are judged by: right guards pass, each mistake fails the item made for it and not the other one.
@Suite struct GuardItemsTests {
  @Test func `guards that let the current token alone pass are passed, with what was tried`() throws {
    let drill = GuardedDrill()
    for item in [ChecklistItem.staleTokenRejected, .noUnfencedSchemaChange] {
      guard case .pass(let coverage) = try drill.verdict(of: item) else {
        Issue.record("\(item.rawValue): \(try drill.verdict(of: item).headline)")
        continue
      }
      #expect(coverage.confidence != nil)
    }
    #expect(
      try drill.verdict(of: .staleTokenRejected).headline.hasPrefix("36 requests without the current token refused"))
  }

  @Test(arguments: GuardAttemptRow.Surface.allCases) func `a guard that lets a wrong token pass fails the fence alone`(
    surface: GuardAttemptRow.Surface
  ) throws {
    for (presented, token) in [(GuardAttemptRow.Presented.none, nil), (.stale, 9), (.inflated, 1012)]
      as [(GuardAttemptRow.Presented, Int64?)]
    {
      var drill = GuardedDrill()
      drill.attempt("eu", surface, presented, token, at: 15 * second, passes: true)
      if surface == .registry {
        // It is there from then on.
        drill.look("eu", [(1, "4"), (2, "14"), (3, "15")], at: 17 * second)
        drill.schemas.removeAll { $0.store == "eu" && $0.observed == 26 * second }
        drill.look("eu", [(1, "4"), (2, "14"), (3, "15"), (4, "24")], at: 26 * second)
      }
      #expect(try drill.failing() == [.staleTokenRejected], "\(presented)")
      #expect(try drill.verdict(of: .staleTokenRejected).headline.contains("eu's \(surface.rawValue) guard let"))
    }
  }

  @Test func `an old token is let pass for as long as a guard may believe its last answer, and no longer`() throws {
    for (delay, kinds) in [(Int64(1), [Verdict.Kind.pass]), (3, [.fail])] {
      var drill = GuardedDrill()
      drill.decisions.removeAll { $0.isAllowed && $0.observed > 10 * second }
      drill.attempts.removeAll { $0.outcome == .accepted && $0.invoked > 10 * second }
      drill.grants.append(GrantRow(token: 20, holder: "eu", observed: 4 * second + 500 - delay * second))
      for store in ["east", "eu"] {
        for surface in GuardAttemptRow.Surface.allCases { drill.attempt(store, surface, .stale, 12, at: 25 * second) }
      }
      #expect(try kinds.contains(drill.verdict(of: .staleTokenRejected).kind), "\(delay) s")
    }
  }

  @Test func `who tries the old token just after the grant of a new one convicts no guard, and later does`() throws {
    for (delay, kind) in [(Int64(1), Verdict.Kind.pass), (3, .fail)] {
      var drill = GuardedDrill()
      drill.decisions.removeAll { $0.isAllowed && $0.observed > 10 * second }
      drill.attempts.removeAll { $0.outcome == .accepted && $0.invoked > 10 * second }
      drill.grants.append(GrantRow(token: 20, holder: "eu", observed: 5 * second))
      for store in ["east", "eu"] {
        for surface in GuardAttemptRow.Surface.allCases {
          drill.attempt(store, surface, .stale, 12, at: (5 + delay) * second, passes: true)
          drill.attempt(store, surface, .stale, 12, at: 25 * second)
        }
      }
      // By what the client was told alone.
      drill.decisions.removeAll { $0.isAllowed && $0.observed > 5 * second }
      let verdict = try drill.verdict(of: .staleTokenRejected)
      #expect(verdict.kind == kind, "\(delay) s: \(verdict.headline)")
    }
  }

  @Test func `a version that no guard let pass fails the schema item alone`() throws {
    var drill = GuardedDrill()
    drill.schemas.removeAll { $0.store == "eu" && $0.observed == 26 * second }
    drill.look("eu", [(1, "4"), (2, "14"), (3, "24"), (4, "nobody's")], at: 26 * second)
    #expect(try drill.failing() == [.noUnfencedSchemaChange])
    #expect(try drill.verdict(of: .noUnfencedSchemaChange).headline.contains("version 4 of orders-value"))
  }

  @Test(arguments: [("orders-value", true), ("orders-value-2", false), ("orders", false)])
  func `only a request for the very subject stands behind a change of it`(subject: String, excuses: Bool) throws {
    var drill = GuardedDrill()
    drill.schemas.removeAll { $0.store == "eu" && $0.observed == 26 * second }
    drill.look("eu", [(1, "4"), (2, "14"), (3, "24"), (4, "somebody's")], at: 26 * second)
    drill.decisions.append(
      GuardDecisionRow(
        store: "eu", surface: .registry, asked: "POST /apis/ccompat/v7/subjects/\(subject)/versions", token: "12",
        isAllowed: true, rule: "current-token", current: 12, observed: 25 * second))
    #expect(try drill.failing() == (excuses ? [] : [.noUnfencedSchemaChange]))
  }

  @Test func `a version that is gone without a deletion fails the schema item`() throws {
    var drill = GuardedDrill()
    drill.schemas.removeAll { $0.store == "east" && $0.observed == 26 * second }
    drill.look("east", [(2, "14"), (3, "24")], at: 26 * second)
    #expect(try drill.failing() == [.noUnfencedSchemaChange])
    drill.decisions.append(
      GuardDecisionRow(
        store: "east", surface: .registry, asked: "DELETE /apis/ccompat/v7/subjects/orders-value/versions/1",
        token: "12",
        isAllowed: true, rule: "current-token", current: 12, observed: 25 * second))
    #expect(try drill.failing() == [])
  }

  @Test func `what is carried out past a guard fails the schema item, also when it leaves no trace`() throws {
    var drill = GuardedDrill()
    drill.around("eu", at: 16 * second, outcome: .accepted, mark: "gone again")
    #expect(try drill.failing() == [.noUnfencedSchemaChange])
  }

  @Test func `a topic made past the guard fails the fence`() throws {
    var drill = GuardedDrill()
    drill.attempts.append(
      GuardAttemptRow(
        store: "eu", surface: .admin, isAround: true, from: "east", presented: .none, token: nil, target: "topic t",
        invoked: 15 * second, completed: 15 * second + 5, outcome: .accepted, detail: ""))
    #expect(try drill.failing() == [.staleTokenRejected])
  }

  /// What the items cannot do without, one at a time.
  @Test(arguments: [
    (ChecklistItem.staleTokenRejected, "the record of the attempts"), (.staleTokenRejected, "the log of decisions"),
    (.staleTokenRejected, "during the faults"), (.staleTokenRejected, "it may refuse everybody"),
    (.staleTokenRejected, "the election's grants"),
    (.noUnfencedSchemaChange, "the subjects and versions of eu's registry during the faults"),
    (.noUnfencedSchemaChange, "an attempt past eu's registry guard after the heal"),
    (.noUnfencedSchemaChange, "that eu's registry guard refused before the faults"),
  ])
  func `without its evidence an item is inconclusive, and names it`(item: ChecklistItem, what: String) throws {
    var drill = GuardedDrill()
    var evidence: Evidence?
    switch what {
    case "the record of the attempts":
      evidence = drill.evidence
      evidence?.truth.guardAttempts = nil
    case "the log of decisions": drill.decisions.removeAll { $0.store == "eu" }
    case "during the faults": drill.attempts.removeAll { $0.invoked < 20 * second && $0.invoked > 10 * second }
    case "it may refuse everybody": drill.attempts.removeAll { $0.presented == .current && $0.store == "eu" }
    case "the election's grants": drill.grants = []
    case "the subjects and versions of eu's registry during the faults":
      drill.schemas.removeAll { $0.store == "eu" && $0.observed == 16 * second }
    case "an attempt past eu's registry guard after the heal":
      drill.attempts.removeAll { $0.store == "eu" && $0.isAround && $0.invoked > 20 * second }
    default:
      drill.attempts.removeAll {
        $0.store == "eu" && !$0.isAround && $0.presented != .current && $0.invoked < 10 * second
      }
    }
    let verdict = try #require(judge(evidence ?? drill.evidence, checklist: [item]).items.first).verdict
    #expect(verdict.kind == .inconclusive)
    #expect(verdict.headline.contains(what), "\(verdict.headline)")
  }

  /// Once there was an earlier reign its own token must have been refused by every guard: a smaller number proves less.
  @Test func `where write authority moved a token that was really held must have been refused`() throws {
    var drill = GuardedDrill()
    drill.grants = [
      GrantRow(token: 10, holder: "eu", observed: 1), GrantRow(token: 12, holder: "east", observed: 1 * second),
    ]
    let without = try #require(judge(drill.evidence, checklist: [.staleTokenRejected]).items.first).verdict
    #expect(without.kind == .inconclusive)
    for guarded in ["east's admin guard", "eu's admin guard", "east's registry guard", "eu's registry guard"] {
      let missing = "a request with the token of an earlier reign that \(guarded) refused"
      #expect(without.headline.contains(missing), "\(without)")
    }
    for store in ["east", "eu"] {
      for surface in GuardAttemptRow.Surface.allCases { drill.attempt(store, surface, .stale, 10, at: 25 * second) }
    }
    let with = try #require(judge(drill.evidence, checklist: [.staleTokenRejected]).items.first).verdict
    #expect(with.kind == .pass, "\(with)")
    // One that was let pass is a violation, however many were refused.
    drill.attempt("eu", .registry, .stale, 10, at: 26 * second, passes: true)
    let verdict = try #require(judge(drill.evidence, checklist: [.staleTokenRejected]).items.first).verdict
    #expect(verdict.kind == .fail, "\(verdict)")
  }
}
