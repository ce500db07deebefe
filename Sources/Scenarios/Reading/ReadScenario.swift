internal import Support

// From nodes to the model, section by section. A reader returns nil after a mistake that it noted; so that all mistakes
// are found, every key is read before the first result is looked at.

extension Scenario {
  /// - Parameter variables: the variables, which have been read and written out already.
  static func read(_ value: Value, variables: [Variable]) -> Scenario? {
    value.fields { fields in
      let version = fields.required("apiVersion") {
        constant($0, Scenario.apiVersion, "the language that this tool reads")
      }
      let kind = fields.required("kind") { constant($0, "Scenario", "the only kind of document") }
      let metadata = fields.required("metadata", Metadata.read)
      let seed = fields.required("seed") { $0.integer(in: 0...Int64.max) }
      _ = (fields.value("include"), fields.value("variables"))
      let secrets = fields.optional("secrets", or: []) { $0.dictionary(longest: 32, Secret.read) }
      let topology = fields.required("topology", Topology.read)
      // The order in which keys are asked for is that in which a message names them.
      _ = fields.value("ownership")
      let stack = fields.required("stack", StackSettings.read)
      // In a system that nobody drives nobody writes; who owns what there is not ours to say.
      let ownership =
        stack?.kind == .external
        ? fields.optional("ownership", or: []) { $0.dictionary(longest: 32, Ownership.read) }
        : fields.required("ownership") { $0.dictionary(longest: 32, Ownership.read) }
      let workload =
        stack?.kind == .external
        ? fields.optional("workload", or: WorkloadPlan(producers: []), WorkloadPlan.read)
        : fields.required("workload", WorkloadPlan.read)
      let probes = fields.optional("probes", or: []) { $0.dictionary(longest: 32, Probe.read) }
      let steadyState = fields.required("steadyState", SteadyState.read)
      let timeline = fields.required("timeline") { $0.list(TimelineItem.read) }
      // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
      let runbook = fields.value("runbook").flatMap(Runbook.read)
      let failback = fields.value("failback").flatMap(Runbook.read)
      let communications = fields.optional("communications", or: []) { $0.list(Communication.read) }
      let recovery = fields.required("recovery", Recovery.read)
      let checklist = fields.required("checklist") { $0.list(ChecklistEntry.read) }
      let permitted = fields.optional("permittedAnomalies", or: []) { $0.list(PermittedAnomaly.read) }
      let abort = fields.optional("abort", or: []) { $0.list(AbortCondition.read) }
      let safety = fields.required("safety", Safety.read)
      guard version != nil, kind != nil, let metadata, let seed, let secrets, let topology, let ownership, let stack,
        let workload,
        let probes, let steadyState, let timeline, let communications, let recovery, let checklist, let permitted,
        let abort, let safety
      else { return nil }
      return Scenario(
        metadata: metadata, seed: UInt64(seed), topology: topology, ownership: ownership, stack: stack,
        workload: workload, variables: variables, secrets: secrets, probes: probes, steadyState: steadyState,
        timeline: timeline, runbook: runbook,
        failback: failback, communications: communications, recovery: recovery, checklist: checklist,
        permittedAnomalies: permitted.isEmpty ? nil : permitted, abort: abort, safety: safety)
    }
  }

  private static func constant(_ value: Value, _ expected: String, _ what: String) -> String? {
    guard let text = value.text(expected: quoted(expected)) else { return nil }
    guard text == expected else {
      value.mistake("expected \(quoted(expected)), \(what), found \(quoted(text))")
      return nil
    }
    return text
  }
}

extension Metadata {
  static func read(_ value: Value) -> Metadata? {
    value.fields { fields in
      let name = fields.required("name") { $0.name(longest: 48) }
      let description = fields.optional("description", or: "") { $0.text() }
      let owners = fields.optional("owners", or: []) { $0.list { $0.text() } }
      let tags = fields.optional("tags", or: []) { $0.list { $0.name() } }
      let domain = fields.optional("domain", or: []) { $0.list { $0.integer(in: 1...202) } }
      guard let name, let description, let owners, let tags, let domain else { return nil }
      return Metadata(name: name, description: description, owners: owners, tags: tags, domain: domain.map { Int($0) })
    }
  }
}

extension Ownership {
  static func read(topic: String, _ value: Value) -> Ownership? {
    value.fields { fields in
      let normal = fields.required("normal") { $0.text(expected: "a region") }
      let failover = fields.required("failover") { $0.text(expected: "a region") }
      // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
      let operation = fields.value("operation").flatMap { $0.text(expected: "a region") }
      let failback = fields.value("failback").flatMap { $0.text(expected: "a region") }
      guard let normal, let failover else { return nil }
      return Ownership(topic: topic, normal: normal, failover: failover, operation: operation, failback: failback)
    }
  }
}

