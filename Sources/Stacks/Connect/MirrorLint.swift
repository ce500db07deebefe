internal import Support

/// One thing that is wrong, or will be, with how a mirror is configured.
public struct MirrorFinding: Sendable, Hashable, Codable, CustomStringConvertible {
  /// How bad.
  public enum Severity: String, Sendable, Hashable, Codable {
    /// It does not start, or what is asked of it cannot be.
    case error
    /// It works, and hides a trap.
    case warning
  }

  /// Which rule found it.
  public enum Rule: String, Sendable, Hashable, Codable, CaseIterable {
    /// A key that no part of MirrorMaker knows.
    case unknownKey = "unknown-key"
    /// More copies than there are brokers.
    case replicationFactor = "replication-factor"
    /// A source consumer that begins after what is there.
    case startsAtLatest = "starts-at-latest"
    /// Positions cannot be carried over as fast as promised.
    case checkpointsTooRare = "checkpoints-too-rare"
    /// A new topic is found later than promised.
    case discoveryTooRare = "discovery-too-rare"
    /// Positions are not carried over at all.
    case noGroupSync = "no-group-sync"
    /// A killed worker waits out a transaction longer than promised.
    case transactionTimeout = "transaction-timeout"
    /// Exactly-once is asked for, and something it needs is missing.
    case exactlyOnceIncomplete = "exactly-once-incomplete"
    /// After a worker's death its tasks wait.
    case rebalanceDelay = "rebalance-delay"
    /// Two identity mirrors copy each other's records for ever.
    case cycle
  }

  /// Which rule found it.
  public var rule: Rule
  /// How bad.
  public var severity: Severity
  /// The connector or worker, and the key.
  public var place: String
  /// What is wrong, and what to write instead.
  public var text: String

  /// `east-to-eu-source: error: …`
  public var description: String { "\(place): \(severity.rawValue): \(text) (\(rule.rawValue))" }
}

/// What is promised of a mirror, to measure its configuration by.
public struct MirrorObjectives: Sendable, Hashable, Codable {
  /// After that, records flow again once a fault is over or a worker is back; `nil`: not promised.
  public var recoveryTime: Duration?
  /// How old a group's carried-over position may be.
  public var positionAge: Duration?
  /// How long a new topic may go unmirrored.
  public var discovery: Duration?

  /// Promises; what is `nil` is not measured.
  public init(recoveryTime: Duration? = nil, positionAge: Duration? = nil, discovery: Duration? = nil) {
    self.recoveryTime = recoveryTime
    self.positionAge = positionAge
    self.discovery = discovery
  }
}

/// Examines the configuration of a mirrored pair without touching it. Pure.
public struct MirrorLint: Sendable {
  /// A worker's properties, by its name.
  public var workers: [String: [String: String]]
  /// Connectors' configurations, by their names.
  public var connectors: [String: [String: String]]
  /// How many brokers each cluster has, by alias; one that is not listed is not measured.
  public var brokers: [String: Int]
  /// What is promised.
  public var objectives: MirrorObjectives

  /// An examination of these configurations.
  public init(
    workers: [String: [String: String]] = [:], connectors: [String: [String: String]], brokers: [String: Int] = [:],
    objectives: MirrorObjectives = MirrorObjectives()
  ) {
    self.workers = workers
    self.connectors = connectors
    self.brokers = brokers
    self.objectives = objectives
  }

  /// Everything that it finds, errors first, then by place.
  public func findings() -> [MirrorFinding] {
    var found: [MirrorFinding] = []
    for (name, entries) in connectors.sorted(by: { $0.key < $1.key }) {
      // Any other connector is no part of a mirror.
      guard let kind = KafkaMirrorLink.Part(className: entries["connector.class"]) else { continue }
      found += unknownKeys(name, entries, kind) + factors(name, entries)
      switch kind {
      case .source: found += source(name, entries)
      case .checkpoint: found += checkpoint(name, entries)
      case .heartbeat: break
      }
    }
    for (name, entries) in workers.sorted(by: { $0.key < $1.key }) { found += worker(name, entries) }
    found += cycles()
    return found.sorted { ($0.severity.rawValue, $0.place, $0.text) < ($1.severity.rawValue, $1.place, $1.text) }
  }

  private func unknownKeys(_ name: String, _ entries: [String: String], _ kind: KafkaMirrorLink.Part) -> [MirrorFinding]
  {
    let own: Set<String> =
      switch kind {
      case .source: Self.sourceKeys
      case .checkpoint: Self.checkpointKeys
      case .heartbeat: Self.heartbeatKeys
      }
    return entries.keys.sorted().compactMap { key in
      if Self.commonKeys.contains(key) || own.contains(key) { return nil }
      if Self.clientPrefixes.contains(where: key.hasPrefix) { return nil }
      let elsewhere = Self.sourceKeys.union(Self.checkpointKeys).union(Self.heartbeatKeys)
      let why =
        elsewhere.contains(key) ? "it belongs to another connector of the mirror" : "no connector of a mirror has it"
      let near = nearestKey(to: key, in: own.union(Self.commonKeys)).map { "; did you mean '\($0)'?" } ?? ""
      return MirrorFinding(
        rule: .unknownKey, severity: .warning, place: name, text: "'\(key)' has no effect: \(why)\(near)")
    }
  }

