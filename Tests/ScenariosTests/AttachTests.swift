import Scenarios
import Support
import Testing

/// `stack.attach`: Kafka clusters that stand already.
@Suite struct AttachTests {
  private static let password = "hunter2-in-clear"

  /// A drill on two standing clusters; `changes` as in the golden files.
  static func text(_ changes: [(old: String, new: String)] = []) -> String {
    var text = scenario([
      (
        """
          lab:
            regions:
              east: { roles: [store, control, quorum] }
              eu: { roles: [store, control, quorum] }
              ap: { roles: [control, quorum] }

        """,
        """
          inventory:
            hosts:
              east-1: { region: east, roles: [store], addresses: [10.1.0.1], agent: [ssh, east-1, blackstart, agent] }
              eu-1: { region: eu, roles: [store], addresses: [10.2.0.1], agent: [ssh, eu-1, blackstart, agent] }

        """
      ),
      ("seed: 7", "seed: 7\nsecrets: { east-password: { env: EAST_PASSWORD }, connect: { file: /run/connect } }"),
      (
        "  kind: postgres-etcd\n",
        """
          kind: kafka
          topic: { name: drill.orders, partitions: 4, copies: 3, missing: make }
          attach:
            clusters:
              east:
                bootstrap: ['b1.east.example.org:9093', '[fd00::1]:9093']
                properties:
                  security.protocol: sasl_ssl
                  sasl.mechanisms: SCRAM-SHA-512
                  sasl.username: drill
                  sasl.password: ${secret:east-password}
                  ssl.ca.location: /etc/drill/east.pem
                connect: { url: 'https://connect.east:8083', authorization: 'Bearer ${secret:connect}', ca: /etc/drill/ca.pem, statusTopic: connect-status, offsetsTopic: connect-offsets }
                registry: 'http://registry.east:8081/apis/ccompat/v7'
              eu: { bootstrap: ['b1.eu:9092'], connect: { url: 'http://connect.eu:8083', statusTopic: connect-status } }
            mirrors:
              - { from: east, to: eu, runner: connect, worker: eu, policy: default, separator: '.' }
              - { from: eu, to: east }

        """
      ),
      ("  oldLeader: { region: east, rate: 5/s }\n", ""), ("    - { metric: leader, is: east }\n", ""),
      ("  - { item: stale-token-rejected }\n", ""), ("  - { item: election-within-ttl, margin: 2s }\n", ""),
    ])
    for (old, new) in changes {
      precondition(
        text.split(separator: old, omittingEmptySubsequences: false).count == 2, "'\(old)' is not there once")
      text = text.replacing(old, with: new)
    }
    return text
  }

  private func said(_ changes: (old: String, new: String)...) -> String { messages(Self.text(changes)) }

