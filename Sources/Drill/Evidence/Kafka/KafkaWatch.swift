internal import Checks
internal import Events
internal import Stacks
internal import Synchronization

/// What is read of mirrored clusters while a drill runs: their logs, the topics that the mirrors keep for themselves, the groups'
/// commits, what Connect says of its connectors, and where the logs begin and end. Most of these topics are compacted, and logs are
/// cut off: what is not read while it is there is lost.
final class KafkaWatch: Sendable {
  private struct Contents {
    var wire: WireEvidence
    var bounds: [LogBoundsRow] = []
    /// By cluster: partitions that exist and are wanted.
    var known: [String: Set<KafkaPartition>] = [:]
  }

  /// The mirrors.
  let links: [KafkaMirrorLink]
  private let log: KafkaEventLog
  private let misreadsHeartbeats: Bool
  /// By cluster: the topic in which Connect says how its connectors are, where it is not the lab's.
  private let statusTopics: [String: String]
  private let contents: Mutex<Contents>

  /// A watch that has seen nothing.
  ///
  /// - Parameters:
  ///   - misreadsHeartbeats: plants an error: heartbeats are read from the topic that a mirror's target writes itself.
  ///   - statusTopics: by cluster, where they are not the lab's.
  init(
    links: [KafkaMirrorLink], log: KafkaEventLog, misreadsHeartbeats: Bool = false, statusTopics: [String: String] = [:]
  ) {
    self.statusTopics = statusTopics
    self.links = links
    self.log = log
    self.misreadsHeartbeats = misreadsHeartbeats
    let flow = { (link: KafkaMirrorLink) in MirrorDirection(from: link.source.alias, to: link.target.alias) }
    let layout = WireEvidence.Layout(
      flows: links.map(flow), naming: MirrorNaming(separator: log.policy == .standard ? log.separator : nil),
      statusTopic: ConnectWorkerSettings.statusTopic,
      checkpointConnectors: Dictionary(uniqueKeysWithValues: links.map { ($0.name(.checkpoint), flow($0)) }),
      sourceConnectors: Dictionary(uniqueKeysWithValues: links.map { ($0.name(.source), flow($0)) }))
    contents = Mutex(Contents(wire: WireEvidence(layout, identity: log.identity)))
  }

  /// Which topics of a cluster are read.
  func topics(of cluster: String) -> Set<String> {
    var wanted = Set(log.origins(in: cluster).map { log.topic(of: $0, in: cluster) })
    wanted.formUnion(["__consumer_offsets", statusTopics[cluster] ?? ConnectWorkerSettings.statusTopic])
    for link in links {
      if link.source.alias == cluster { wanted.insert(link.offsetSyncsTopic) }
      if link.target.alias == cluster { wanted.formUnion([link.checkpointsTopic, heartbeats(of: link)]) }
    }
    return wanted
  }

  private func heartbeats(of link: KafkaMirrorLink) -> String {
    misreadsHeartbeats ? KafkaMirrorLink.heartbeats : link.heartbeatsTopic
  }

  /// What a topic is taken for.
  private func meaning(of topic: String, in cluster: String) -> String {
    if topic == statusTopics[cluster] { return ConnectWorkerSettings.statusTopic }
    guard misreadsHeartbeats, topic == KafkaMirrorLink.heartbeats else { return topic }
    return links.first { $0.target.alias == cluster }?.heartbeatsTopic ?? topic
  }

  /// Notes which partitions a cluster has by now.
  func found(_ partitions: [KafkaPartition], in cluster: String) {
    contents.withLock { contents in
      for partition in partitions where contents.known[cluster, default: []].insert(partition).inserted {
        contents.wire.begin(topic: meaning(of: partition.topic, in: cluster))
      }
    }
  }

  /// The partitions that were found in a cluster.
  func partitions(of cluster: String) -> Set<KafkaPartition> { contents.withLock { $0.known[cluster] ?? [] } }

  /// Takes in a record.
  ///
  /// - Throws: the place of what is wrong in a record of a mirror's topic that is none.
  func take(_ message: KafkaMessage, of cluster: String, at time: Int64) throws {
    let place = WireEvidence.Place(
      cluster: cluster, topic: meaning(of: message.partition.topic, in: cluster), partition: message.partition.number)
    try contents.withLock { contents in
      try contents.wire.take(
        place, offset: message.offset, timestamp: message.timestampMilliseconds, key: message.key, value: message.value,
        headers: message.headers.map { ($0.name, $0.value) }, observed: time)
    }
  }

  /// Takes in where logs began and ended.
  func take(_ bounds: [LogBoundsRow]) { contents.withLock { $0.bounds += bounds } }

  /// What was read so far.
  var read: (wire: WireEvidence, bounds: [LogBoundsRow]) { contents.withLock { ($0.wire, $0.bounds) } }
}
