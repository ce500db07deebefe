import Glibc
import Scenarios
import Stacks
import Support
import TestBrokers
import TestSupport
import Testing

@testable import Drill

/// What is promised to be removed from clusters of somebody else, and nothing more.
struct AttachedPromiseTests {
  private let process = ProcessIdentity(of: getpid()) ?? ProcessIdentity(pid: getpid(), startTicks: 0)

  @Test func aFileSaysWhatWasMadeAndWhatMayHaveBeen() async throws {
    try await withTemporaryDirectory("attached", remove: { try removeTree($0) }) { directory in
      let undo = try AttachedUndo(stateDirectory: directory, run: "r1", process: process, timebase: .system)
      let properties = KafkaProperties(bootstrap: ["b:1"], ["sasl.password": .environment("EAST_PASSWORD")])
      for entry in [
        AttachedUndo.Entry.cluster("east", properties), .group("blackstart-r1-c1", cluster: "east"),
        .mirroring("east.drill", cluster: "eu"), .making("drill", cluster: "east"),
        .made("drill", cluster: "east", id: nil), .made("drill", cluster: "east", id: "abc"),
        .making("other", cluster: "east"),
      ] { try await undo.note(entry) }
      let promises = try AttachedPromises(path: undo.path)
      #expect(promises.process == process)
      #expect(promises.clusters == ["east": properties])
      #expect(promises.topics.map(\.isMade) == [false, true, false])
      #expect(promises.topics[1].id == "abc")
      #expect(promises.lines.contains("topic other of east, if it was made"))
      // Held by this process, which lives.
      #expect(try AttachedRecovery.list(stateDirectory: directory).map(\.isHeld) == [true])
      #expect(try await AttachedRecovery.recover(stateDirectory: directory) == [])
      #expect(fileExists(undo.path), "what somebody answers for is left alone")
      try await undo.fulfilled()
      #expect(try AttachedRecovery.list(stateDirectory: directory).isEmpty)
    }
  }

  /// A file that a power cut left is read as far as it goes.
  @Test func aFileThatWasCutOffPromisesWhatStandsInIt() async throws {
    try await withTemporaryDirectory("attached", remove: { try removeTree($0) }) { directory in
      let undo = try AttachedUndo(stateDirectory: directory, run: "r1", process: process, timebase: .system)
      try await undo.note(.making("drill", cluster: "east"))
      let bytes = try readFile(undo.path)
      try writeFile(undo.path, Array(bytes.dropLast(20)))
      #expect(try AttachedPromises(path: undo.path).topics.isEmpty)
      try writeFile(undo.path, bytes)
      #expect(try AttachedPromises(path: undo.path).topics.map(\.name) == ["drill"])
    }
  }

  /// What stands behind damage is not known, so that the file is not taken for kept.
  @Test func aFileThatIsDamagedInItsMidstIsToldAndStays() async throws {
    try await withTemporaryDirectory("attached", remove: { try removeTree($0) }) { directory in
      let gone = ProcessIdentity(pid: 2_000_000_000, startTicks: 1)
      let undo = try AttachedUndo(stateDirectory: directory, run: "r3", process: gone, timebase: .system)
      try await undo.note(.making("drill", cluster: "east"))
      try await undo.note(.making("other", cluster: "east"))
      let text = String(decoding: try readFile(undo.path), as: UTF8.self)
      try writeFile(undo.path, Array(text.replacing("\"drill\"", with: "\"thrill\"").utf8))
      #expect(try AttachedPromises(path: undo.path).topics.isEmpty)
      let problem = await #expect(throws: Problem.self) {
        try await AttachedRecovery.recover(stateDirectory: directory)
      }
      #expect(problem?.what.contains("is damaged: line 2 ") == true, "\(problem?.what ?? "")")
      #expect(fileExists(undo.path))
    }
  }

  /// What another version promised is never taken for kept.
  @Test func anEntryThatCannotBeReadIsToldAndItsFileStays() async throws {
    try await withTemporaryDirectory("attached", remove: { try removeTree($0) }) { directory in
      try makeDirectory(AttachedUndo.directory(directory))
      let path = "\(AttachedUndo.directory(directory))/r2.jsonl"
      let gone = ProcessIdentity(pid: getpid(), startTicks: 0)
      var file = try JournalFile(creating: path, timebase: .system)
      let (type, data) = try AttachedUndo.Entry.begin(gone).record
      try file.append(type, data)
      try file.append("topic.of-another-version", data)
      #expect(try AttachedPromises(path: path).lines.contains { $0.contains("'topic.of-another-version'") })
      let problem = await #expect(throws: Problem.self) {
        try await AttachedRecovery.recover(stateDirectory: directory)
      }
      #expect(problem?.code == .recoveryIncomplete)
      #expect(problem?.what.contains("entry 2 of \(path)") == true)
      #expect(fileExists(path), "a promise that was not kept is not forgotten")
    }
  }
}