  private func factors(_ name: String, _ entries: [String: String]) -> [MirrorFinding] {
    guard let target = entries["target.cluster.alias"], let count = brokers[target] else { return [] }
    let keys = [
      "replication.factor": 2, "offset-syncs.topic.replication.factor": 3, "checkpoints.topic.replication.factor": 3,
      "heartbeats.topic.replication.factor": 3,
    ]
    let kind = KafkaMirrorLink.Part(className: entries["connector.class"])
    return keys.keys.sorted().compactMap { key in
      let belongs =
        switch kind {
        case .source: key == "replication.factor" || key.hasPrefix("offset-syncs")
        case .checkpoint: key.hasPrefix("checkpoints")
        case .heartbeat: key.hasPrefix("heartbeats")
        case nil: false
        }
      guard belongs, let factor = entries[key].map({ Int($0) ?? 0 }) ?? keys[key] else { return nil }
      // The syncs lie at the source unless they were moved.
      let alias =
        key.hasPrefix("offset-syncs") && entries["offset-syncs.topic.location"] != "target"
        ? entries["source.cluster.alias"] ?? target : target
      let has = brokers[alias] ?? count
      if factor == -1 || (1...has).contains(factor) { return nil }
      let said = entries[key] == nil ? "\(key) is \(factor) unless set" : "\(key) is \(entries[key] ?? "")"
      return MirrorFinding(
        rule: .replicationFactor, severity: .error, place: name,
        text:
          "\(said), and \(alias) has \(has) broker\(has == 1 ? "" : "s"): its topic cannot be made; set it to \(has)")
    }
  }

  private func source(_ name: String, _ entries: [String: String]) -> [MirrorFinding] {
    var found: [MirrorFinding] = []
    let reset = ["source.consumer.auto.offset.reset", "consumer.auto.offset.reset"].compactMap { entries[$0] }.first
    if reset == "latest" {
      found.append(
        MirrorFinding(
          rule: .startsAtLatest, severity: .error, place: name,
          text:
            "auto.offset.reset=latest skips every record that was written before the mirror first read the partition, "
            + "without an error; use earliest"))
    }
    let interval = seconds(entries, "refresh.topics.interval.seconds", 600)
    let enabled = entries["refresh.topics.enabled"] != "false"
    if let promised = objectives.discovery, !enabled || interval > promised {
      found.append(
        MirrorFinding(
          rule: .discoveryTooRare, severity: .error, place: name,
          text: "a new topic is found \(enabled ? "after up to \(interval.text)" : "never"), and \(promised.text) is "
            + "promised; lower refresh.topics.interval.seconds"))
    }
    if entries["exactly.once.support"] == "required" {
      if entries["source.consumer.isolation.level"] != "read_committed"
        && entries["consumer.isolation.level"] != "read_committed"
      {
        found.append(
          MirrorFinding(
            rule: .exactlyOnceIncomplete, severity: .error, place: name,
            text:
              "exactly.once.support=required needs source.consumer.isolation.level=read_committed; Connect refuses the "
              + "connector without it"))
      }
      for (worker, properties) in workers.sorted(by: { $0.key < $1.key })
      where (properties["exactly.once.source.support"] ?? "disabled") != "enabled" {
        found.append(
          MirrorFinding(
            rule: .exactlyOnceIncomplete, severity: .error, place: name,
            text: "exactly.once.support=required needs exactly.once.source.support=enabled on worker \(worker)"))
      }
    }
    return found
  }

  private func checkpoint(_ name: String, _ entries: [String: String]) -> [MirrorFinding] {
    var found: [MirrorFinding] = []
    if entries["sync.group.offsets.enabled"] != "true" {
      found.append(
        MirrorFinding(
          rule: .noGroupSync, severity: objectives.positionAge == nil ? .warning : .error, place: name,
          text:
            "sync.group.offsets.enabled is not true: after a failover every group begins by its auto.offset.reset unless "
            + "somebody translates its checkpoints"))
    }
    guard let promised = objectives.positionAge else { return found }
    let emit = seconds(entries, "emit.checkpoints.interval.seconds", 60)
    let sync = seconds(entries, "sync.group.offsets.interval.seconds", 60)
    if emit + sync > promised {
      found.append(
        MirrorFinding(
          rule: .checkpointsTooRare, severity: .error, place: name,
          text: "a position may be \((emit + sync).text) old (emit.checkpoints.interval.seconds \(emit.text) and "
            + "sync.group.offsets.interval.seconds \(sync.text)), and \(promised.text) is promised"))
    }
    return found
  }

