internal import Support

extension ScenarioDraft {
  /// The scenario as text.
  var text: String {
    var members: [YamlTree.Member] = [
      .init("apiVersion", .word(Scenario.apiVersion)), .init("kind", .word("Scenario")), .init("metadata", metadata),
    ]
    members += ImportMap.sectionKeys.filter { !ImportMap.sectionsAfterTimeline.contains($0) }.compactMap(section)
    members.append(.init("timeline", .list(timeline.items)))
    members += ImportMap.sectionKeys.filter { ImportMap.sectionsAfterTimeline.contains($0) }.compactMap(section)
    return writeYaml(.commented(header, .mapping(members)))
  }

  private var metadata: YamlTree {
    .mapping([
      .init("name", .word(name)), .init("description", .text(harmless(description))),
      .init("tags", .flow(.list(tags.map { .word($0) }))),
    ])
  }

  /// A section as the mapping file gives it, else the importer's own.
  private func section(_ key: String) -> YamlTree.Member? {
    if let given = sections.first(where: { $0.key == key }) { return .init(key, joined(YamlTree(given.value), key)) }
    guard let (comment, tree) = frame(key) else { return nil }
    return .init(key, .commented([comment], tree))
  }

  /// A section of the map, with what the file adds to it.
  private func joined(_ given: YamlTree, _ key: String) -> YamlTree {
    switch (key, given) {
    case ("probes", .mapping(let members)): .mapping(members + checks.probes)
    case ("abort", .list(let elements)): .list(elements + checks.aborts)
    default: given
    }
  }

  private func frame(_ key: String) -> (String, YamlTree)? {
    switch key {
    case "seed": ("What is left to chance follows from this number.", .word("\(seed)"))
    case "topology": ("Not in the file: the lab's three regions.", ImportFrame.topology)
    case "ownership": ("Not in the file: who writes, before and after a failover.", ImportFrame.ownership)
    case "stack": ("Not in the file.", ImportFrame.stack)
    case "workload": ("Not in the file: the load that runs through the system.", ImportFrame.workload)
    case "probes" where !checks.probes.isEmpty: ("The checks of the file.", .mapping(checks.probes))
    case "steadyState" where !checks.expectations.isEmpty:
      ("The hypothesis and the checks of the file.", ImportFrame.steadyState(checks.expectations))
    case "failback" where !checks.steps.isEmpty:
      ("The rollbacks of the file.", .mapping([.init("steps", .list(checks.steps))]))
    case "abort" where !checks.aborts.isEmpty: ("The checks that end the workflow.", .list(checks.aborts))
    case "steadyState": ("Not in the file: what must hold before anything is injected.", ImportFrame.steadyState)
    case "recovery": ("Not in the file: how long the system may take to come back.", .flow(ImportFrame.recovery))
    case "checklist": ("Not in the file: what is judged.", ImportFrame.checklist(failover: expectsFailover))
    case "safety": ("As narrow as the timeline allows.", .flow(safety))
    default: nil
    }
  }

  private var safety: YamlTree {
    let regions = Set(step.faults.map(\.region)).count
    return .mapping([
      .init("maxDuration", .word(longest.text)),
      .init("blastRadius", .mapping([.init("regions", .word("\(max(1, regions))"))])),
    ])
  }

  /// Steady state, timeline and recovery together, in whole minutes.
  private var longest: Duration {
    let end = step.lengthOfFaults
    let sum =
      end + checks.longestSteps + duration(in: "steadyState", "for", or: .seconds(5))
      + duration(in: "recovery", "within", or: .seconds(60))
    return .seconds(60) * Int(clamping: (sum.components.seconds + 60) / 60)
  }

  private func duration(in section: String, _ key: String, or fallback: Duration) -> Duration {
    guard let node = sections.first(where: { $0.key == section })?.value, case .mapping(let members) = node.content,
      case .scalar(let text, _)? = members.first(where: { $0.key == key })?.value.content,
      let duration = try? Duration(written: text), duration < .seconds(366 * 86_400)
    else { return fallback }
    return duration
  }
}

/// A text of another tool, in which nothing is taken for a variable of ours.
private func harmless(_ text: String) -> String {
  text.split(separator: "${", omittingEmptySubsequences: false).joined(separator: "$ {")
}

/// What another tool's file does not say, and a scenario must.
enum ImportFrame {
  static let regions = ["east", "eu", "ap"]

  private static func flow(_ members: (String, YamlTree)...) -> YamlTree {
    .flow(.mapping(members.map { .init($0.0, $0.1) }))
  }

  private static func words(_ words: String...) -> YamlTree { .list(words.map { .word($0) }) }

  static var topology: YamlTree {
    .mapping([
      .init(
        "lab",
        .mapping([
          .init(
            "regions",
            .mapping([
              .init("east", flow(("roles", words("store", "control", "quorum")))),
              .init("eu", flow(("roles", words("store", "control", "quorum")))),
              .init("ap", flow(("roles", words("control", "quorum")))),
            ]))
        ]))
    ])
  }

  static var ownership: YamlTree {
    .mapping([.init("orders", flow(("normal", .word("east")), ("failover", .word("eu"))))])
  }

  static var stack: YamlTree {
    .mapping([
      .init("kind", .word("postgres-etcd")), .init("lease", flow(("ttl", .word("4s")))),
      .init("mirror", flow(("freshness", .word("2s")))),
    ])
  }

  static var workload: YamlTree {
    .mapping([
      .init(
        "producers",
        .list([
          flow(
            ("name", .word("orders-east")), ("region", .word("east")), ("workers", .word("2")), ("rate", .word("60/s")),
            ("keys", .word("40"))),
          flow(
            ("name", .word("orders-eu")), ("region", .word("eu")), ("rate", .word("30/s")), ("keys", .word("20"))),
        ])),
      .init(
        "consumers", .list([flow(("name", .word("billing-eu")), ("region", .word("eu")), ("store", .word("eu")))])),
      .init("oldLeader", flow(("region", .word("east")), ("rate", .word("20/s")))),
    ])
  }

  static var steadyState: YamlTree {
    .mapping([
      .init("for", .word("5s")),
      .init(
        "expect",
        .list([
          flow(("metric", .word("write-error-rate")), ("max", .word("1%"))),
          flow(("metric", .word("mirror-lag")), ("max", .word("2s"))),
          flow(("metric", .word("leader")), ("is", .word("east"))),
        ])),
    ])
  }

  static func steadyState(_ expectations: [YamlTree]) -> YamlTree {
    .mapping([.init("for", .word("5s")), .init("expect", .list(expectations))])
  }

  static var recovery: YamlTree { .mapping([.init("within", .word("60s"))]) }

  static func checklist(failover: Bool) -> YamlTree {
    var items = ["no-duplicates", "consumer-progress"]
    if failover {
      items += [
        "mirror-lag-zero", "no-acknowledged-loss", "stale-token-rejected", "election-within-ttl", "order-per-aggregate",
      ]
    }
    return .list(items.map { flow(("item", .word($0))) })
  }
}
