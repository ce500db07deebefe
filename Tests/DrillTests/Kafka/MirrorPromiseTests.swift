import Faults
import Lab
import Netlink
import Scenarios
import Stacks
import Support
import Testing

@testable import Drill

/// What a scenario promises of Kafka's mirrors is held against the configuration that the lab gives them.
@Suite struct MirrorPromiseTests {
  private func plan(_ changes: [(String, String)]) throws -> Plan {
    try resolvePlan(
      try scenario("scenarios/kafka-mirror-worker-killed-exactly-once.yaml", changes), tool: "test",
      features: NodeProfile.unknown.features, inside: InnerProfile())
  }

  @Test func aTransactionThatOutlivesTheObjectiveIsRefusedBeforeAnythingIsTouched() throws {
    let problems = #expect(throws: Problems.self) {
      try plan([("transactionTimeout: 5s", "transactionTimeout: 60s")])
    }
    let text = "\(problems.map { "\($0)" } ?? "")"
    #expect(text.contains("is back only after 60s") || text.contains("is back only after 1m"), "\(text)")
    #expect(text.contains("45s is promised") && text.contains("stack.mirror.transactionTimeout"), "\(text)")
    #expect(problems?.items.allSatisfy { $0.code == .usage } == true)
  }

  @Test func theSameTimeOutHarmsNobodyWhereNoMirrorEnds() throws {
    _ = try plan([("transactionTimeout: 5s", "transactionTimeout: 60s"), ("role: mirror", "role: broker")])
    _ = try plan([("delivery: exactly-once, transactionTimeout: 5s", "delivery: at-least-once")])
  }

  @Test func theLabMirrorsAsTheScenarioSays() throws {
    let once = try scenario("scenarios/kafka-mirror-worker-killed-exactly-once.yaml").scenario.lab(
      id: "x", carrying: nil)
    #expect(once.kafka?.exactlyOnce == true && once.kafka?.transactionTimeoutMilliseconds == 5000)
    let often = try scenario("scenarios/kafka-mirror-worker-killed.yaml").scenario.lab(id: "x", carrying: nil)
    #expect(often.kafka?.exactlyOnce == false && often.kafka?.offsetFlushMilliseconds == 4000)
    #expect(
      often.worker(of: "eu", address: "10.91.2.1", bootstrap: [])?.properties["offset.flush.interval.ms"] == "4000")
    let outbox = try scenario("scenarios/kafka-outbox-failover.yaml").scenario.lab(id: "x", carrying: nil)
    #expect(outbox.kafka?.outbox?.keepsRows == true && outbox.mirrorLinks().isEmpty)
    #expect(outbox.regions(with: .broker).map(\.name) == ["east"])
    #expect(try scenario("scenarios/store-killed.yaml").scenario.lab(id: "x", carrying: nil).kafka == nil)
  }
}
