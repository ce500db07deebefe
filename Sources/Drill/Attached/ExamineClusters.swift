public import Scenarios
internal import Stacks
internal import Support

/// Looks at the Kafka clusters of a scenario that stand already, without changing anything: whether they are reached and believe us,
/// what they lack, which rights are missing, how their topics, connectors and mirrors are set up.
///
/// - Returns: everything that was looked at, cluster by cluster, then mirror by mirror.
/// - Throws: ``Problem`` (usage) for a scenario that has none.
public func examineClusters(of scenario: Scenario) async throws -> [ClusterFinding] {
  let clusters = scenario.attachedClusters
  guard let attach = scenario.stack.attach, !clusters.isEmpty else {
    throw Problem(
      .usage, at: scenario.metadata.name, "the scenario has no clusters that stand already",
      fix: "stack.attach names them; those of a lab are looked at by the lab itself")
  }
  var found: [String: ClusterExamination] = [:]
  await withTaskGroup(of: ClusterExamination.self) { group in
    for cluster in clusters {
      group.addTask(name: "examination of \(cluster.name)") {
        var examination = ClusterExamination(scenario: scenario, cluster: cluster)
        await examination.perform()
        return examination
      }
    }
    for await examination in group { found[examination.cluster.name] = examination }
  }
  var findings = clusters.flatMap { found[$0.name]?.findings ?? [] }
  let brokers = found.compactMapValues(\.brokerCount)
  for mirror in attach.mirrors {
    var examination = MirrorExamination(
      scenario: scenario, mirror: mirror, brokers: brokers,
      topicIsMade: found[mirror.from]?.willMakeTopic ?? false)
    await examination.perform()
    findings += examination.findings
  }
  return findings
}

/// One cluster, from its addresses to its topics.
private struct ClusterExamination {
  let scenario: Scenario
  let cluster: AttachedCluster
  var findings: [ClusterFinding] = []
  var brokerCount: Int?
  /// Whether the drill's topic is not there, and is to be made.
  var willMakeTopic = false

  init(scenario: Scenario, cluster: AttachedCluster) {
    self.scenario = scenario
    self.cluster = cluster
  }

  private var topics: (own: String, mirrored: [String]) { scenario.eventTopics(of: cluster.name) }

  private mutating func note(
    _ what: String, _ standing: ClusterFinding.Standing, _ detail: String, fix: String? = nil
  ) {
    findings.append(ClusterFinding("\(cluster.name): \(what)", standing, detail, fix: fix))
  }

  mutating func perform() async {
    noteProperties()
    // Without properties that a client takes, and without a broker that lets us in, nothing more can be seen.
    guard !findings.contains(where: { $0.standing == .wrong }) else { return }
    guard let address = await askBrokers() else { return }
    do {
      let admin = try await KafkaAdmin(cluster.properties, name: "doctor-\(cluster.name)")
      let metadata: Result<KafkaMetadata, KafkaFailure>
      do throws(KafkaFailure) { metadata = .success(try await admin.metadata()) } catch { metadata = .failure(error) }
      switch metadata {
      case .success(let metadata):
        brokerCount = metadata.brokers.count
        await askForRights(at: address, metadata)
        await noteTopics(metadata, admin)
      case .failure(let failure):
        let problem = failure.problem(.steadyState, at: cluster.name, principal: cluster.properties.principal)
        // The broker has believed us above: it is the client's own way to prove a name that it refuses.
        let isScram = cluster.model.property("sasl.mechanisms")?.text.uppercased().hasPrefix("SCRAM") ?? false
        note(
          "clients", .wrong, problem.what,
          fix: isScram && failure.kind == .notAllowed
            ? "librdkafka before 2.6.1 repeats its own nonce, which Kafka 4 refuses: use PLAIN or certificates, or a newer "
              + "librdkafka" : problem.fix)
      }
      await admin.close()
    } catch {
      note("clients", .wrong, "\(error)")
    }
    await noteRegistry()
  }

  private mutating func noteProperties() {
    for unknown in cluster.properties.unknown() {
      note(
        "properties", .wrong, "librdkafka has no property '\(unknown.name)': its clients would not start",
        fix: unknown.near.map { "did you mean '\($0)'?" } ?? "CONFIGURATION.md of librdkafka lists all of them")
    }
  }

