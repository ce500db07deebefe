internal import Support

/// What is done to one cluster that stands already, and what is not.
public struct PlannedCluster: Sendable, Hashable, Codable {
  /// The cluster.
  public var name: String
  /// How it is reached, without secrets.
  public var reached: String
  /// What is made in it.
  public var makes: [String]
  /// What is written to it.
  public var writes: [String]
  /// What is read of it.
  public var reads: [String]
  /// What its Connect worker is asked, and told.
  public var connect: [String]
  /// What is removed in the end.
  public var removes: [String]
  /// What is never touched.
  public var never: [String]
}

/// What is done to the clusters that stand already.
///
/// - Parameter longest: the longest that the drill may take: the most that can be written.
func plannedClusters(_ scenario: Scenario, longest: Duration) -> [PlannedCluster]? {
  guard let attach = scenario.stack.attach else { return nil }
  return attach.clusters.map { cluster in
    let topic = scenario.stack.topic ?? EventTopic()
    let name = topic.name ?? EventTopic.labName
    let inbound = attach.mirrors.filter { $0.to == cluster.name }
    let outbound = attach.mirrors.filter { $0.from == cluster.name }
    let mirrored = inbound.map { $0.policy == .identity ? name : "\($0.from)\($0.separator)\(name)" }
    let isMade = topic.missing == .make
    let groups = scenario.workload.consumers.filter { $0.store == cluster.name }.map { "blackstart-RUN-\($0.name)" }
    return PlannedCluster(
      name: cluster.name, reached: reached(cluster),
      makes: (isMade
        ? [
          "topic \(name), if it is not there: partitions \(topic.partitions), copies \(topic.copies.map { "\($0)" } ?? "1")"
        ] : []) + (groups.isEmpty ? [] : ["consumer groups \(listed(groups))"]),
      writes: cluster.name == scenario.primary ? written(scenario, to: name, longest) : [],
      reads: [
        "topics \(listed([name] + mirrored)), from where they end when the drill begins",
        "the mirrors' own topics and __consumer_offsets, as they are written",
      ],
      connect: connect(attach, cluster, scenario), removes: removed(isMade, name, mirrored, groups),
      never: [
        "other topics, other groups' positions, access rules, quotas, configurations of topics and brokers",
        outbound.isEmpty && inbound.isEmpty
          ? "" : "what mirrors have copied, their connectors' configurations and positions",
      ].filter { !$0.isEmpty })
  }
}

private func reached(_ cluster: AttachedKafka.Cluster) -> String {
  let security = cluster.property("security.protocol")?.text ?? "plaintext"
  let name = cluster.property("sasl.username").map { " as User:\($0.text)" } ?? ""
  return "\(cluster.bootstrap.joined(separator: ", ")) (\(security))\(name)"
}

private func written(_ scenario: Scenario, to topic: String, _ longest: Duration) -> [String] {
  let producers = scenario.workload.producers
  let rate = producers.reduce(0.0) { $0 + $1.rate.perSecond }
  let most = Int(rate * Double(longest.milliseconds) / 1000)
  return [
    "\(topic): records of \(producers.map { "\($0.name) \($0.rate)" }.joined(separator: ", ")), at most \(most) in all, each with "
      + "its identity in headers bs-id, bs-key, bs-seq and bs-token"
  ]
}

private func connect(_ attach: AttachedKafka, _ cluster: AttachedKafka.Cluster, _ scenario: Scenario) -> [String] {
  let dedicated = attach.mirrors.filter { $0.to == cluster.name && $0.runner == .dedicated }.map { mirror in
    "\(mirror.from) to \(mirror.to) is a dedicated MirrorMaker 2: it is asked nothing and told nothing; freezing it means that its "
      + "process is made to stand still on its host"
  }
  guard let url = cluster.connect?.url else { return dedicated }
  let own = attach.mirrors.filter { $0.runner == .connect && $0.worker == cluster.name }
  let steps = scenario.steps.filter { step in
    switch step.action {
    case .pauseMirror(let link), .resumeMirror(let link): own.contains { $0.from == link.from && $0.to == link.to }
    default: false
    }
  }
  return ["\(url): states and configurations are asked for"]
    + (steps.isEmpty ? [] : ["\(url): told to pause and resume by \(listed(steps.map(\.id)))"]) + dedicated
}

private func removed(_ isMade: Bool, _ topic: String, _ mirrored: [String], _ groups: [String]) -> [String] {
  let topics =
    isMade ? ["topic \(topic), if the drill made it" + (mirrored.isEmpty ? "" : ", and then \(listed(mirrored))")] : []
  return topics + (groups.isEmpty ? [] : ["the groups"])
}