/// Standing clusters, looked at and worked in: a real broker with TLS, names and an authorizer.
@Suite(.enabled(if: SecureBroker.available, Comment(rawValue: SecureBroker.reason)), .serialized)
struct AttachedClusterTests {
  private func scenario(_ broker: SecureBroker, user: String) throws -> Scenario {
    let address = "127.0.0.1:\(broker.ports[.secure] ?? 0)"
    let properties =
      "{ security.protocol: sasl_ssl, sasl.mechanisms: PLAIN, sasl.username: \(user), "
      + "sasl.password: '${secret:kafka}', ssl.ca.location: \(broker.certificates.authority) }"
    let text = """
      apiVersion: blackstart/v1
      kind: Scenario
      metadata: { name: attached }
      seed: 7
      secrets: { kafka: { file: \(broker.certificates.directory)/password } }
      topology:
        inventory:
          hosts:
            east-1: { region: east, roles: [store], addresses: [127.0.0.1], agent: [/bin/true] }
            eu-1: { region: eu, roles: [store], addresses: [127.0.0.2], agent: [/bin/true] }
      ownership: { orders: { normal: east, failover: eu } }
      stack:
        kind: kafka
        topic: { name: drill.orders, partitions: 2, missing: refuse }
        attach:
          clusters:
            east: { bootstrap: ['\(address)'], properties: \(properties) }
            eu: { bootstrap: ['\(address)'], properties: \(properties) }
          mirrors: [{ from: east, to: eu, runner: dedicated }]
      workload: { producers: [{ name: p1, region: east, rate: 10/s, keys: 4 }] }
      steadyState: { for: 5s, expect: [{ metric: write-error-rate, max: 1% }] }
      timeline: [{ id: cut, at: 0s, fault: partition, region: eu, from: [east], for: 5s }]
      recovery: { within: 30s }
      checklist: [{ item: no-acknowledged-loss }]
      safety: { maxDuration: 5m, blastRadius: { regions: 2 } }

      """
    return try parseScenario(Array(text.utf8), file: "attached.yaml").scenario
  }

