import Scenarios
import Support
import Testing

/// `stack.outbox`, its verbs and its item.
@Suite struct OutboxTests {
  private func loaded(_ outbox: String, kind: String = "kafka", item: String? = nil) throws -> LoadedScenario {
    var changes = [
      (old: "kind: postgres-etcd", new: "kind: \(kind)"), (old: "stack:\n", new: "stack:\n  \(outbox)\n"),
    ]
    if let item { changes.append((old: "checklist:\n", new: "checklist:\n  - { item: \(item) }\n")) }
    return try parseScenario(Array(scenario(changes).utf8), file: "drill.yaml")
  }

  @Test func anOutboxIsReadAndMakesTheEventsTheStores() throws {
    let stack = try loaded("outbox: { rows: deleted, partitions: 4 }").scenario.stack
    #expect(stack.outbox == OutboxSettings(rows: .deleted, partitions: 4))
    #expect(!stack.hasEventsInKafka)
    #expect(stack.outbox.map { "\($0)" } == "outbox to outbox.orders in 4 partitions, rows deleted")
    #expect(try loaded("outbox: {}").scenario.stack.outbox == OutboxSettings())
    #expect(try loaded("topic: {}").scenario.stack.hasEventsInKafka)
    let plain = try goodModel().scenario.stack
    #expect(plain.outbox == nil && !plain.hasEventsInKafka)
  }

  @Test func whatCannotBeIsRefusedWithItsReason() {
    for (text, word) in [
      ("outbox: { rows: burnt }", "burnt"), ("outbox: { partitions: 0 }", "1"), ("outbox: { topic: x }", "topic"),
      ("outbox: {}\n  topic: { partitions: 4 }", "leave one of the two out"),
      ("outbox: {}\n  guards: [admin]", "leave one of the two out"),
    ] {
      let said = problem { _ = try loaded(text) } ?? ""
      #expect(said.contains(word), "\(text): \(said)")
    }
    #expect(problem { _ = try loaded("outbox: {}", kind: "postgres-etcd") }?.contains("outbox") == true)
  }

  @Test func theItemTakesAnOutbox() throws {
    #expect(try loaded("outbox: {}", item: "outbox-complete").scenario.checklist.first?.item == .outboxComplete)
    let said = problem { _ = try loaded("topic: {}", item: "outbox-complete") } ?? ""
    #expect(said.contains("INCONCLUSIVE"), "\(said)")
  }

  @Test func theVerbsTakeAnOutbox() throws {
    let runbook = """
      runbook:
        steps:
          - { id: move, do: { repoint-outbox: { to: eu, snapshot: initial } }, timeout: 30s }
          - { id: again, do: { re-emit-outbox: { region: eu } }, timeout: 30s }

      checklist:

      """
    func load(_ stack: String) throws -> Scenario {
      try parseScenario(
        Array(
          scenario([
            (old: "kind: postgres-etcd", new: "kind: kafka"), (old: "stack:\n", new: "stack:\n  \(stack)\n"),
            (old: "checklist:\n", new: runbook),
          ]).utf8), file: "drill.yaml"
      ).scenario
    }
    let steps = try #require(try load("outbox: {}").runbook).steps.map(\.action)
    #expect(
      steps == [
        .repointOutbox(OutboxMove(to: "eu", snapshot: .initial)), .reEmitOutbox(InRegion(region: "eu")),
      ])
    #expect(problem { _ = try load("topic: {}") }?.contains("the store has no outbox") == true)
    // And those of mirrored clusters have nothing to work on there.
    let mirrored = runbook.replacing("re-emit-outbox: { region: eu }", with: "mirror-status: { from: east, to: eu }")
    let said = problem {
      _ = try parseScenario(
        Array(
          scenario([
            (old: "kind: postgres-etcd", new: "kind: kafka"), (old: "stack:\n", new: "stack:\n  outbox: {}\n"),
            (old: "checklist:\n", new: mirrored),
          ]).utf8), file: "drill.yaml")
    }
    #expect(said?.contains("with stack.outbox they are the stores'") == true, "\(said ?? "")")
  }
}
