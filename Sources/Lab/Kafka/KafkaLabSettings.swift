internal import Netlink
public import Stacks
internal import Support

/// What a lab with Kafka mirrors, and how.
public struct KafkaLabSettings: Sendable, Hashable, Codable {
  /// Topics that are made in every region with a broker, and mirrored from each to each other.
  public var topics: [KafkaTopicSpecification]
  /// How mirrored topics are called.
  public var policy: MirrorPolicy
  /// Whether the mirrors write in transactions.
  public var exactlyOnce: Bool
  /// How often a mirror keeps its position without exactly-once: what a killed worker copies again.
  public var offsetFlushMilliseconds: Int64
  /// How long the transaction of a killed worker holds its successor up.
  public var transactionTimeoutMilliseconds: Int64
  /// Whether a guard stands before every broker, on the port that the broker advertises.
  public var hasAdminGuard: Bool
  /// How many records of an aborted transaction stand in each partition of a mirrored topic at the target before its mirror begins:
  /// an offset there is then never the same as at the source, and a raw copy of one is not mistaken for its translation.
  public var abortedBeforehand: Int
  /// The outbox of the event stores. Kafka then carries what is in it, has one cluster beside the first writer's store, and
  /// mirrors nothing. `nil`: they have none.
  public var outbox: OutboxLabSettings?

  /// One topic `orders` of four partitions, mirrored exactly once both ways.
  public init(
    topics: [KafkaTopicSpecification] = [KafkaTopicSpecification("orders", partitions: 4)],
    policy: MirrorPolicy = .standard, exactlyOnce: Bool = true, offsetFlushMilliseconds: Int64 = 500,
    transactionTimeoutMilliseconds: Int64 = 5000, hasAdminGuard: Bool = false, abortedBeforehand: Int = 0
  ) {
    self.topics = topics
    self.policy = policy
    self.exactlyOnce = exactlyOnce
    self.offsetFlushMilliseconds = offsetFlushMilliseconds
    self.transactionTimeoutMilliseconds = transactionTimeoutMilliseconds
    self.hasAdminGuard = hasAdminGuard
    self.abortedBeforehand = abortedBeforehand
  }

  /// Regular expressions that match exactly these topics.
  var patterns: [String] {
    topics.map { $0.name.reduce(into: "") { $0 += $1 == "." ? "\\." : String($1) } }
  }

  /// The topic in which a mirror's source says that it is alive.
  static let heartbeats = "heartbeats"
}

extension LabSpecification {
  /// Two regions, each with a broker and a Connect worker beside the default lab's servers, mirrored both ways, and a third vote.
  public static func kafka(
    id: String, leaseTTLSeconds: Int = 10, _ settings: KafkaLabSettings = KafkaLabSettings()
  ) -> LabSpecification {
    standard(id: id, leaseTTLSeconds: leaseTTLSeconds).with(settings)
  }

  /// This lab with a broker and a Connect worker beside every store, mirrored to all others.
  public func with(_ settings: KafkaLabSettings) -> LabSpecification {
    var specification = self
    // The copy of an outbox is in one place, whichever store it comes from.
    for index in regions.indices
    where regions[index].has(.store) && (settings.outbox == nil || regions[index].name == preferredWriter) {
      let roles = Set(regions[index].roles).union([.broker, .mirror])
      specification.regions[index].roles = RegionRole.allCases.filter(roles.contains)
    }
    specification.kafka = settings
    return specification
  }

  /// How the Connect worker of a region is set up; `nil` in a lab without Kafka.
  ///
  /// - Parameters:
  ///   - address: its own numeric IPv4 address.
  ///   - bootstrap: addresses of the brokers beside it.
  public func worker(of region: String, address: String, bootstrap: [String]) -> ConnectWorkerSettings? {
    kafka.map { kafka in
      ConnectWorkerSettings(
        region: region, address: address, port: UInt16(clamping: ports.connect), bootstrap: bootstrap,
        exactlyOnce: kafka.exactlyOnce, offsetFlushInterval: .milliseconds(kafka.offsetFlushMilliseconds),
        transactionTimeout: .milliseconds(kafka.transactionTimeoutMilliseconds))
    }
  }

  /// Where everybody reaches the broker of region `number`: its guard, where it has one.
  func outerKafka(_ number: Int) -> String { "\(AddressPlan.prefix4(number).address):\(ports.kafka)" }

  /// Where its own region's servers reach it.
  func innerKafka(_ number: Int) -> String {
    kafka?.hasAdminGuard == true ? "\(KafkaBrokerSettings.loopback):\(ports.kafkaInner)" : outerKafka(number)
  }

  /// The mirrors: from every region with a broker to every other one with a worker.
  public func mirrorLinks() -> [KafkaMirrorLink] {
    guard let kafka else { return [] }
    // A mirror administers the cluster beside it without a token, past the guard; the other one it reads like anybody else.
    func cluster(_ region: RegionSpecification, isTarget: Bool) -> KafkaMirrorLink.Cluster? {
      regions.firstIndex(of: region).map {
        .init(alias: region.name, bootstrap: [isTarget ? innerKafka($0 + 1) : outerKafka($0 + 1)])
      }
    }
    return regions(with: .mirror).flatMap { target in
      regions(with: .broker).compactMap { source in
        guard source != target, let from = cluster(source, isTarget: false),
          let to = cluster(target, isTarget: true)
        else { return nil }
        return KafkaMirrorLink(
          from: from, to: to, topics: kafka.patterns, policy: kafka.policy, exactlyOnce: kafka.exactlyOnce)
      }
    }
  }
}

extension LabSpecification {
  /// Checks what Kafka is to carry.
  func checkKafka() throws(Problem) {
    func refuse(_ what: String, _ fix: String) throws(Problem) { try refusal(what, fix) }
    if let lonely = regions.first(where: { $0.has(.mirror) && !$0.has(.broker) }) {
      try refuse("a mirror in \(lonely.name) has no broker beside it", "give the region the role broker")
    }
    guard let kafka else {
      if regions.contains(where: { $0.has(.broker) }) {
        try refuse("there are brokers, and nothing says which topics they carry", "say what Kafka carries")
      }
      return
    }
    if kafka.topics.isEmpty { try refuse("Kafka carries no topic", "name at least one") }
    var seen: Set<String> = []
    for topic in kafka.topics {
      if !Self.isTopic(topic.name) || !seen.insert(topic.name).inserted {
        try refuse(
          "'\(topic.name)' cannot name a topic, or is named twice", "use 1 to 200 letters, digits, '.', '_' and '-'")
      }
      if !(1...1000).contains(topic.partitions) {
        try refuse("topic \(topic.name) has \(topic.partitions) partitions", "1 to 1000")
      }
    }
    let mirrors = regions(with: .mirror).count
    if kafka.policy == .identity && mirrors > 1 {
      try refuse(
        "mirrors in both directions under the identity policy copy each other's copies for ever",
        "use the default policy, or one mirror")
    }
  }

  /// What Kafka takes as a topic's name, with room for the prefixes that mirrors add.
  static func isTopic(_ text: String) -> Bool {
    guard (1...200).contains(text.utf8.count), text != ".", text != ".." else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }
}
