import Faults
import Scenarios
import Support
import Testing

@testable import Drill

/// What a drill on Kafka refuses before anything is made, and what it does not refuse any more.
struct UnsupportedTests {
  private func refusal(_ file: String, _ changes: [(String, String)] = []) throws -> String? {
    let plan = try resolvePlan(
      try scenario("scenarios/\(file)", changes), tool: "test", features: NodeProfile.unknown.features)
    do throws(Problems) { try refuseUnsupported(plan) } catch {
      return error.items.map { "\($0)" }.joined(separator: "\n")
    }
    return nil
  }

  private let failover = "kafka-blackout-failover-failback.yaml"
  private let reconcile = "    - id: reconcile\n"

  private func granting(_ topic: String) -> [(String, String)] {
    let grant = "{ region: eu, principal: 'User:bills', topics: [\(topic)] }"
    return [
      (
        reconcile,
        "    - { id: let-in, do: { grant-write: \(grant) }, undo: { revoke-write: \(grant) }, timeout: 5s }\n\(reconcile)"
      )
    ]
  }

  @Test func severalPartitionsMayFailOver() throws {
    #expect(try scenario("scenarios/\(failover)").scenario.stack.topic?.partitions == 4)
    #expect(try refusal(failover) == nil)
  }

  @Test func rulesOfTheFencedTopicAreTheFences() throws {
    let said = try refusal(failover, granting("orders")) ?? ""
    #expect(
      said.contains(
        "the step 'let-in', which sets who may write to 'orders': the fence does, as the control planes say"),
      "\(said)")
    #expect(try refusal(failover, granting("bills")) == nil)
  }

  /// Where no step gives or takes authority, there is no fence, and nobody to keep out.
  @Test func aRunbookOfAMirrorAloneMovesNoWriteAuthority() throws {
    #expect(try !scenario("scenarios/kafka-backfill-storm.yaml").scenario.movesWriteAuthority)
    #expect(try scenario("scenarios/\(failover)").scenario.movesWriteAuthority)
    for step in ["{ promote: { region: eu } }", "{ command: { argv: [/bin/true] } }"] {
      let loaded = try scenario(
        "scenarios/kafka-backfill-storm.yaml",
        [
          (
            "    - id: stop\n",
            "    - { id: more, do: \(step), undo: { wait: { for: 1s } }, verify: { metric: events, min: 1 }, timeout: 9s }\n    - id: stop\n"
          )
        ])
      #expect(loaded.scenario.movesWriteAuthority)
    }
  }
}
