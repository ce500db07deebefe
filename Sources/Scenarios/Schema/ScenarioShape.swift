internal import Support

extension Shape {
  /// A whole scenario file.
  static let scenario = Shape.keys([
    .must("apiVersion", .choice([Scenario.apiVersion]), "the language"),
    .must("kind", .choice(["Scenario"]), "the only kind of document"),
    .may("include", .list(.text), "other files whose contents belong to this one"),
    .may("variables", .names(longest: 32, .named("variable")), "values that may differ from run to run"),
    .may("secrets", .names(longest: 32, .named("secret")), "where secrets are to be had"),
    .must("metadata", .named("metadata"), "what the scenario is called, and for whom it is"),
    .must("seed", .integer(0...Int64.max), "every random choice follows from it"),
    .must("topology", .named("topology"), "where the drill takes place"),
    .may("ownership", .names(longest: 32, .named("ownership")), "who may write, by topic, in every phase"),
    .must("stack", .named("stack"), "the system under drill"),
    .may("workload", .named("workload"), "the load that runs through it"),
    .may("probes", .names(longest: 32, .named("probe")), "questions that are asked all through the drill"),
    .must("steadyState", .named("steadyState"), "what must hold before, throughout and afterwards"),
    .must("timeline", .list(.named("entry")), "the faults and patterns of them"),
    .may("runbook", .named("runbook"), "the way over to the survivor"),
    .may("failback", .named("runbook"), "the way back"),
    .may("communications", .list(.named("message")), "messages that are due"),
    .must("recovery", .keys([.must("within", .duration, "from the heal to the checklist's conditions")]), "the wait"),
    .must("checklist", .list(.named("item")), "what is judged"),
    .may("permittedAnomalies", .list(.named("permission")), "what fails nothing here"),
    .may("abort", .list(.named("abort")), "what ends the drill early"),
    .must("safety", .named("safety"), "what the drill may never exceed"),
  ])

  /// The forms that are described once, by their names.
  static let definitions: [(name: String, shape: Shape)] =
    quantities + sections + conditions + timeline + probes + runbooks