  /// Asks every broker that is named; returns the first that answers.
  private mutating func askBrokers() async -> String? {
    let examiner = KafkaExaminer(cluster.properties)
    var answered: String?
    for address in cluster.model.bootstrap {
      do {
        let examination = try await examiner.examine(address, KafkaNeeds())
        let who =
          switch examination.standing {
          case .authenticated: cluster.properties.principal.map { "as \($0)" } ?? "nobody asked who we are"
          case .notAsked(let mechanism): "by \(mechanism), which librdkafka will prove"
          }
        note("broker \(address)", .fine, "reached, \(who)")
        for (feature, lack) in examination.lacking {
          note(
            "broker \(address)", .wrong, "\(feature): \(lack)",
            fix: "use a Kafka that both sides can speak with; a rolling upgrade may have left this broker behind")
        }
        if answered == nil { answered = address }
      } catch let problem as Problem {
        note("broker \(address)", .wrong, problem.what, fix: problem.fix)
      } catch {
        note("broker \(address)", .wrong, "\(error)")
      }
    }
    return answered
  }

  private mutating func askForRights(at address: String, _ metadata: KafkaMetadata) async {
    let who = cluster.properties.principal ?? "this client's principal"
    let owner = cluster.properties.principal ?? "User:NAME"
    // Rights on a topic that is not there cannot be asked for; where it is to be made, making it is one of them.
    let lacksTopic = metadata.topics[topics.own] == nil && scenario.stack.topic?.missing == .make
    do {
      let examination = try await KafkaExaminer(cluster.properties).examine(
        address, scenario.needs(in: cluster.name, lacksTopic: lacksTopic))
      for right in examination.missing {
        note("rights", .wrong, "\(who) lacks \(right), for \(right.purpose)", fix: right.grant(to: owner))
      }
      for reason in examination.unasked { note("rights", .remark, reason) }
      if examination.missing.isEmpty { note("rights", .fine, "\(who) lacks none that could be asked for") }
    } catch let problem as Problem {
      note("rights", .wrong, problem.what, fix: problem.fix)
    } catch {
      note("rights", .wrong, "\(error)")
    }
  }

  private mutating func noteTopics(_ metadata: KafkaMetadata, _ admin: KafkaAdmin) async {
    let wanted = scenario.stack.topic ?? EventTopic()
    if let partitions = metadata.topics[topics.own] {
      await note(topic: topics.own, partitions, wanted, admin)
    } else if wanted.missing == .make {
      willMakeTopic = true
      let copies = wanted.copies ?? 1
      let brokers = metadata.brokers.count
      note(
        "topic \(topics.own)", copies > brokers ? .wrong : .fine,
        "is not there, and will be made: \(wanted.partitions) partitions, \(copies) copies, removed at the end"
          + (copies > brokers ? "; there are \(brokers) brokers" : ""),
        fix: copies > brokers ? "stack.topic.copies: \(brokers)" : nil)
    } else {
      note(
        "topic \(topics.own)", .wrong, "there is no such topic, or it may not be looked at",
        fix: "make it with \(wanted.partitions) partitions, or say stack.topic.missing: make")
    }
    for topic in topics.mirrored {
      guard let partitions = metadata.topics[topic], let origin = metadata.topics[topics.own] else { continue }
      if partitions.count < origin.count {
        note(
          "topic \(topic)", .remark,
          "has \(partitions.count) partitions; its cluster's own topic has \(origin.count)",
          fix: "the mirror adds them at its next look (refresh.topics.interval.seconds)")
      }
    }
    await noteCompaction(metadata, admin)
  }