extension StackSettings {
  static func read(_ value: Value) -> StackSettings? {
    value.fields { fields in
      let kind = fields.required("kind") { $0.choice(Kind.self, called: "a stack") }
      let ttl = fields.optional("lease", or: .seconds(10)) { lease in
        lease.fields { $0.required("ttl", leaseTTL) }
      }
      let mirror = fields.optional("mirror", or: (.seconds(2), nil)) { readMirror($0, isKafka: kind == .kafka) }
      // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
      let guards = fields.value("guards").flatMap { $0.list { $0.choice(Guarded.self, called: "a guard") } }
      let topic = kind == .kafka ? fields.value("topic").flatMap(EventTopic.read) : nil
      let outbox = kind == .kafka ? fields.value("outbox").flatMap(OutboxSettings.read) : nil
      let attach = kind == .kafka ? fields.value("attach").flatMap(AttachedKafka.read) : nil
      guard let kind, let ttl, let mirror else { return nil }
      return StackSettings(
        kind: kind, guards: guards, leaseTTL: ttl, mirrorFreshness: mirror.freshness, mirroring: mirror.mirroring,
        topic: topic, outbox: outbox, attach: attach)
    }
  }

  private static func readMirror(
    _ value: Value, isKafka: Bool
  ) -> (freshness: Duration, mirroring: KafkaMirroring?)? {
    value.fields { fields in
      let freshness = fields.required("freshness") { $0.positiveDuration() }
      let own = ["delivery", "positionsEvery", "transactionTimeout"].filter { fields.has($0) }
      guard isKafka, !own.isEmpty else { return freshness.map { ($0, nil) } }
      let usual = KafkaMirroring()
      let delivery = fields.optional("delivery", or: usual.delivery) {
        $0.choice(KafkaMirroring.Delivery.self, called: "a delivery")
      }
      let positions =
        delivery == .atLeastOnce
        ? fields.optional("positionsEvery", or: usual.positionsEvery) { $0.positiveDuration() } : usual.positionsEvery
      let timeout =
        delivery == .exactlyOnce
        ? fields.optional("transactionTimeout", or: usual.transactionTimeout) { $0.positiveDuration() }
        : usual.transactionTimeout
      guard let freshness, let delivery, let positions, let timeout else { return nil }
      return (
        freshness, KafkaMirroring(delivery: delivery, positionsEvery: positions, transactionTimeout: timeout)
      )
    }
  }

  /// etcd counts leases in whole seconds and raises anything under 2 s to 2 s (1.5 election time-outs; measured).
  private static func leaseTTL(_ value: Value) -> Duration? {
    guard let ttl = value.positiveDuration() else { return nil }
    guard ttl.components.attoseconds == 0, ttl >= .seconds(2) else {
      value.mistake("etcd grants leases of whole seconds, 2s at least; found \(ttl.text)")
      return nil
    }
    return ttl
  }
}

extension EventTopic {
  static func read(_ value: Value) -> EventTopic? {
    value.fields { fields in
      let partitions = fields.optional("partitions", or: 1) { $0.integer(in: 1...64) }
      let retention = fields.value("retention").flatMap { retention -> Duration? in
        guard let kept = retention.positiveDuration() else { return nil }
        guard kept >= .seconds(2) else {
          retention.mistake("the broker looks once a second for what it may let go of: 2s at least; found \(kept.text)")
          return nil
        }
        return kept
      }
      let name = fields.value("name").flatMap { $0.text(expected: "the name of a topic") }
      let copies = fields.value("copies").flatMap { $0.integer(in: 1...32) }
      let missing = fields.value("missing").flatMap { $0.choice(Missing.self, called: "an answer to a missing topic") }
      guard let partitions else { return nil }
      return EventTopic(
        partitions: Int(partitions), retention: retention, name: name, copies: copies.map { Int($0) }, missing: missing)
    }
  }
}

extension WorkloadPlan {
  static func read(_ value: Value) -> WorkloadPlan? {
    value.fields { fields in
      let producers = fields.required("producers") { $0.list(Producer.read) }
      let consumers = fields.optional("consumers", or: []) { $0.list(Consumer.read) }
      // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
      let oldLeader = fields.value("oldLeader").flatMap(OldLeader.read)
      guard let producers, let consumers else { return nil }
      return WorkloadPlan(producers: producers, consumers: consumers, oldLeader: oldLeader)
    }
  }
}

