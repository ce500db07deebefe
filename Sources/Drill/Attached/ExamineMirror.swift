internal import Scenarios
internal import Stacks
internal import Support

/// One direction of a mirror, as its workers have it: which connectors it has, how they are, and what is wrong with their
/// configuration by what the drill promises.
struct MirrorExamination {
  private let scenario: Scenario
  private let mirror: AttachedKafka.Mirror
  private let brokers: [String: Int]
  private let topicIsMade: Bool
  private(set) var findings: [ClusterFinding] = []

  /// An examination of `mirror`.
  ///
  /// - Parameters:
  ///   - brokers: of each cluster, how many it has.
  ///   - topicIsMade: whether the source lacks the drill's topic, and it is to be made.
  init(scenario: Scenario, mirror: AttachedKafka.Mirror, brokers: [String: Int], topicIsMade: Bool) {
    self.topicIsMade = topicIsMade
    self.scenario = scenario
    self.mirror = mirror
    self.brokers = brokers
  }

  private var name: String { "\(mirror.from) to \(mirror.to)" }

  private mutating func note(
    _ what: String, _ standing: ClusterFinding.Standing, _ detail: String, fix: String? = nil
  ) {
    findings.append(ClusterFinding("\(name): \(what)", standing, detail, fix: fix))
  }

  mutating func perform() async {
    if mirror.runner == .dedicated {
      note(
        "mirror", .remark,
        "a dedicated MirrorMaker 2: its states and configuration cannot be asked for, and it cannot be paused",
        fix: "judge it by its heartbeats and by what arrives")
    } else if let client = scenario.attachedClusters.first(where: { $0.name == mirror.worker })?.connect() {
      do { try await examine(client) } catch let problem as Problem {
        note("Connect", .wrong, problem.what, fix: problem.fix)
      } catch { note("Connect", .wrong, "\(error)") }
    }
    await noteHeartbeats()
  }

  private mutating func examine(_ client: ConnectClient) async throws {
    let worker = try await client.worker()
    note("Connect", .fine, "version \(worker.version) at \(client.address)")
    var all: [String: [String: String]] = [:]
    for connector in try await client.connectors() { all[connector] = try await client.configuration(of: connector) }
    let mirrors = all.filter { $0.value["connector.class"]?.contains("connect.mirror.Mirror") ?? false }
    let own = mirrors.filter {
      $0.value["source.cluster.alias"] == mirror.from && $0.value["target.cluster.alias"] == mirror.to
    }
    noteParts(own, among: mirrors)
    for connector in own.keys.sorted() {
      guard let status = try await client.status(of: connector) else {
        note(connector, .wrong, "the worker says nothing of its state", fix: "see the worker's log")
        continue
      }
      if let failure = status.failure {
        note(connector, .wrong, failure, fix: "mend the cause, then restart it: POST /connectors/\(connector)/restart")
      } else {
        // A checkpoint connector has no tasks until a group has committed something.
        let mayBeIdle = !(own[connector]?["connector.class"]?.hasSuffix("MirrorSourceConnector") ?? false)
        let isRunning = status.isAll(.running, mayBeIdle: mayBeIdle)
        note(
          connector, isRunning ? .fine : .wrong, status.description,
          fix: isRunning ? nil : "resume it, or find out who paused it")
      }
    }
    noteDelivery(own)
    noteSyncs(own)
    if topicIsMade { await noteRemembered(own.keys.sorted(), client) }
    lint(own)
  }

  /// Where the sync points are.
  private mutating func noteSyncs(_ own: [String: [String: String]]) {
    for (connector, entries) in own.sorted(by: { $0.key < $1.key })
    where entries["offset-syncs.topic.location"] == "target" {
      let isJudged = scenario.checklist.contains { $0.item == .offsetsTranslated }
      note(
        connector, isJudged ? .wrong : .remark,
        "offset-syncs.topic.location is target, and this version reads sync points in the source cluster alone",
        fix: isJudged ? "leave the item offsets-translated out" : nil)
    }
  }

