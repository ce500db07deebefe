import Checks
import Glibc
import KafkaWire
import Netlink
import Stacks
import Support
import TestSupport
import Testing

@testable import Lab

/// Where groups go on in a mirror: what Apache's own client says of real clusters, beside what we read there and what follows from
/// the recorded sync points.
@Suite(
  .serialized, .enabled(if: geteuid() == 0, "labs need root"),
  .enabled(
    if: environmentVariable("KAFKA_HOME") != nil,
    "KAFKA_HOME names no Kafka distribution, so no lab with Kafka was made"))
struct RemoteTranslationTests {
  private static let groups = (0..<30).map { "group-\($0)" }
  private static let partitions: Int32 = 12

  /// A group in a partition of the mirror.
  private struct Place: Hashable {
    var group: String
    var partition: Int32
  }

  /// Clusters, mirror and clients of one test.
  private struct Site {
    let east: RegionHandle
    let eu: RegionHandle
    let link: KafkaMirrorLink
    let connect: ConnectClient

    init(_ lab: Lab) throws {
      east = try #require(lab.region("east"))
      eu = try #require(lab.region("eu"))
      link = try #require(lab.specification.mirrorLinks().first { $0.target.alias == "eu" })
      connect = ConnectClient(
        address: try #require(eu.connectEndpoint), networkNamespace: eu.namespace.fileDescriptor)
    }

    func withAdmin<T: Sendable>(_ region: RegionHandle, _ body: (KafkaAdmin) async throws -> T) async throws -> T {
      let admin = try await KafkaAdmin(
        try #require(region.kafka), name: "test", networkNamespace: region.namespace.fileDescriptor)
      let outcome: Result<T, any Error>
      do { outcome = .success(try await body(admin)) } catch { outcome = .failure(error) }
      await admin.close()
      return try outcome.get()
    }

    /// All records of partitions, to their ends, as a reader of committed transactions sees them.
    func records(_ places: [KafkaPartition], in region: RegionHandle) async throws -> [KafkaMessage] {
      let consumer = try await KafkaConsumer(
        try #require(region.kafka), name: "test", group: "test", reportsEnds: true,
        networkNamespace: region.namespace.fileDescriptor)
      let outcome: Result<[KafkaMessage], any Error>
      do {
        try await consumer.assign(Dictionary(uniqueKeysWithValues: places.map { ($0, .beginning) }))
        outcome = .success(
          try await withDeadline(.seconds(20), clock: ContinuousClock(), "the ends of \(places)") {
            var found: [KafkaMessage] = []
            var open = Set(places)
            while !open.isEmpty {
              for reading in try await consumer.read(within: .milliseconds(200), atMost: 5000) {
                switch reading {
                case .message(let message): found.append(message)
                case .end(let partition, _): open.remove(partition)
                }
              }
            }
            return found
          })
      } catch { outcome = .failure(error) }
      await consumer.close()
      return try outcome.get()
    }

    func checkpoints() async throws -> [CheckpointRecord] {
      try await records([KafkaPartition(link.checkpointsTopic, 0)], in: eu).compactMap {
        try CheckpointRecord(key: $0.key?[...], value: $0.value?[...])
      }.filter { $0.topic == "east.orders" }
    }

    func syncPoints() async throws -> [OffsetSyncRecord] {
      try await records([KafkaPartition(link.offsetSyncsTopic, 0)], in: east).compactMap {
        try OffsetSyncRecord(key: $0.key?[...], value: $0.value?[...])
      }.filter { $0.topic == "orders" }
    }

    /// Apache's answers: the offset at which each group goes on in each partition of the mirror.
    func apache(_ directory: String) async throws -> [Place: Int64] {
      let program =
        #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined()
        + "/Fixtures/kafka/RemoteTranslation.java"
      let libraries = "\(environmentVariable("KAFKA_HOME") ?? "")/libs/*"
      var request = ProcessRequest(
        "/usr/bin/java",
        [
          "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", libraries, program, try #require(eu.kafka?.bootstrap.first),
          "east",
        ]
          + RemoteTranslationTests.groups)
      request.networkNamespace = eu.namespace.fileDescriptor
      request.logPath = "\(directory)/answers"
      let end = await (try ChildProcess(request)).wait()
      let text = String(decoding: try readFile("\(directory)/answers"), as: UTF8.self)
      try #require(end == .exited(0), "\(text)")
      var answers: [Place: Int64] = [:]
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard words.count == 4, words[1] == "east.orders", let partition = Int32(words[2]), let offset = Int64(words[3])
        else { continue }
        answers[Place(group: String(words[0]), partition: partition)] = offset
      }
      return answers
    }
  }

