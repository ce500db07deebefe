internal import Lab
internal import Netlink
internal import Stacks
internal import Support
internal import Workload

/// Records that flow through a mirror: written in one region at a steady pace, read in the other as a reader of committed
/// transactions gets them.
struct MirrorStream: Sendable {
  var source: RegionHandle
  var target: RegionHandle
  var rate: Int
  var watch: MirrorWatch

  /// The topic of the lab.
  static let topic = "orders"
  /// The header that bears a record's identity.
  static let header = "bs-id"
  private static let partitions: Int32 = 4

  static func identity(_ number: Int) -> String { "r\(number)" }

  /// Writes until the watch says that it is enough.
  func produce() async throws {
    guard let cluster = source.kafka else { throw Problem(.fail, at: source.name, "there is no cluster") }
    let producer = try await KafkaProducer(
      cluster, name: "kills", networkNamespace: source.namespace.fileDescriptor, linger: .zero)
    var pace = Pace(perSecond: Double(rate), start: Timebase.system.monotonic())
    while watch.isProducing {
      let now = Timebase.system.monotonic()
      let due = pace.due(now: now)
      if due > now { try await ContinuousClock().sleep(for: .nanoseconds(due - now)) }
      let number = watch.next(at: Timebase.system.monotonic())
      producer.send(
        KafkaRecord(
          topic: Self.topic, partition: Int32(number) % Self.partitions, value: Array(repeating: 120, count: 100),
          headers: [KafkaHeader(Self.header, Self.identity(number))])
      ) { [watch] delivery in
        if case .acknowledged = delivery { watch.acknowledge(number) }
      }
    }
    try await producer.flush()
    await producer.close()
  }

  /// Reads until the watch says that it is enough.
  func read() async throws {
    guard let cluster = target.kafka else { throw Problem(.fail, at: target.name, "there is no cluster") }
    let consumer = try await KafkaConsumer(
      cluster, name: "kills", group: "kills", networkNamespace: target.namespace.fileDescriptor)
    let mirrored = MirrorPolicy.standard.name(of: Self.topic, from: source.name)
    let places = (0..<Self.partitions).map { (KafkaPartition(mirrored, $0), KafkaStart.beginning) }
    try await consumer.assign(Dictionary(uniqueKeysWithValues: places))
    while watch.isReading {
      let readings: [KafkaReading]
      do throws(KafkaFailure) { readings = try await consumer.read(within: .milliseconds(20)) } catch {
        guard error.kind == .notFound else { throw error }  // the mirror has not made the topic yet
        continue
      }
      let now = Timebase.system.monotonic()
      for case .message(let message) in readings {
        guard let text = message.header(Self.header).map({ String(decoding: $0, as: UTF8.self) }),
          let number = Int(text.dropFirst())
        else { continue }
        watch.see(number, in: message.partition.number, at: now)
      }
    }
    await consumer.close()
  }
}