  private mutating func note(
    topic: String, _ partitions: [KafkaMetadata.Partition], _ wanted: EventTopic, _ admin: KafkaAdmin
  ) async {
    let what = "topic \(topic)"
    let copies = partitions.map(\.replicas.count).min() ?? 0
    if partitions.count != wanted.partitions {
      note(
        what, .wrong, "has \(partitions.count) partitions, and the scenario says \(wanted.partitions)",
        fix: "stack.topic.partitions: \(partitions.count)")
    }
    if let lost = partitions.first(where: { $0.leader == nil }) {
      note(what, .wrong, "partition \(lost.number) has no leader", fix: "mend the cluster first")
    }
    let behind = partitions.filter { $0.inSync.count < $0.replicas.count }
    if !behind.isEmpty {
      note(
        what, .remark, "\(behind.count) of its partitions are held by fewer brokers in sync than they should be",
        fix: "mend the cluster first: a drill would be measured against its illness")
    }
    do throws(KafkaFailure) {
      let configuration = try await admin.configuration(ofTopic: topic)
      let inSync = configuration["min.insync.replicas"]?.value.flatMap { Int($0) } ?? 1
      if inSync > copies {
        note(
          what, .wrong, "min.insync.replicas is \(inSync), and it has \(copies) copies: nothing can be written to it",
          fix: "lower it, or add copies")
      } else if inSync == copies, copies > 1 {
        note(what, .remark, "min.insync.replicas is as high as its copies: one broker that is away stops all writing")
      } else if copies == 1 {
        note(what, .remark, "one copy: a broker that dies takes acknowledged events along, whatever the mirrors do")
      }
      if let policy = configuration["cleanup.policy"]?.value, policy.contains("compact") {
        note(
          what, .wrong,
          "cleanup.policy is \(policy): older events of an aggregate vanish, and would be counted as lost",
          fix: "cleanup.policy=delete")
      }
      if configuration["message.timestamp.type"]?.value == "LogAppendTime" {
        note(what, .remark, "message.timestamp.type is LogAppendTime: the age of mirrored events begins at the mirror")
      }
    } catch {
      let problem = error.problem(.steadyState, at: cluster.name, principal: cluster.properties.principal)
      note(what, .remark, "its configuration could not be read: \(problem.what)", fix: problem.fix)
    }
    if !findings.contains(where: { $0.subject == "\(cluster.name): \(what)" }) {
      note(what, .fine, "\(partitions.count) partitions, \(copies) copies")
    }
  }

  /// Topics of which only the newest record for a key counts: any other policy lets go of what is still in force.
  private mutating func noteCompaction(_ metadata: KafkaMetadata, _ admin: KafkaAdmin) async {
    var topics = Set(scenario.mirrorTopics(of: cluster.name))
    topics.insert(KafkaMirrorLink.heartbeats)
    if let offsets = cluster.model.connect?.offsetsTopic { topics.insert(offsets) }
    // What Connect and a dedicated MirrorMaker 2 call their own topics unless told otherwise.
    topics.formUnion(["connect-offsets", "connect-configs", "connect-status"])
    topics.formUnion(
      metadata.topics.keys.filter { name in
        name.hasSuffix(".internal")
          && ["mm2-offset-syncs.", "mm2-offsets.", "mm2-configs.", "mm2-status."].contains(where: name.hasPrefix)
          || name.hasSuffix(".checkpoints.internal")
      })
    var good = 0
    for topic in topics.sorted() where metadata.topics[topic] != nil {
      do throws(KafkaFailure) {
        let policy = try await admin.configuration(ofTopic: topic)["cleanup.policy"]?.value ?? "delete"
        if policy == "compact" {
          good += 1
        } else {
          note(
            "topic \(topic)", .wrong,
            "cleanup.policy is \(policy), and must be compact: what is in force and old is let go of, so that positions and "
              + "translations are lost while every state says RUNNING",
            fix: "kafka-configs --alter --topic \(topic) --add-config cleanup.policy=compact")
        }
      } catch {
        note("topic \(topic)", .remark, "its cleanup policy could not be read: \(error)")
      }
    }
    if good > 0 { note("internal topics", .fine, "\(good) of the mirrors' own, all compacted") }
  }

  private mutating func noteRegistry() async {
    guard let address = cluster.model.registry else { return }
    do {
      let request = HTTPRequest(url: address + "/subjects")
      switch try await sendHTTP(request, within: .seconds(5)) {
      case .answered(200, _): note("registry", .fine, address)
      case .answered(let status, _):
        note("registry", .remark, "\(address) answers \(status)", fix: "check the address, with its path")
      case .failed(let why): note("registry", .remark, "\(address) does not answer: \(why)", fix: "check the address")
      }
    } catch {
      note("registry", .remark, "\(error)")
    }
  }
}