  private func worker(_ name: String, _ entries: [String: String]) -> [MirrorFinding] {
    var found: [MirrorFinding] = []
    if entries["exactly.once.source.support"] == "enabled", let promised = objectives.recoveryTime {
      let key = "producer.transaction.timeout.ms"
      let limit = entries[key].flatMap(Int64.init).map { Duration.milliseconds($0) } ?? .seconds(60)
      if limit > promised {
        found.append(
          MirrorFinding(
            rule: .transactionTimeout, severity: .error, place: name,
            text:
              "a worker killed inside a transaction is back only after \(limit.text) (\(key)\(entries[key] == nil ? ", unless set" : "")), "
              + "and \(promised.text) is promised; lower it"))
      }
    }
    let delay =
      entries["scheduled.rebalance.max.delay.ms"].flatMap(Int64.init).map { Duration.milliseconds($0) } ?? .seconds(300)
    if let promised = objectives.recoveryTime, delay > promised {
      found.append(
        MirrorFinding(
          rule: .rebalanceDelay, severity: .error, place: name,
          text:
            "the tasks of a dead worker wait \(delay.text) (scheduled.rebalance.max.delay.ms), and \(promised.text) is "
            + "promised; lower it"))
    }
    return found
  }

  /// Pairs of source connectors in opposite directions that both keep topics' names, for topics of the same patterns.
  private func cycles() -> [MirrorFinding] {
    let identities = connectors.filter {
      KafkaMirrorLink.Part(className: $0.value["connector.class"]) == .source
        && ($0.value["replication.policy.class"] ?? "").hasSuffix("IdentityReplicationPolicy")
    }
    return identities.sorted { $0.key < $1.key }.compactMap { name, entries in
      let back = identities.filter { other, theirs in
        other > name && theirs["source.cluster.alias"] == entries["target.cluster.alias"]
          && theirs["target.cluster.alias"] == entries["source.cluster.alias"]
          && !Set(patterns(theirs)).isDisjoint(with: patterns(entries))
      }.keys.min()
      return back.map { other in
        MirrorFinding(
          rule: .cycle, severity: .error, place: name,
          text:
            "it and \(other) both keep topics' names and share topics: each copies the other's copies for ever; use the "
            + "default policy, or give each direction topics of its own")
      }
    }
  }

  private func patterns(_ entries: [String: String]) -> [String] {
    (entries["topics"] ?? ".*").split(separator: ",").map { String($0).trimmingSpaces }.filter { $0 != "heartbeats" }
  }

  private func seconds(_ entries: [String: String], _ key: String, _ standard: Int64) -> Duration {
    .seconds(entries[key].flatMap(Int64.init) ?? standard)
  }

  // From the configuration classes of connect-mirror and connect-runtime, 4.3.
  private static let commonKeys: Set<String> = [
    "name", "connector.class", "tasks.max", "tasks.max.enforce", "key.converter", "value.converter", "header.converter",
    "config.action.reload", "transforms", "predicates", "errors.retry.timeout", "errors.retry.delay.max.ms",
    "errors.tolerance", "errors.log.enable", "errors.log.include.messages", "connector.plugin.version",
    "key.converter.plugin.version", "value.converter.plugin.version", "exactly.once.support", "transaction.boundary",
    "transaction.boundary.interval.ms", "offsets.storage.topic", "topic.creation.groups", "enabled",
    "source.cluster.alias", "target.cluster.alias", "replication.policy.class", "replication.policy.separator",
    "replication.policy.internal.topic.separator.enabled", "admin.timeout.ms", "metric.reporters", "security.protocol",
    "forwarding.admin.class", "offset-syncs.topic.location", "emit.offset-syncs.enabled", "topic.filter.class",
    "source.bootstrap.servers", "target.bootstrap.servers",
  ]
  private static let sourceKeys: Set<String> = [
    "topics", "topics.exclude", "topics.blacklist", "config.properties.exclude", "config.property.filter.class",
    "consumer.poll.timeout.ms", "refresh.topics.enabled", "refresh.topics.interval.seconds",
    "sync.topic.configs.enabled",
    "sync.topic.configs.interval.seconds", "sync.topic.acls.enabled", "sync.topic.acls.interval.seconds",
    "replication.factor", "offset.lag.max", "offset-syncs.topic.replication.factor", "heartbeats.replication.enabled",
    "add.source.alias.to.metrics", "use.defaults.from", "use.incremental.alter.configs",
  ]
  private static let checkpointKeys: Set<String> = [
    "groups", "groups.exclude", "groups.blacklist", "group.filter.class", "topics", "topics.exclude",
    "consumer.poll.timeout.ms", "refresh.groups.enabled", "refresh.groups.interval.seconds", "emit.checkpoints.enabled",
    "emit.checkpoints.interval.seconds", "sync.group.offsets.enabled", "sync.group.offsets.interval.seconds",
    "checkpoints.topic.replication.factor",
  ]
  private static let heartbeatKeys: Set<String> = [
    "emit.heartbeats.enabled", "emit.heartbeats.interval.seconds", "heartbeats.topic.replication.factor",
  ]
  private static let clientPrefixes = [
    "source.cluster.", "target.cluster.", "source.consumer.", "source.producer.", "source.admin.", "target.consumer.",
    "target.producer.", "target.admin.", "consumer.", "producer.", "admin.", "consumer.override.", "producer.override.",
    "admin.override.", "key.converter.", "value.converter.", "header.converter.", "transforms.", "predicates.",
    "topic.creation.", "ssl.", "sasl.", "replication.policy.",
  ]
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