  /// A mirror that knows a place in a topic that is gone goes on there in a new one of that name: what stands before is never carried,
  /// without a word.
  private mutating func noteRemembered(_ connectors: [String], _ client: ConnectClient) async {
    let topic = scenario.stack.topic?.name ?? EventTopic.labName
    for connector in connectors {
      do {
        let places = try await client.offsets(of: connector).compactMap(\.mirrored).filter {
          $0.partition.topic == topic && $0.lastOffset > 0
        }
        guard let furthest = places.max(by: { $0.lastOffset < $1.lastOffset }) else { continue }
        note(
          connector, .wrong,
          "it has carried \(furthest.partition) up to offset \(furthest.lastOffset), and there is no such topic any more: "
            + "of a new one under that name it may leave out as much",
          fix: "give the topic a name that was never used, such as one with a variable in it; or make it yourself, and "
            + "keep it")
      } catch {
        note(
          connector, .remark,
          "whether it has carried an earlier topic of the name '\(topic)' could not be asked: \(error)",
          fix: "use a name that was never used: the mirror would go on where it was in the earlier topic")
      }
    }
  }

  private mutating func noteParts(_ own: [String: [String: String]], among mirrors: [String: [String: String]]) {
    func has(_ kind: String) -> Bool { own.values.contains { $0["connector.class"]?.hasSuffix(kind) ?? false } }
    guard has("MirrorSourceConnector") else {
      let aliases = Set(
        mirrors.values.compactMap { entries in
          entries["source.cluster.alias"].flatMap { from in
            entries["target.cluster.alias"].map { "\(from) to \($0)" }
          }
        })
      return note(
        "mirror", .wrong, "no connector of it mirrors \(mirror.from) to \(mirror.to)",
        fix: aliases.isEmpty
          ? "name the worker that runs it: stack.attach.mirrors, worker"
          : "it mirrors \(aliases.sorted().joined(separator: ", ")): a region is called like its cluster's alias")
    }
    if !has("MirrorCheckpointConnector") {
      let isJudged = scenario.checklist.contains { $0.item == .offsetsTranslated }
      note(
        "mirror", isJudged ? .wrong : .remark, "it has no checkpoint connector: groups' positions are not carried over",
        fix: isJudged ? "start one, or leave the item offsets-translated out" : nil)
    }
  }

  /// Whether the mirror delivers as the scenario says.
  private mutating func noteDelivery(_ own: [String: [String: String]]) {
    let promised = (scenario.stack.mirroring ?? KafkaMirroring()).delivery
    for (connector, entries) in own.sorted(by: { $0.key < $1.key })
    where entries["connector.class"]?.hasSuffix("MirrorSourceConnector") ?? false {
      let isExactlyOnce = entries["exactly.once.support"] == "required"
      switch (promised, isExactlyOnce) {
      case (.exactlyOnce, false):
        note(
          connector, .wrong,
          "the scenario says that it delivers exactly once, and its exactly.once.support is "
            + (entries["exactly.once.support"] ?? "requested, which Connect may leave undone"),
          fix: "exactly.once.support=required, or stack.mirror: { delivery: at-least-once, positionsEvery: … }")
      case (.atLeastOnce, true):
        note(connector, .remark, "it delivers exactly once, and the scenario allows that it does not")
      case (.exactlyOnce, true), (.atLeastOnce, false): break
      }
      if let policy = entries["replication.policy.class"] {
        let isIdentity = policy.hasSuffix("IdentityReplicationPolicy")
        if isIdentity != (mirror.policy == .identity) || !isIdentity && !policy.hasSuffix("DefaultReplicationPolicy") {
          note(
            connector, .wrong,
            "its replication.policy.class is \(policy), and the scenario says \(mirror.policy.rawValue)",
            fix: "stack.attach.mirrors, policy")
        }
      }
      let separator = entries["replication.policy.separator"] ?? "."
      if separator != mirror.separator {
        note(
          connector, .wrong,
          "its replication.policy.separator is '\(separator)', and the scenario says '\(mirror.separator)'",
          fix: "stack.attach.mirrors, separator: '\(separator)'")
      }
    }
  }