  @Test func theDoctorNamesRightsTopicsAndPoliciesAndNoSecret() async throws {
    try await SecureBroker.with { broker in
      try writeFile("\(broker.certificates.directory)/password", Array(SecureBroker.password.utf8))
      let admin = try await KafkaAdmin(broker.administrator, name: "set-up")
      try await admin.createTopics([
        KafkaTopicSpecification("drill.orders", partitions: 3),
        KafkaTopicSpecification("mm2-offset-syncs.eu.internal", partitions: 1),
      ])
      let scenario = try scenario(broker, user: "weak")
      let first = try await examineClusters(of: scenario)
      func has(_ findings: [ClusterFinding], _ subject: String, _ word: String) -> Bool {
        findings.contains { $0.standing == .wrong && $0.subject == subject && $0.detail.contains(word) }
      }
      // Who may not even look is told which right is missing, and for whom.
      #expect(has(first, "east: rights", "User:weak lacks WRITE on topic drill.orders, for writing events"))
      #expect(has(first, "east: rights", "lacks READ on group blackstart-"))
      #expect(first.contains { $0.fix?.hasPrefix("kafka-acls --add --allow-principal User:weak") ?? false })

      try await admin.createACLs([
        KafkaACL(.topic, "*", principal: "User:weak", .all), KafkaACL(.group, "*", principal: "User:weak", .all),
        KafkaACL(.cluster, "kafka-cluster", principal: "User:weak", .all),
      ])
      // Brokers apply rules after they acknowledged them.
      var second: [ClusterFinding] = []
      try await eventually("all rights") {
        second = try await examineClusters(of: scenario)
        return !second.contains { $0.subject.hasSuffix("rights") && $0.standing == .wrong }
      }
      #expect(has(second, "east: topic drill.orders", "has 3 partitions, and the scenario says 2"))
      #expect(has(second, "east: topic mm2-offset-syncs.eu.internal", "cleanup.policy is delete, and must be compact"))

      var wrong = scenario
      wrong.stack.attach?.clusters[0].properties.append(.init(name: "ssl.truststore.location", value: Template("/x")))
      let third = try await examineClusters(of: wrong)
      #expect(third.contains { $0.standing == .wrong && $0.fix == "did you mean 'ssl.ca.location'?" })

      try writeFile("\(broker.certificates.directory)/password", Array(SecureBroker.wrongPassword.utf8))
      let fourth = try await examineClusters(of: scenario)
      #expect(
        fourth.contains { $0.standing == .wrong && $0.detail.contains("does not believe User:weak") }, "\(fourth)")
      for finding in first + second + third + fourth {
        #expect(!"\(finding)".contains(SecureBroker.password) && !"\(finding)".contains(SecureBroker.wrongPassword))
      }
      await admin.close()
    }
  }

  /// What a killed run has made is removed by `recover`, and what only has its name is not.
  @Test func whatWasMadeIsRemovedAndOnlyThat() async throws {
    try await SecureBroker.with { broker in
      try await withTemporaryDirectory("attached", remove: { try removeTree($0) }) { directory in
        let admin = try await KafkaAdmin(broker.administrator, name: "set-up")
        let examiner = KafkaExaminer(broker.administrator)
        let gone = ProcessIdentity(pid: 2_000_000_000, startTicks: 1)
        let undo = try AttachedUndo(stateDirectory: directory, run: "r1", process: gone, timebase: .system)
        try await undo.note(.cluster("east", broker.administrator))
        for (name, kind) in [("mine", 0), ("remade", 1), ("unsure", 2), ("foreign", 3)] {
          if kind < 3 { try await undo.note(.making(name, cluster: "east")) }
          try await admin.createTopics([KafkaTopicSpecification(name, partitions: 1)])
          guard kind < 2 else { continue }
          var id: String?
          // Brokers learn of a topic after they have acknowledged it.
          try await eventually("the id of \(name)") {
            id = try await examiner.topicIDs([name])?[name]
            return id != nil
          }
          try await undo.note(.made(name, cluster: "east", id: id))
        }
        try await admin.deleteTopics(["remade"])
        try await eventually("the topic gone") { try await admin.metadata().topics["remade"] == nil }
        try await admin.createTopics([KafkaTopicSpecification("remade", partitions: 1)])
        try await undo.note(.group("blackstart-r1-c1", cluster: "east"))
        for group in ["blackstart-r1-c1", "theirs"] {
          try await admin.setOffsets(ofGroup: group, [KafkaPartition("foreign", 0): 0])
        }
        let said = await problem { _ = try await AttachedRecovery.recover(stateDirectory: directory) }
        #expect(said.contains("topic unsure of east may be the drill's") && said.contains("by hand"), "\(said)")
        try await eventually("the topic gone") { try await admin.metadata().topics["mine"] == nil }
        #expect(try await Set(admin.metadata().topics.keys).isSuperset(of: ["remade", "unsure", "foreign"]))
        #expect(try await admin.groupNames() == ["theirs"])
        #expect(fileExists(undo.path), "what is left stays promised")
        try await admin.deleteTopics(["unsure"])
        try await eventually("the topic gone") { try await admin.metadata().topics["unsure"] == nil }
        _ = try await AttachedRecovery.recover(stateDirectory: directory)
        #expect(!fileExists(undo.path))
        await admin.close()
      }
    }
  }

  /// Whether a topic is still the drill's own cannot be asked: the client reaches the broker, and who asks for ids does not.
  @Test func aTopicWhoseIDCannotBeAskedIsLeft() async throws {
    try await SecureBroker.with { broker in
      try await withTemporaryDirectory("attached", remove: { try removeTree($0) }) { directory in
        let admin = try await KafkaAdmin(broker.administrator, name: "set-up")
        try await admin.createTopics([KafkaTopicSpecification("mine", partitions: 1)])
        var mute = broker.administrator
        // librdkafka takes an address with its protocol before it; who asks for ids does not.
        mute.bootstrap = mute.bootstrap.map { "PLAINTEXT://\($0)" }
        let gone = ProcessIdentity(pid: 2_000_000_000, startTicks: 1)
        let undo = try AttachedUndo(stateDirectory: directory, run: "r1", process: gone, timebase: .system)
        for entry in [
          AttachedUndo.Entry.cluster("east", mute), .making("mine", cluster: "east"),
          .made("mine", cluster: "east", id: "abc"),
        ] { try await undo.note(entry) }
        let said = await problem { _ = try await AttachedRecovery.recover(stateDirectory: directory) }
        #expect(said.contains("topic mine of east: whether it is still the drill's own cannot be asked"), "\(said)")
        #expect(try await admin.metadata().topics["mine"] != nil && fileExists(undo.path))
        await admin.close()
      }
    }
  }

  private func problem(_ body: () async throws -> Void) async -> String {
    do {
      try await body()
      return ""
    } catch { return "\(error)" }
  }

  private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = Timebase.system.monotonic() + 20_000_000_000
    while try await !condition() {
      try #require(Timebase.system.monotonic() < deadline, "\(what) did not come about")
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