  /// Writes to each partition: transactions of some records, of which every third is aborted.
  private func write(_ site: Site, _ random: inout SeededRandom) async throws {
    let producer = try await KafkaProducer(
      try #require(site.east.kafka), name: "test", transactionalID: "test",
      networkNamespace: site.east.namespace.fileDescriptor, linger: .zero)
    let outcome: Result<Void, any Error>
    do {
      try await producer.initTransactions()
      for transaction in 0..<9 {
        try await producer.beginTransaction()
        for number in 0..<Self.partitions {
          for _ in 0..<Int.random(in: 1...6, using: &random) {
            producer.send(KafkaRecord(topic: "orders", partition: number, value: [UInt8(number)])) { _ in }
          }
        }
        try await producer.flush()
        guard transaction % 3 < 2 else {
          try await producer.abortTransaction()
          continue
        }
        guard case .committed = await producer.commitTransaction() else { throw Problem(.fail, "a commit failed") }
      }
      outcome = .success(())
    } catch { outcome = .failure(error) }
    await producer.close()
    try outcome.get()
  }

  /// Asks until `value` has been the same for two seconds.
  private func settled<T: Equatable & Sendable>(
    _ what: String, _ value: @escaping @Sendable () async throws -> T
  ) async throws -> T {
    let clock = ContinuousClock()
    return try await withDeadline(.seconds(40), clock: clock, what) {
      var last = try await value()
      var since = clock.now
      while clock.now - since < .seconds(2) {
        try await clock.sleep(for: .milliseconds(300))
        let next = try await value()
        if next != last { (last, since) = (next, clock.now) }
      }
      return last
    }
  }

  private struct Agreement {
    var positions = 0
    var answers = 0
    var explained = 0
    var differences: [String] = []
  }

  /// Sets every group to a random place in every partition, and holds Apache's answers against ours.
  private func compare(
    _ site: Site, _ directory: String, _ random: inout SeededRandom, hasRestarted: Bool
  ) async throws -> Agreement {
    let points = try await settled("sync points") { try await site.syncPoints() }
    var positions: [Place: Int64] = [:]
    let places = (0..<Self.partitions).map { KafkaPartition("orders", $0) }
    let ends = try await site.withAdmin(site.east) { admin in
      var ends: [Int32: Int64] = [:]
      for place in places { ends[place.number] = try await admin.watermarks(place).high }
      return ends
    }
    let earlier = try await site.checkpoints().count
    for group in Self.groups {
      var offsets: [KafkaPartition: Int64] = [:]
      for place in places {
        let offset = Int64.random(in: 0...(ends[place.number] ?? 0), using: &random)
        offsets[place] = offset
        positions[Place(group: group, partition: place.number)] = offset
      }
      let given = offsets
      try await site.withAdmin(site.east) { try await $0.setOffsets(ofGroup: group, given) }
    }
    let checkpoints = try await settled("checkpoints") { try await site.checkpoints() }
    // A group that happens to stand where it stood before may have a checkpoint from then, of sync points that are gone by now.
    let emittedNow = Set(checkpoints.dropFirst(earlier).map { Place(group: $0.group, partition: $0.partition) })
    let newest = Dictionary(
      checkpoints.map { (Place(group: $0.group, partition: $0.partition), $0) },
      uniquingKeysWith: { $1 })
    let answers = try await site.apache(directory)
    var agreement = Agreement(positions: positions.count, answers: answers.count)
    agreement.differences = Self.differences(answers, newest.mapValues(\.downstream))
    // What was emitted of the positions that were just set follows from the recorded sync points alone.
    for number in 0..<Self.partitions {
      var store = OffsetSyncStore(mustReadToEnd: !hasRestarted)
      if !hasRestarted { store.start() }
      for point in points where point.partition == number {
        store.take(SyncPoint(upstream: point.upstream, downstream: point.downstream))
      }
      store.start()
      for group in Self.groups {
        let place = Place(group: group, partition: number)
        guard let made = newest[place], let position = positions[place], made.upstream == position,
          emittedNow.contains(place)
        else { continue }
        agreement.explained += 1
        let ours = store.translate(position)
        if ours != .offset(made.downstream) {
          agreement.differences.append(
            "\(place) at \(position): Apache says \(made.downstream), the sync points \(ours)")
        }
      }
    }
    return agreement
  }