  private static let quantities: [(name: String, shape: Shape)] = [
    ("duration", .pattern(#"^[0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)$"#)),
    ("rate", .pattern(#"^[0-9]+(\.0+)?/[smh]$"#)),
    ("percentage", .pattern(#"^[0-9]+(\.[0-9]+)?%$"#)),
    ("bitRate", .pattern(#"^[0-9]+(\.[0-9]+)?[kmg]?bit/s$"#)),
    ("size", .pattern(#"^[0-9]+(\.[0-9]+)?(B|[KMGT]B|[KMGT]iB)$"#)),
  ]

  private static let sections: [(name: String, shape: Shape)] = [
    (
      "variable",
      .keys([
        .must("type", .words(Variable.Kind.self), "what it holds"),
        .may("default", .text, "its value when none is given"),
      ])
    ),
    (
      "secret",
      .any([
        .keys([.must("env", .text, "a variable of the environment")]), .keys([.must("file", .text, "a file")]),
      ])
    ),
    (
      "metadata",
      .keys([
        .must("name", .name(48), "part of the run directory's name"),
        .may("description", .text, "", "what the drill shows"),
        .may("owners", .list(.text), "the teams that answer for it"),
        .may("tags", .list(.name(32)), "words to find it by"),
        .may("domain", .list(.integer(1...202)), "rows of the domain table"),
      ])
    ),
    (
      "topology",
      .any([
        .keys([
          .must(
            "lab",
            .keys([
              .must(
                "regions",
                .names(
                  longest: 12,
                  .keys([
                    .must("roles", .list(.words(Role.self)), "what runs in it"),
                    .may("clocks", .named("clocks"), "that count from a start, of its servers"),
                  ])), "by name")
            ]), "network namespaces on this machine")
        ]),
        .keys([
          .must(
            "inventory",
            .keys([
              .must("hosts", .names(longest: 32, .named("host")), "by name"),
              .may("controllers", .list(.text), "addresses from which agents are reached; never cut"),
            ]), "real hosts")
        ]),
      ])
    ),
    (
      "clocks",
      .keys([
        .may("monotonic", .signedDuration, "how far ahead, or behind"),
        .may("boottime", .signedDuration, "with the machine's sleep"),
      ])
    ),
    (
      "host",
      .keys([
        .must("region", .name(12), "the region it stands in"),
        .must("roles", .list(.words(Role.self)), "what runs on it"),
        .must("addresses", .list(.text), "IPv4 and IPv6, as its peers see it"),
        .must("agent", .list(.text), "the command that starts its agent"),
      ])
    ),
    (
      "ownership",
      .keys([
        .must("normal", .region, "the owner while all is well"),
        .must("failover", .region, "the owner after it is lost"),
        .may("operation", .region, "the owner between failover and failback"),
        .may("failback", .region, "the owner at the end of the failback"),
      ])
    ),
    (
      "stack",
      .keys([
        .must("kind", .words(StackSettings.Kind.self), "which system"),
        .may("guards", .list(.words(StackSettings.Guarded.self)), "what is administered with the current token only"),
        .may("lease", .keys([.must("ttl", .duration, "without renewal")]), "write authority"),
        .may(
          "mirror",
          .keys([
            .must("freshness", .duration, "counts as caught up"),
            .may("delivery", .words(KafkaMirroring.Delivery.self), "of Kafka's mirrors"),
            .may("positionsEvery", .duration, "how often an at-least-once mirror keeps its position"),
            .may("transactionTimeout", .duration, "what a killed exactly-once mirror waits out at most"),
          ]), "mirrors"),
        .may(
          "topic",
          .keys([
            .may("partitions", .integer(1...64), "how many"),
            .may("retention", .duration, "after that the oldest events are let go of"),
            .may("name", .text, "of standing clusters"),
            .may("copies", .integer(1...32), "brokers that hold each partition, where it is made"),
            .may("missing", .words(EventTopic.Missing.self), "what becomes of one that is not there"),
          ]), "that events are written to; only with kafka"),
        .may(
          "outbox",
          .keys([
            .may("rows", .words(OutboxSettings.Rows.self), OutboxSettings.Rows.kept.rawValue, "what becomes of them"),
            .may("partitions", .integer(1...64), "1", "of the topic"),
          ]), "of the event store, carried to a topic; only with kafka"),
        .may("attach", .named("attach"), "Kafka clusters that stand already"),
      ])
    ),
    (
      "attach",
      .keys([
        .must("clusters", .names(longest: 12, .named("cluster")), "by region"),
        .must("mirrors", .list(.named("mirror")), "between them"),
      ])
    ),
    (
      "cluster",
      .keys([
        .must("bootstrap", .list(.text), "addresses of its brokers"),
        .may("properties", .anyKeys(.text), "of its clients, by librdkafka's names; secrets as ${secret:name}"),
        .may(
          "connect",
          .keys([
            .must("url", .text, "of its REST interface"), .may("authorization", .text, "a secret"),
            .may("ca", .text, "the file of those who may vouch for it"),
            .may("statusTopic", .text, "its status.storage.topic"),
            .may("offsetsTopic", .text, "its offset.storage.topic"),
          ]), "the Connect worker beside it"),
        .may("registry", .text, "the address of its schema registry"),
      ])
    ),
    (
      "mirror",
      .keys([
        .must("from", .text, "a cluster"), .must("to", .text, "a cluster"),
        .may("runner", .words(AttachedKafka.Mirror.Runner.self), "connect", "who runs it"),
        .may("worker", .text, "the cluster whose Connect runs it"),
        .may("policy", .words(AttachedKafka.Mirror.Policy.self), "default", "how topics are called in the target"),
        .may("separator", .text, ".", "what stands between alias and topic"),
      ])
    ),
    (
      "workload",
      .keys([
        .must("producers", .list(.named("producer")), "who appends events"),
        .may("consumers", .list(.named("consumer")), "who keeps projections"),
        .may(
          "oldLeader", .keys([.must("region", .region, "the normal owner"), .must("rate", .rate, "attempts")]),
          "keeps its token across the failover"),
      ])
    ),
    (
      "producer",
      .keys([
        .must("name", .name(32), "unique"), .must("region", .region, "where it runs"),
        .may("workers", .integer(1...256), "1", "how many write at the same time"),
        .must("rate", .rate, "of all its workers together"),
        .must("keys", .integer(1...1_000_000), "aggregates, each with one worker"),
      ])
    ),
    (
      "consumer",
      .keys([
        .must("name", .name(32), "also the group's name"), .must("region", .region, "where it runs"),
        .must("store", .region, "whose log it reads"),
        .may("resume", .words(Consumer.ResumeRule.self), "checkpoint", "where it goes on without a position"),
      ])
    ),
    (
      "item",
      .any(
        ChecklistItem.allCases.map { item in
          .keys([.must("item", .choice([item.rawValue]), "what is judged")] + item.levelKeys)
        })
    ),
    (
      "permission",
      .keys([
        .must("anomaly", .choice(PermittedAnomaly.rows.flatMap { [$0.row, $0.name] }), "a row of docs/anomalies.md"),
        .must("because", .text, "why the stack may do it"),
      ])
    ),
    (
      "safety",
      .keys([
        .must("maxDuration", .duration, "of the whole drill"),
        .must(
          "blastRadius",
          .keys([
            .must("regions", .integer(1...1000), "how many may be disturbed"),
            .may("concurrent", .integer(1...100_000), "how many faults may be in force at one time"),
            .may("nodes", .integer(1...100_000), "how many nodes may be disturbed"),
          ]), "how far it may reach"),
        .may(
          "protected",
          .keys([
            .may("nodes", .list(.text), "regions and hosts"), .may("ports", .ports, "on any node"),
          ]), "what no fault may touch"),
        .may("allowWholeNodeClock", .text, "false", "whether clocks of whole nodes may be set"),
        .may("accept", .list(.words(KnownMistake.self)), "mistakes that are made on purpose"),
      ])
    ),
  ]
}
