import Support
import Testing

@testable import Stacks

private let east = KafkaMirrorLink.Cluster(alias: "east", bootstrap: ["10.91.1.1:9092"])
private let eu = KafkaMirrorLink.Cluster(alias: "eu", bootstrap: ["10.91.2.1:9092"])

struct MirrorConfigurationTests {
  @Test func theSourceConnectorIsWritten() throws {
    let link = KafkaMirrorLink(from: east, to: eu, topics: ["orders\\..*", "payments"])
    #expect(link.name(.source) == "east-to-eu-source")
    let expected = """
      {"admin.timeout.ms":"4000",\
      "connector.class":"org.apache.kafka.connect.mirror.MirrorSourceConnector","consumer.poll.timeout.ms":"100",\
      "exactly.once.support":"required","header.converter":"org.apache.kafka.connect.converters.ByteArrayConverter",\
      "key.converter":"org.apache.kafka.connect.converters.ByteArrayConverter","offset-syncs.topic.replication.factor":"1",\
      "offset.lag.max":"0","refresh.topics.interval.seconds":"2","replication.factor":"1",\
      "replication.policy.class":"org.apache.kafka.connect.mirror.DefaultReplicationPolicy",\
      "source.admin.default.api.timeout.ms":"3000","source.admin.request.timeout.ms":"2000",\
      "source.cluster.alias":"east","source.cluster.bootstrap.servers":"10.91.1.1:9092",\
      "source.consumer.isolation.level":"read_committed","sync.topic.acls.interval.seconds":"5",\
      "sync.topic.configs.interval.seconds":"5","target.cluster.alias":"eu",\
      "target.cluster.bootstrap.servers":"10.91.2.1:9092","tasks.max":"2","topics":"orders\\\\..*,payments,heartbeats",\
      "topics.exclude":".*\\\\.internal,.*\\\\.dlq,__.*",\
      "value.converter":"org.apache.kafka.connect.converters.ByteArrayConverter"}
      """
    #expect(String(decoding: try encodeJSON(link.configuration(.source)), as: UTF8.self) == expected)
  }

  @Test func theOtherTwoAreWritten() {
    var link = KafkaMirrorLink(
      from: east, to: eu, topics: ["t"], groups: ["g", "h"], policy: .identity, exactlyOnce: false)
    link.checkpointSeconds = 3
    let checkpoint = link.configuration(.checkpoint)
    #expect(checkpoint["groups"] == "g,h" && checkpoint["emit.checkpoints.interval.seconds"] == "3")
    #expect(checkpoint["sync.group.offsets.enabled"] == "true")
    #expect(checkpoint["replication.policy.class"] == "org.apache.kafka.connect.mirror.IdentityReplicationPolicy")
    let heartbeat = link.configuration(.heartbeat)
    #expect(heartbeat["connector.class"] == "org.apache.kafka.connect.mirror.MirrorHeartbeatConnector")
    #expect(heartbeat["topics"] == nil)
    #expect(link.configuration(.source)["exactly.once.support"] == "requested")
  }

  @Test func policiesNameTopics() {
    #expect(MirrorPolicy.standard.name(of: "orders", from: "east") == "east.orders")
    #expect(MirrorPolicy.identity.name(of: "orders", from: "east") == "orders")
    #expect(MirrorPolicy.identity.name(of: "heartbeats", from: "east") == "east.heartbeats")
    #expect(MirrorPolicy.standard.source(of: "east.orders", from: "east") == "orders")
    #expect(MirrorPolicy.standard.source(of: "eastern.orders", from: "east") == nil)
    #expect(MirrorPolicy.identity.source(of: "orders", from: "east") == nil)
  }
}

struct MirrorLintTests {
  private func pair(_ change: (inout [String: [String: String]]) -> Void = { _ in }) -> [String: [String: String]] {
    var connectors: [String: [String: String]] = [:]
    for link in [
      KafkaMirrorLink(from: east, to: eu, topics: ["t"]), KafkaMirrorLink(from: eu, to: east, topics: ["t"]),
    ] {
      for part in KafkaMirrorLink.Part.allCases { connectors[link.name(part)] = link.configuration(part) }
    }
    change(&connectors)
    return connectors
  }

  private let worker = ConnectWorkerSettings(region: "eu", address: "10.91.2.1", bootstrap: eu.bootstrap).properties
  private let strict = MirrorObjectives(
    recoveryTime: .seconds(10), positionAge: .seconds(5), discovery: .seconds(5))

  private func rules(
    _ connectors: [String: [String: String]], worker: [String: String]? = nil
  ) -> Set<MirrorFinding.Rule> {
    let lint = MirrorLint(
      workers: ["eu": worker ?? self.worker], connectors: connectors, brokers: ["east": 1, "eu": 1], objectives: strict)
    return Set(lint.findings().map(\.rule))
  }

  @Test func whatTheLabWritesHasNoFindings() {
    let findings = MirrorLint(
      workers: ["eu": worker], connectors: pair(), brokers: ["east": 1, "eu": 1], objectives: strict
    ).findings()
    #expect(findings == [])
  }

