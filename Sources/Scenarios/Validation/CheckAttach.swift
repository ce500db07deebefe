internal import Support

// Clusters that stand already: what the drill cannot do with them, and what it may not.
extension Checking {
  mutating func checkAttached() {
    let path = "stack.attach"
    guard let attach = scenario.stack.attach else {
      if let topic = scenario.stack.topic, topic.name != nil || topic.copies != nil || topic.missing != nil {
        error(
          "stack.topic", "a lab has its topic made anew: it has no name, copies and 'missing' of its own",
          fix: "leave them out, or add stack.attach")
      }
      return
    }
    checkClusters(attach, path)
    for index in attach.mirrors.indices { check(attach.mirrors[index], "\(path).mirrors[\(index)]", attach) }
    unique(attach.mirrors.map { "\($0.from) to \($0.to)" }, "the mirror", fix: "leave one of the two out") {
      "\(path).mirrors[\($0)].from"
    }
    if attach.mirrors.isEmpty {
      error("\(path).mirrors", "nothing is mirrored, so nothing can be cut", fix: "such as - { from: east, to: eu }")
    }
    if let back = attach.mirrors.first(where: { one in
      one.policy == .identity && attach.mirror(from: one.to, to: one.from)?.policy == .identity
    }) {
      error(
        "\(path).mirrors",
        "\(back.from) and \(back.to) mirror each other and both keep topics' names: each copies the other's copies for ever",
        fix: "use the default policy")
    }
    checkDirections(attach, path)
    checkTopic()
    checkNotOurs(attach)
    checkEvidenceOfAttached(attach)
  }

  private mutating func checkClusters(_ attach: AttachedKafka, _ path: String) {
    let stores = scenario.topology.names(with: .store)
    for cluster in attach.clusters {
      let place = "\(path).clusters.\(cluster.name)"
      region(cluster.name, with: .store, at: place)
      for secret in cluster.secrets where !scenario.secrets.contains(where: { $0.name == secret }) {
        error(
          place, "there is no secret \(quoted(secret))", fix: known(secret, scenario.secrets.map(\.name), "secrets"))
      }
    }
    for store in stores where attach.cluster(store) == nil {
      error(
        "\(path).clusters", "the region '\(store)' has the role 'store' and no cluster",
        fix: "add \(store): { bootstrap: […] }")
    }
    if scenario.topology.ground == .lab {
      error(
        "topology.lab", "clusters that stand already stand on hosts, and none in a lab",
        fix: "name the hosts in topology.inventory, or leave stack.attach out")
    }
  }

  private mutating func check(_ mirror: AttachedKafka.Mirror, _ path: String, _ attach: AttachedKafka) {
    let names = attach.clusters.map(\.name)
    for (key, name) in [("from", mirror.from), ("to", mirror.to), ("worker", mirror.worker)]
    where attach.cluster(name) == nil {
      error("\(path).\(key)", "there is no cluster \(quoted(name))", fix: known(name, names, "clusters"))
    }
    if mirror.from == mirror.to {
      error("\(path).to", "'\(mirror.to)' cannot be mirrored to itself", fix: "name another cluster")
    }
    if mirror.runner == .connect, let cluster = attach.cluster(mirror.worker), cluster.connect == nil {
      error(
        path, "it is run by the Connect worker of '\(mirror.worker)', whose address is not known",
        fix: "add stack.attach.clusters.\(mirror.worker).connect: { url: … }, or say runner: dedicated")
    }
    if mirror.policy == .identity {
      error(
        "\(path).policy",
        "under the identity policy a topic does not say where its records were written first, and this version tells "
          + "origins by topics: lag, loss and order could not be judged", fix: "a drill needs policy: default")
    }
  }

  /// What is written must come to where it is looked for, under one way to call it.
  private mutating func checkDirections(_ attach: AttachedKafka, _ path: String) {
    let (writer, reader) = (scenario.primary, scenario.survivor)
    if !attach.mirrors.isEmpty, attach.cluster(writer) != nil, attach.cluster(reader) != nil, writer != reader,
      attach.mirror(from: writer, to: reader) == nil
    {
      error(
        "\(path).mirrors",
        "no mirror carries what is written in '\(writer)' to '\(reader)', so that nothing could be said of what a failover would lose",
        fix: "add - { from: \(writer), to: \(reader) }, or say in 'ownership' who writes and who takes over")
    }
    if let first = attach.mirrors.first,
      let index = attach.mirrors.firstIndex(where: { $0.separator != first.separator })
    {
      error(
        "\(path).mirrors[\(index)].separator",
        "it is \(quoted(attach.mirrors[index].separator)) and that of another mirror \(quoted(first.separator)): this version knows "
          + "one way to call mirrored topics", fix: "use the same separator in all mirrors")
    }
  }

  private mutating func checkTopic() {
    guard let topic = scenario.stack.topic, let name = topic.name else {
      return error(
        "stack.topic", "nothing says which topic the drill writes to",
        fix: "topic: { name: drill.orders, partitions: 4, copies: 3, missing: make }")
    }
    guard (1...200).contains(name.utf8.count), name.utf8.allSatisfy(isTopicCharacter), name != ".", name != "..",
      !name.hasPrefix("__")
    else {
      return error(
        "stack.topic.name", "\(quoted(name)) cannot name a topic of a drill",
        fix: "1 to 200 letters, digits, '.', '_' and '-', and none of Kafka's own")
    }
    if topic.retention != nil {
      error(
        "stack.topic.retention", "the drill does not change how long a topic of a standing cluster keeps its records",
        fix: "leave it out")
    }
    for mirror in scenario.stack.attach?.mirrors ?? [] where name.hasPrefix("\(mirror.from)\(mirror.separator)") {
      warning(
        "stack.topic.name",
        "MirrorMaker takes '\(name)' for a topic that was mirrored from '\(mirror.from)', and does not bring it there",
        fix: "choose a name that begins with no alias")
    }
  }

