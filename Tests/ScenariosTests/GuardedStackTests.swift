import Scenarios
import Support
import Testing

/// Guards in a scenario's words.
@Suite struct GuardedStackTests {
  /// The good scenario on Kafka with these guards, judged by that item.
  private static func text(_ guards: String, item: String = "no-unfenced-schema-change", kind: String = "kafka")
    -> String
  {
    goodScenario.replacing("kind: postgres-etcd", with: "kind: \(kind)\n  guards: \(guards)")
      .replacing("- { item: no-duplicates }", with: "- { item: no-duplicates }\n  - { item: \(item) }")
  }

  private static func mistakes(_ text: String) throws -> [String] {
    do throws(Problems) {
      _ = try parseScenario(Array(text.utf8), file: "guards.yaml")
      return []
    } catch { return error.items.map { "\($0)" } }
  }

  @Test func guardsAreReadAndPlanned() throws {
    let loaded = try parseScenario(Array(Self.text("[admin, registry]").utf8), file: "guards.yaml")
    #expect(loaded.scenario.stack.guards == [.admin, .registry])
    let plan = try makePlan(loaded, tool: "test")
    #expect(planText(plan).contains("guards before: admin, registry"))
    let evidence = try #require(plan.evidence.first { $0.item == .noUnfencedSchemaChange })
    #expect(evidence.needs.contains { $0.contains("before, during and after") })
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  @Test func everythingAboutGuardsIsReadOrRefused() throws {
    #expect(try Self.mistakes(Self.text("[registry]")) == [])
    #expect(try Self.mistakes(Self.text("[admin]")).contains { $0.contains("there is no schema registry") })
    #expect(try Self.mistakes(Self.text("[registry, registry]")).contains { $0.contains("the guard 'registry'") })
    #expect(try Self.mistakes(Self.text("[regestry]")).contains { $0.contains("registry") })
    #expect(
      try Self.mistakes(Self.text("[registry]", kind: "postgres-etcd")).contains {
        $0.contains("no Kafka and no schema")
      })
  }

  /// Without guards somebody has to write with an old token; with them they are tried whoever writes.
  @Test func guardsNeedNoOldLeader() throws {
    let without = Self.text("[admin, registry]").replacing("  oldLeader: { region: east, rate: 5/s }\n", with: "")
    #expect(try Self.mistakes(without) == [])
    let unguarded = without.replacing("  guards: [admin, registry]\n", with: "")
    #expect(try Self.mistakes(unguarded).contains { $0.contains("nobody tries a stale token") })
  }
}