  /// One mistake at a time, each found by its own rule and by no other.
  @Test(arguments: [
    ("east-to-eu-source", "offset.lag.maximum", "5" as String?, MirrorFinding.Rule.unknownKey),
    ("east-to-eu-source", "groups", "g", .unknownKey),
    ("east-to-eu-source", "replication.factor", "3", .replicationFactor),
    ("east-to-eu-source", "offset-syncs.topic.replication.factor", nil, .replicationFactor),
    ("east-to-eu-checkpoint", "checkpoints.topic.replication.factor", "2", .replicationFactor),
    ("east-to-eu-source", "source.consumer.auto.offset.reset", "latest", .startsAtLatest),
    ("east-to-eu-source", "source.consumer.isolation.level", nil, .exactlyOnceIncomplete),
    ("east-to-eu-source", "refresh.topics.interval.seconds", nil, .discoveryTooRare),
    ("east-to-eu-source", "refresh.topics.enabled", "false", .discoveryTooRare),
    ("east-to-eu-checkpoint", "emit.checkpoints.interval.seconds", nil, .checkpointsTooRare),
    ("east-to-eu-checkpoint", "sync.group.offsets.enabled", "false", .noGroupSync),
  ])
  func aMistakeInAConnectorIsFound(connector: String, key: String, value: String?, rule: MirrorFinding.Rule) {
    #expect(rules(pair { $0[connector]?[key] = value }) == [rule])
  }

  @Test(arguments: [
    ("producer.transaction.timeout.ms", nil as String?, MirrorFinding.Rule.transactionTimeout),
    ("scheduled.rebalance.max.delay.ms", nil, .rebalanceDelay),
    ("exactly.once.source.support", "disabled", .exactlyOnceIncomplete),
  ])
  func aMistakeInAWorkerIsFound(key: String, value: String?, rule: MirrorFinding.Rule) {
    var entries = worker
    entries[key] = value
    #expect(rules(pair(), worker: entries) == [rule])
  }

  @Test func anIdentityPairCopiesInCircles() {
    let identity = pair { connectors in
      for name in connectors.keys {
        connectors[name]?["replication.policy.class"] = MirrorPolicy.identity.className
      }
    }
    #expect(rules(identity) == [.cycle])
    var apart = identity
    apart["eu-to-east-source"]?["topics"] = "others,heartbeats"
    #expect(rules(apart) == [])
  }

  @Test func aKeyThatIsNearlyRightIsNamed() {
    let text = MirrorLint(connectors: pair { $0["east-to-eu-source"]?["offset.lag.maxx"] = "0" }).findings().map(\.text)
    #expect(
      text == ["'offset.lag.maxx' has no effect: no connector of a mirror has it; did you mean 'offset.lag.max'?"])
  }
}

struct ConnectStatusTests {
  private func status(_ text: String) throws -> ConnectStatus? {
    ConnectStatus(try decodeJSON(JSONValue.self, from: Array(text.utf8)))
  }

  @Test func connectorAndTasksMustAgree() throws {
    let running = try #require(
      try status(
        #"{"name":"m","connector":{"state":"RUNNING","worker_id":"w"},"tasks":[{"id":1,"state":"PAUSED","worker_id":"w"},{"id":0,"state":"RUNNING","worker_id":"w"}]}"#
      ))
    #expect(!running.isAll(.running) && !running.isAll(.paused))
    #expect(running.description == "m RUNNING, tasks 0 RUNNING, 1 PAUSED")
    let idle = try #require(try status(#"{"name":"m","connector":{"state":"RUNNING"},"tasks":[]}"#))
    #expect(!idle.isAll(.running) && idle.isAll(.running, mayBeIdle: true))
    let stopped = try #require(try status(#"{"name":"m","connector":{"state":"STOPPED"},"tasks":[]}"#))
    #expect(stopped.isAll(.stopped))
  }

  @Test func aTracesFirstLineIsTheReason() throws {
    let failed = try #require(
      try status(
        #"{"name":"m","connector":{"state":"RUNNING"},"tasks":[{"id":0,"state":"FAILED","trace":"org.Boom: no such host\n\tat a\n\tat b"}]}"#
      ))
    #expect(failed.failure == "task 0 of m: org.Boom: no such host")
  }

  @Test(arguments: [
    "{}", "[]", #"{"name":"m","connector":{"state":"DANCING"},"tasks":[]}"#,
    #"{"name":"m","connector":{"state":"RUNNING"},"tasks":[{}]}"#,
  ])
  func whatIsNoStatusIsNone(text: String) throws {
    #expect(try status(text) == nil)
  }

  @Test func aMirrorsOffsetIsReadAndWritten() {
    let offset = ConnectOffset.mirrored(KafkaPartition("orders.us", 3), of: "east", lastOffset: 41)
    #expect(offset.mirrored?.partition == KafkaPartition("orders.us", 3) && offset.mirrored?.lastOffset == 41)
    #expect(ConnectOffset(partition: ["file": "x"], offset: .null).mirrored == nil)
  }
}
