import Events
import Testing

@testable import Drill

/// When enough is known of guards for the faults to begin.
@Suite struct GuardTrialsTests {
  private let registry = GuardTrials.Guard(store: "eu", surface: .registry)
  private let admin = GuardTrials.Guard(store: "eu", surface: .admin)

  private func attempt(
    _ surface: GuardAttemptRow.Surface, _ presented: GuardAttemptRow.Presented, at store: String = "eu",
    isAround: Bool = false, _ outcome: GuardAttemptRow.Outcome = .refused
  ) -> GuardAttemptRow {
    GuardAttemptRow(
      store: store, surface: surface, isAround: isAround, from: "eu", presented: presented, token: nil,
      target: "orders-value", fingerprint: nil, invoked: 0, completed: 1, outcome: outcome, detail: "")
  }

  private func seen(in store: String) -> SchemaRow {
    SchemaRow(store: store, subject: "orders-value", version: 1, schemaID: 1, fingerprint: "f", observed: 0)
  }

  @Test func nothingIsKnownAtFirst() {
    #expect(
      GuardTrials().untried(of: [registry, admin]) == ["eu's registry guard", "eu's admin guard"])
    #expect(GuardTrials().untried(of: []) == [])
  }

  @Test func bothRefusalsAndALookMakeARegistrysGuardKnown() {
    var trials = GuardTrials(attempts: [attempt(.registry, .none), attempt(.registry, .stale)])
    #expect(trials.untried(of: [registry]) == ["eu's registry guard"], "nobody has looked into it")
    trials.schemas = [seen(in: "ap")]
    #expect(trials.untried(of: [registry]) == ["eu's registry guard"], "another one was looked into")
    trials.schemas.append(seen(in: "eu"))
    #expect(trials.untried(of: [registry]) == [])
    for missing in [GuardAttemptRow.Presented.none, .stale] {
      var fewer = trials
      fewer.attempts.removeAll { $0.presented == missing }
      #expect(fewer.untried(of: [registry]) == ["eu's registry guard"], "\(missing) was not tried")
    }
  }

  /// A broker's administration has no schemas to look at.
  @Test func bothRefusalsMakeAnAdministrationsGuardKnown() {
    let trials = GuardTrials(attempts: [attempt(.admin, .none), attempt(.admin, .stale)])
    #expect(trials.untried(of: [admin]) == [])
    #expect(trials.untried(of: [registry, admin]) == ["eu's registry guard"])
  }

  @Test func onlyARefusalByThisGuardCounts() {
    let others: [GuardAttemptRow] = [
      attempt(.admin, .stale, at: "us"), attempt(.registry, .stale), attempt(.admin, .stale, isAround: true),
      attempt(.admin, .stale, .accepted), attempt(.admin, .stale, .notDone), attempt(.admin, .stale, .unknown),
      attempt(.admin, .invented), attempt(.admin, .inflated),
    ]
    for other in others {
      let trials = GuardTrials(attempts: [attempt(.admin, .none), other])
      #expect(trials.untried(of: [admin]) == ["eu's admin guard"], "\(other)")
    }
  }
}
