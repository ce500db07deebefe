internal import Scenarios
internal import Stacks

extension Scenario {
  /// What all names of the drill's consumer groups in standing clusters begin with.
  static let attachedGroupPrefix = "blackstart-"

  /// The topics of a standing cluster that hold the drill's events: its own, and those mirrored to it.
  func eventTopics(of cluster: String) -> (own: String, mirrored: [String]) {
    let own = stack.topic?.name ?? EventTopic.labName
    let mirrors = stack.attach?.mirrors.filter { $0.to == cluster } ?? []
    return (own, mirrors.map { $0.policy == .identity ? own : "\($0.from)\($0.separator)\(own)" })
  }

  /// The topics that its mirrors keep for themselves in a standing cluster.
  func mirrorTopics(of cluster: String) -> [String] {
    var topics: [String] = []
    for link in attachedLinks {
      if link.source.alias == cluster { topics.append(link.offsetSyncsTopic) }
      if link.target.alias == cluster { topics += [link.checkpointsTopic, link.heartbeatsTopic] }
    }
    for mirror in stack.attach?.mirrors ?? [] where mirror.runner == .connect && mirror.worker == cluster {
      if let status = stack.attach?.cluster(cluster)?.connect?.statusTopic, !topics.contains(status) {
        topics.append(status)
      }
    }
    return topics
  }

  /// Which rights the drill needs in a standing cluster, and what for.
  ///
  /// - Parameter lacksTopic: the drill's topic is not there and is to be made.
  func needs(in cluster: String, lacksTopic: Bool) -> KafkaNeeds {
    typealias Right = KafkaNeeds.Right
    let topics = eventTopics(of: cluster)
    var rights: [Right] = []
    if lacksTopic {
      rights.append(Right(.create, on: .cluster, for: "making topic \(topics.own)"))
    } else {
      let own = KafkaNeeds.Right.Resource.topic(topics.own)
      if cluster == primary { rights.append(Right(.write, on: own, for: "writing events")) }
      rights += [
        Right(.read, on: own, for: "reading events"), Right(.describe, on: own, for: "seeing its partitions"),
        Right(.describeConfigs, on: own, for: "seeing how long it keeps records"),
      ]
      if stack.topic?.missing == .make {
        rights.append(Right(.delete, on: own, for: "removing it where the drill made it"))
      }
    }
    for topic in topics.mirrored {
      rights += [
        Right(.read, on: .topic(topic), for: "reading what was mirrored"),
        Right(.describe, on: .topic(topic), for: "seeing its partitions"),
      ]
    }
    for topic in mirrorTopics(of: cluster) + ["__consumer_offsets"] {
      rights.append(Right(.read, on: .topic(topic), for: "reading it as it is written, which is evidence"))
      if topic != "__consumer_offsets" {
        rights.append(Right(.describeConfigs, on: .topic(topic), for: "seeing whether it is compacted"))
      }
    }
    let groups = KafkaNeeds.Right.Resource.group(Self.attachedGroupPrefix)
    rights += [
      Right(.read, on: groups, for: "consuming and committing"),
      Right(.describe, on: groups, for: "reading positions"),
      Right(.delete, on: groups, for: "removing them at the end"),
    ]
    return KafkaNeeds(rights: rights)
  }
}