  /// What is a lab's own, or would have to be.
  private mutating func checkNotOurs(_ attach: AttachedKafka) {
    if scenario.stack.guards?.isEmpty == false {
      error(
        "stack.guards", "guards stand before the clusters of a lab; before standing clusters none is put",
        fix: "leave it out; docs/guards.md says how to run one of your own")
    }
    if scenario.stack.outbox != nil {
      error(
        "stack.outbox", "an outbox is that of a lab's event stores, and beside standing clusters there are none",
        fix: "leave one of stack.outbox and stack.attach out")
    }
    if scenario.workload.oldLeader != nil {
      error(
        "workload.oldLeader",
        "nothing in standing clusters is fenced by this drill's tokens, so that an old leader would be refused by nobody",
        fix: "leave it out")
    }
    let moving: Set<RunbookAction.Verb> = [
      .fenceRegion, .promote, .demote, .transferLeadership, .repointProducers, .shiftTraffic,
    ]
    let changing: Set<RunbookAction.Verb> = [
      .stopMirror, .setMirrorOffsets, .resetMirrorOffsets, .createTopics, .grantWrite, .revokeWrite,
    ]
    for (section, runbook) in runbooks {
      for (index, step) in runbook.steps.enumerated() {
        let place = "\(section).steps[\(index)]"
        for (key, action) in [("do", step.action), ("undo", step.undo)] {
          guard let action else { continue }
          if changing.contains(action.verb) {
            error(
              "\(place).\(key)",
              "'\(action.verb.rawValue)' changes access rules, topics or a mirror's own positions, which the drill does not touch in "
                + "standing clusters", fix: "do it with a step of your own: command, http or approval")
          }
          if moving.contains(action.verb) {
            error(
              "\(place).\(key)",
              "'\(action.verb.rawValue)' moves write authority, and that of standing clusters is not this tool's: who may write "
                + "there is said by their own access rules and control planes, which it does not touch",
              fix: "do it with a step of your own: command, http or approval")
          }
          if case .pauseMirror(let link) = action { checkPause(link, attach, "\(place).\(key)") }
          if case .resumeMirror(let link) = action { checkPause(link, attach, "\(place).\(key)") }
        }
      }
    }
    for entry in entries {
      guard case .process(let fault) = entry.entry.fault, fault.action.endsProcesses else { continue }
      error(
        entry.path, "it ends processes that this tool has not started and cannot start again",
        fix: "let them stand still (action: pause), or end and start them with steps of your own")
    }
  }

  private mutating func checkPause(_ link: MirrorLink, _ attach: AttachedKafka, _ path: String) {
    guard let mirror = attach.mirror(from: link.from, to: link.to) else {
      return error(
        path, "there is no mirror from '\(link.from)' to '\(link.to)'", fix: "add it to stack.attach.mirrors")
    }
    if mirror.runner == .dedicated {
      error(
        path,
        "a dedicated MirrorMaker 2 has no REST interface: it cannot be paused, its process can only be made to stand still",
        fix: "use a fault on its host instead: fault: process, processes by name or unit, action: pause")
    }
  }

  /// Items whose evidence only a lab gives.
  private mutating func checkEvidenceOfAttached(_ attach: AttachedKafka) {
    for (index, entry) in scenario.checklist.enumerated() {
      let why: String? =
        switch entry.item {
        case .staleTokenRejected: "nothing in standing clusters is fenced by this drill's tokens"
        case .electionWithinTTL: "nobody is elected: write authority over standing clusters is not this tool's"
        case .writeAuthorityStays: "nobody grants write authority, so that there is nothing that could move"
        case .noUnfencedSchemaChange: "no guard of the drill stands before their registries"
        case .offsetsTranslated where attach.mirrors.contains { $0.runner == .dedicated }:
          "a dedicated MirrorMaker 2 does not say when its checkpoint task began anew, and what follows from that for its "
            + "translation cannot be told"
        case .offsetsTranslated
        where attach.mirrors.contains { attach.cluster($0.worker)?.connect?.statusTopic == nil }:
          "when a mirror's checkpoint task began anew stands in its Connect's status topic alone, whose name is not known; say "
            + "connect.statusTopic for every worker that runs a mirror"
        case .outboxComplete: "an outbox is that of a lab's event stores"
        case .offsetsTranslated, .mirrorLagZero, .noDuplicates, .noAcknowledgedLoss, .orderPerAggregate,
          .consumerProgress, .steadyStateRecovered:
          nil
        }
      if let why {
        error(
          "checklist[\(index)].item", "'\(entry.item.rawValue)' cannot be judged on standing clusters: \(why)",
          fix: "leave the item out")
      }
    }
  }
}

extension AttachedKafka.Cluster {
  /// The names of the secrets that it takes to reach it.
  public var secrets: [String] {
    properties.flatMap(\.value.secrets) + (connect?.authorization?.secrets ?? [])
  }
}