  /// Where Apache's client and we say something else, or only one of us says anything.
  private static func differences(_ apache: [Place: Int64], _ ours: [Place: Int64]) -> [String] {
    func text(_ offset: Int64?) -> String { offset.map { "\($0)" } ?? "nothing" }
    return Set(apache.keys).union(ours.keys).filter { apache[$0] != ours[$0] }.map { place in
      "\(place.group) in \(place.partition): Apache says \(text(apache[place])), we \(text(ours[place]))"
    }.sorted()
  }

  @Test func anAnswerThatIsNotOursIsSeen() {
    let ours = [Place(group: "a", partition: 0): 5 as Int64, Place(group: "b", partition: 1): 7]
    #expect(Self.differences(ours, ours).isEmpty)
    #expect(
      Self.differences([Place(group: "a", partition: 0): 6, Place(group: "c", partition: 0): 1], ours) == [
        "a in 0: Apache says 6, we 5", "b in 1: Apache says nothing, we 7", "c in 0: Apache says 1, we nothing",
      ])
  }

  private func agrees(_ lab: Lab, _ directory: String) async throws {
    let site = try Site(lab)
    var random = SeededRandom(seed: 7)
    var total = Agreement()
    func take(_ found: Agreement, _ round: String) {
      #expect(found.differences.isEmpty, "\(round): \(found.differences.prefix(5))")
      total.positions += found.positions
      total.answers += found.answers
      total.explained += found.explained
    }
    try await write(site, &random)
    take(try await compare(site, directory, &random, hasRestarted: false), "aborted transactions")

    // The task that translates begins anew: it reads the sync points again, and finds its own checkpoints.
    let checkpoint = site.link.name(.checkpoint)
    try await site.connect.restart(checkpoint)
    try await site.connect.waitUntil(checkpoint, is: .running)
    try await write(site, &random)
    take(try await compare(site, directory, &random, hasRestarted: true), "a restart")

    // The mirror is set back: what it carries again has new offsets, and earlier sync points are void.
    let name = site.link.name(.source)
    try await site.connect.stop(name)
    try await site.connect.waitUntil(name, is: .stopped)
    let back = try await site.connect.offsets(of: name).compactMap { offset -> Stacks.ConnectOffset? in
      guard let (partition, last) = offset.mirrored, partition.topic == "orders" else { return nil }
      return .mirrored(partition, of: "east", lastOffset: max(0, last - 20))
    }
    try await site.connect.setOffsets(of: name, back)
    try await site.connect.resume(name)
    try await site.connect.waitUntil(name, is: .running)
    try await write(site, &random)
    take(try await compare(site, directory, &random, hasRestarted: true), "a rewind")

    #expect(total.positions >= 1000, "\(total)")
    #expect(total.answers > 600 && total.explained > 300, "\(total)")
  }

  @Test func positionsInAMirrorAreThoseThatApachesClientGives() async throws {
    try await withKafkaScratch { scratch in
      var specification = LabSpecification(
        id: uniqueID(),
        regions: [RegionSpecification("east", [.broker, .mirror]), RegionSpecification("eu", [.broker, .mirror])],
        preferredWriter: "east")
      specification.kafka = KafkaLabSettings(
        topics: [KafkaTopicSpecification("orders", partitions: Int(Self.partitions))], abortedBeforehand: 3)
      let lab = try await Lab.up(specification, scratch.surroundings())
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await agrees(lab, scratch.directory)) } catch { outcome = .failure(error) }
      try await lab.down()
      try outcome.get()
    }
  }
}