extension Producer {
  static func read(_ value: Value) -> Producer? {
    value.fields { fields in
      let name = fields.required("name") { $0.name() }
      let region = fields.required("region") { $0.text(expected: "a region") }
      let workers = fields.optional("workers", or: 1) { $0.integer(in: 1...256) }
      let rate: Rate? = fields.required("rate") { $0.unit() }
      let keys = fields.required("keys") { $0.integer(in: 1...1_000_000) }
      guard let name, let region, let workers, let rate, let keys else { return nil }
      return Producer(name: name, region: region, workers: Int(workers), rate: rate, keys: Int(keys))
    }
  }
}

extension Consumer {
  static func read(_ value: Value) -> Consumer? {
    value.fields { fields in
      let name = fields.required("name") { $0.name() }
      let region = fields.required("region") { $0.text(expected: "a region") }
      let store = fields.required("store") { $0.text(expected: "a region with a store") }
      let resume = fields.optional("resume", or: .checkpoint) {
        $0.choice(ResumeRule.self, called: "a place to go on reading")
      }
      guard let name, let region, let store, let resume else { return nil }
      return Consumer(name: name, region: region, store: store, resume: resume)
    }
  }
}

extension OldLeader {
  static func read(_ value: Value) -> OldLeader? {
    value.fields { fields in
      let region = fields.required("region") { $0.text(expected: "a region") }
      let rate: Rate? = fields.required("rate") { $0.unit() }
      guard let region, let rate else { return nil }
      return OldLeader(region: region, rate: rate)
    }
  }
}

extension AbortCondition {
  static func read(_ value: Value) -> AbortCondition? {
    value.fields { fields in
      let expectation = Expectation.read(fields)
      let tolerance = fields.required("for") { $0.positiveDuration() }
      guard let expectation, let tolerance else { return nil }
      return AbortCondition(expectation, tolerance: tolerance)
    }
  }
}

extension Recovery {
  static func read(_ value: Value) -> Recovery? {
    value.fields { $0.required("within") { $0.positiveDuration() }.map { Recovery(within: $0) } }
  }
}

extension ChecklistEntry {
  /// What an item takes besides its name.
  private enum Level: String, CaseIterable {
    case within, rpo, margin
  }

  static func read(_ value: Value) -> ChecklistEntry? {
    value.fields { fields in
      let item = fields.required("item") { $0.choice(ChecklistItem.self, called: "an item") }
      // An unknown item is one mistake; its levels cannot be judged.
      guard let item else {
        for level in Level.allCases { _ = fields.value(level.rawValue) }
        return nil
      }
      switch item {
      case .mirrorLagZero:
        return fields.optional("within", or: .seconds(300)) { $0.positiveDuration() }.map { .init(item, within: $0) }
      case .steadyStateRecovered:
        return .init(item, within: fields.value("within").flatMap { $0.positiveDuration() })
      case .noAcknowledgedLoss:
        return .init(item, rpo: fields.value("rpo").flatMap { $0.positiveDuration() })
      case .electionWithinTTL:
        return fields.optional("margin", or: .seconds(2)) { $0.unit() }.map { .init(item, margin: $0) }
      case .noDuplicates, .staleTokenRejected, .orderPerAggregate, .consumerProgress, .writeAuthorityStays,
        .offsetsTranslated, .noUnfencedSchemaChange, .outboxComplete:
        return .init(item)
      }
    }
  }
}

extension PermittedAnomaly {
  /// A row is given by its number or its name, and kept by its number.
  static func read(_ value: Value) -> PermittedAnomaly? {
    value.fields { fields in
      let row = fields.required("anomaly") { value -> String? in
        guard let text = value.text(expected: "a row of docs/anomalies.md") else { return nil }
        if let row = rows.first(where: { $0.row == text || $0.name == text }) { return row.row }
        let near = closest(to: text, among: rows.flatMap { [$0.row, $0.name] })
        value.mistake(
          "there is no anomaly \(quoted(text))",
          fix: (near.map { "did you mean \(quoted($0))? " } ?? "") + "docs/anomalies.md lists them")
        return nil
      }
      let because = fields.required("because") { value -> String? in
        guard let text = value.text(expected: "a reason") else { return nil }
        guard text.contains(where: { !$0.isWhitespace }) else {
          value.mistake("what is permitted needs a reason, for whoever reads the verdict")
          return nil
        }
        return text
      }
      guard let row, let because else { return nil }
      return PermittedAnomaly(row, because: because)
    }
  }
}
