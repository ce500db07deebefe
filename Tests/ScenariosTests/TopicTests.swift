import Scenarios
import Support
import Testing

/// `stack.topic`: what a stack with Kafka writes its events to.
@Suite struct TopicTests {
  private func stack(_ text: String) throws -> StackSettings {
    try parseScenario(
      Array(
        scenario([(old: "kind: postgres-etcd", new: "kind: kafka"), (old: "stack:\n", new: "stack:\n  \(text)\n")]).utf8
      ),
      file: "drill.yaml"
    ).scenario.stack
  }

  @Test func partitionsAndRetentionAreRead() throws {
    let topic = try #require(try stack("topic: { partitions: 4, retention: 8s }").topic)
    #expect(topic == EventTopic(partitions: 4, retention: .seconds(8)))
    #expect("\(topic)" == "events in 4 partitions, kept for 8s")
    #expect(try stack("topic: {}").topic == EventTopic(partitions: 1))
    #expect(try goodModel().scenario.stack.topic == nil)
  }

  @Test func whatCannotBeIsRefusedWithItsReason() {
    for (text, word) in [
      ("topic: { partitions: 0 }", "1"), ("topic: { partitions: 65 }", "64"),
      ("topic: { retention: 500ms }", "2s at least"),
      ("topic: { replicas: 3 }", "replicas"),
    ] {
      let said = problem { _ = try stack(text) } ?? ""
      #expect(said.contains(word), "\(text): \(said)")
    }
    // A stack without topics has none.
    let said = problem {
      _ = try parseScenario(
        Array(scenario([(old: "stack:\n", new: "stack:\n  topic: { partitions: 4 }\n")]).utf8), file: "drill.yaml")
    }
    #expect(said?.contains("topic") == true)
  }
}