  /// The configuration by what the drill promises.
  private mutating func lint(_ own: [String: [String: String]]) {
    let isMade = scenario.stack.topic?.missing == .make
    let translates = scenario.checklist.contains { $0.item == .offsetsTranslated }
    let lint = MirrorLint(
      connectors: own, brokers: brokers,
      objectives: MirrorObjectives(
        positionAge: translates ? scenario.recovery.within : nil,
        discovery: isMade ? scenario.attachedDiscovery : nil))
    for finding in lint.findings() {
      findings.append(
        ClusterFinding(
          "\(name): \(finding.place)", finding.severity == .error ? .wrong : .remark,
          "\(finding.text) (\(finding.rule.rawValue))"))
    }
  }

  /// What proves that something flows: a heartbeat that was written in the source, read in the target.
  private mutating func noteHeartbeats() async {
    guard let target = scenario.attachedClusters.first(where: { $0.name == mirror.to }),
      let link = scenario.attachedLinks.first(where: { $0.source.alias == mirror.from && $0.target.alias == mirror.to })
    else { return }
    let topic = link.heartbeatsTopic
    do {
      switch try await newestRecord(of: KafkaPartition(topic, 0), target.properties) {
      case nil:
        note(
          "heartbeats", .remark, "none of \(mirror.from) has come to \(topic)",
          fix: "let the mirror carry heartbeats, or know that nothing but events proves that it flows")
      case let written?:
        let age = Duration.milliseconds(max(0, Timebase.system.wall() / 1_000_000 - written))
        note(
          "heartbeats", age > .seconds(60) ? .wrong : .fine,
          "the newest of \(mirror.from) was written \(age.brief) ago",
          fix: age > .seconds(60) ? "the mirror does not flow, whatever its states say: see its log" : nil)
      }
    } catch let failure as KafkaFailure where failure.kind == .notFound {
      note("heartbeats", .remark, "there is no topic \(topic): nothing but events proves that the mirror flows")
    } catch let failure as KafkaFailure {
      let problem = failure.problem(.steadyState, at: mirror.to, principal: target.properties.principal)
      note("heartbeats", .remark, "they could not be read: \(problem.what)", fix: problem.fix)
    } catch {
      note("heartbeats", .remark, "they could not be read: \(error)")
    }
  }
}

/// When the newest record of a partition was written (ms since 1970); `nil` where there is none. Transaction markers stand at the
/// end of what a mirror wrote, so that it is looked for a little before.
private func newestRecord(of partition: KafkaPartition, _ properties: KafkaProperties) async throws -> Int64? {
  let consumer = try await KafkaConsumer(
    properties, name: "doctor", group: "\(Scenario.attachedGroupPrefix)doctor", reportsEnds: true)
  let outcome: Result<Int64?, any Error>
  do {
    let admin = try await KafkaAdmin(properties, name: "doctor-ends")
    let marks: Result<KafkaWatermarks, KafkaFailure>
    do throws(KafkaFailure) { marks = .success(try await admin.watermarks(partition)) } catch {
      marks = .failure(error)
    }
    await admin.close()
    let (low, high) = (try marks.get().low, try marks.get().high)
    try await consumer.assign([partition: .offset(max(low, high - 50))])
    var newest: Int64?
    let deadline = Timebase.system.monotonic() + 5_000_000_000
    reading: while Timebase.system.monotonic() < deadline {
      for reading in try await consumer.read(within: .milliseconds(200)) {
        switch reading {
        case .message(let message): newest = max(newest ?? 0, message.timestampMilliseconds ?? 0)
        case .end: break reading
        }
      }
    }
    outcome = .success(newest)
  } catch { outcome = .failure(error) }
  await consumer.close()
  return try outcome.get()
}

extension Scenario {
  /// How long a mirror may take to find a topic that the drill makes: until the baseline gives up.
  var attachedDiscovery: Duration { steadyState.hold * 2 + .seconds(15) }
}