  @Test func clustersAreReadAndTheirSecretsAreNames() throws {
    let loaded = try parseScenario(Array(Self.text().utf8), file: "drill.yaml")
    let attach = try #require(loaded.scenario.stack.attach)
    #expect(attach.clusters.map(\.name) == ["east", "eu"])
    #expect(attach.cluster("east")?.bootstrap == ["b1.east.example.org:9093", "[fd00::1]:9093"])
    #expect(attach.cluster("east")?.property("sasl.password")?.secrets == ["east-password"])
    #expect(attach.cluster("east")?.secrets == ["east-password", "connect"])
    #expect(attach.mirror(from: "eu", to: "east") == AttachedKafka.Mirror(from: "eu", to: "east"))
    #expect(loaded.scenario.stack.topic?.name == "drill.orders")
    #expect(!loaded.scenario.expectsFailover, "nobody here can move write authority")
    let plan = try makePlan(loaded, tool: "test")
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  /// The plan says what will be done to clusters of somebody else, and what never.
  @Test func thePlanSaysWhatIsDoneToThem() throws {
    let loaded = try parseScenario(Array(Self.text().utf8), file: "drill.yaml")
    let text = planText(try makePlan(loaded, tool: "test"))
    for line in [
      "east   b1.east.example.org:9093, [fd00::1]:9093 (sasl_ssl) as User:drill",
      "makes: topic drill.orders, if it is not there: partitions 4, copies 3",
      "makes: consumer groups blackstart-RUN-c1", "drill.orders: records of p1 60/s, at most 18000 in all",
      "reads: topics drill.orders and east.drill.orders",
      "Connect: https://connect.east:8083: states and configurations",
      "removes: topic drill.orders, if the drill made it, and then east.drill.orders",
      "never touches: other topics, other groups' positions, access rules",
      "mirror east to eu, by eu's Connect, topics as east.TOPIC",
    ] { #expect(text.contains(line), "\(line)\n\(text)") }
    let dedicated = try parseScenario(
      Array(
        Self.text([
          ("runner: connect, worker: eu, policy: default", "runner: dedicated, policy: default")
        ]).utf8), file: "drill.yaml")
    let said = planText(try makePlan(dedicated, tool: "test")).replacing("\n        ", with: " ")
    #expect(said.contains("a dedicated MirrorMaker 2: it is asked nothing"), "\(said)")
    #expect(said.contains("freezing it means that its process is made to stand still"), "\(said)")
  }

  @Test func aSecretInClearIsRefusedAndNotRepeated() {
    for (old, new) in [
      ("sasl.password: ${secret:east-password}", "sasl.password: \(Self.password)"),
      ("'Bearer ${secret:connect}'", "'Bearer \(Self.password)'"),
      ("'http://registry.east:8081", "'http://me:\(Self.password)@registry.east:8081"),
      ("'https://connect.east:8083'", "'https://me:\(Self.password)@connect.east:8083'"),
    ] {
      let text = said((old, new))
      #expect(text.contains("secret"), "\(text)")
      #expect(text.contains("drill.yaml:") && !text.contains(Self.password), "\(text)")
    }
    #expect(said(("${secret:east-password}", "x${secret:east-password}")).contains("one secret or none"))
    #expect(said(("${secret:east-password}", "${secret:west}")).contains("there is no secret 'west'"))
  }

  @Test(arguments: [
    ("sasl.username: drill", "group.id: drill", "'group.id' is for the drill to say"),
    ("sasl.username: drill", "enable.auto.commit: true", "committed when the work is done"),
    ("'b1.eu:9092'", "b1.eu", "expected a broker's address"),
    ("bootstrap: ['b1.eu:9092']", "bootstrap: []", "names no broker"),
    ("      - { from: eu, to: east }\n", "      - { from: eu, to: eu }\n", "cannot be mirrored to itself"),
    ("      - { from: eu, to: east }\n", "      - { from: west, to: east }\n", "there is no cluster 'west'"),
    (
      "      - { from: east, to: eu, runner: connect, worker: eu, policy: default, separator: '.' }\n", "",
      "no mirror carries what is written in 'east' to 'eu'"
    ),
    ("{ from: eu, to: east }", "{ from: eu, to: east, separator: '-' }", "knows one way to call mirrored topics"),
    (
      "{ from: eu, to: east }", "{ from: eu, to: east, policy: identity }",
      "does not say where its records were written"
    ),
    (
      "connect: { url: 'http://connect.eu:8083', statusTopic: connect-status } }", "registry: 'http://r' }",
      "whose address is not known"
    ),
    ("name: drill.orders", "name: __consumer_offsets", "cannot name a topic of a drill"),
    ("name: drill.orders, ", "", "nothing says which topic"),
    ("copies: 3, ", "copies: 3, retention: 8s, ", "does not change how long"),
    ("missing: make", "missing: ignore", "refuse, make"),
    ("name: drill.orders", "name: eu.orders", "takes 'eu.orders' for a topic that was mirrored"),
    ("kind: kafka\n", "kind: kafka\n  guards: [admin]\n", "before standing clusters none is put"),
    ("- { item: no-duplicates }", "- { item: stale-token-rejected }", "fenced by this drill's tokens"),
    ("- { item: no-duplicates }", "- { item: election-within-ttl }", "nobody is elected"),
    ("- { item: no-duplicates }", "- { item: write-authority-stays }", "nothing that could move"),
    ("- { item: no-duplicates }", "- { item: no-unfenced-schema-change }", "no guard of the drill"),
    (
      "recovery:", "runbook: { steps: [{ id: go, do: { promote: { region: eu } }, timeout: 5s }] }\nrecovery:",
      "write authority"
    ),
    (
      "recovery:", "runbook: { steps: [{ id: go, do: { repoint-producers: { to: eu } }, timeout: 5s }] }\nrecovery:",
      "write authority"
    ),
    (
      "fault: partition, region: east, from: all", "fault: process, region: east, name: java, action: kill",
      "has not started and cannot start again"
    ),
  ]) func whatCannotWorkIsRefusedByName(old: String, new: String, word: String) {
    let text = said((old, new))
    #expect(text.contains(word), "\(text)")
  }

  @Test func aDedicatedMirrorCannotBePausedAndTellsNothingOfItsTasks() {
    let dedicated = ("runner: connect, worker: eu", "runner: dedicated")
    let pause = (
      "recovery:",
      "runbook: { steps: [{ id: hold, do: { pause-mirror: { from: east, to: eu } }, timeout: 5s }] }\nrecovery:"
    )
    let text = said(dedicated, pause)
    #expect(text.contains("has no REST interface") && text.contains("action: pause"), "\(text)")
    #expect(!said(pause).contains("REST"))
    let item = ("- { item: no-duplicates }", "- { item: offsets-translated }")
    #expect(said(dedicated, item).contains("when its checkpoint task began anew"))
    #expect(said(item, ("statusTopic: connect-status } }", "offsetsTopic: o } }")).contains("connect.statusTopic"))
    #expect(!said(item).contains("offsets-translated"))
  }

  @Test func aLabHasNoClustersOfSomebodyElse() {
    let lab = scenario([
      ("kind: postgres-etcd", "kind: kafka\n  topic: { name: x, partitions: 1 }")
    ])
    #expect(messages(lab).contains("a lab has its topic made anew"))
    #expect(messages(scenario([("kind: postgres-etcd", "kind: postgres-etcd\n  attach: {}")])).contains("'attach'"))
  }
}
