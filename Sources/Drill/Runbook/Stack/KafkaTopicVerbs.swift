internal import Scenarios
internal import Stacks
internal import Support

/// Topics held against what is declared, and writers' rights, by the brokers' own administration.
extension KafkaStack {
  /// Makes the declared topics that are not there; the others must be as declared.
  func createTopics(_ declared: DeclaredTopics) async throws -> String {
    let existed = try await withAdmin(declared.region) { admin in
      try await admin.createTopics(declared.topics.map(\.specification))
    }
    // A broker answers before all of them know.
    try await run.until {
      let known = try await withAdmin(declared.region) { try await $0.metadata().topics }
      return declared.topics.allSatisfy { known[$0.name]?.isEmpty == false }
    }
    _ = try await compareTopics(declared)
    let made = declared.topics.map(\.name).filter { !existed.contains($0) }
    let kept =
      existed.isEmpty
      ? "" : "; \(existed.joined(separator: ", ")) \(existed.count == 1 ? "was" : "were") there, as declared"
    return "\(made.isEmpty ? "nothing" : made.joined(separator: ", ")) made in \(declared.region)\(kept)"
  }

  /// Fails with each difference between the topics of a cluster and what is declared.
  func compareTopics(_ declared: DeclaredTopics) async throws -> String {
    let drift = try await withAdmin(declared.region) { admin in
      let known = try await admin.metadata().topics
      var drift: [String] = []
      for topic in declared.topics {
        guard let partitions = known[topic.name], !partitions.isEmpty else {
          drift.append("there is no topic \(topic.name)")
          continue
        }
        drift += topic.drift(partitions, try await admin.configuration(ofTopic: topic.name))
      }
      return drift
    }
    guard drift.isEmpty else {
      throw StepFailure("\(declared.region) is not as declared: \(drift.joined(separator: "; "))")
    }
    return
      "\(declared.topics.map(\.name).joined(separator: ", ")) in \(declared.region) \(declared.topics.count == 1 ? "is" : "are") as declared"
  }

  // MARK: access rules

  /// All rules about topics, groups and the cluster.
  func accessRules(of region: String) async throws -> Set<KafkaACL> {
    try await withAdmin(region) { try await $0.acls() }
  }

  /// Lets somebody write; done when the cluster has the rules.
  func grantWrite(_ grant: WriteGrant) async throws -> String {
    let rules = try rules(grant)
    try await withAdmin(grant.region) { admin in
      try await admin.createACLs(rules)
      try await run.until { try await admin.acls().isSuperset(of: rules) }
    }
    return "\(grant.principal) may write to \(grant.topics.joined(separator: ", ")) in \(grant.region)"
  }

  /// Lets somebody write no longer; done when no rule of the cluster allows it. What allows it by a prefix or to everybody is not
  /// taken away from others: then the step fails and names it.
  func revokeWrite(_ grant: WriteGrant) async throws -> String {
    let rules = try rules(grant)
    let left = try await withAdmin(grant.region) { admin in
      try await admin.deleteACLs(rules)
      try await run.until { try await admin.acls().isDisjoint(with: rules) }
      return try await admin.acls().filter { $0.letsWrite(grant.principal, to: grant.topics) }
    }
    guard left.isEmpty else {
      throw StepFailure(
        "\(grant.principal) may still write in \(grant.region), by \(left.sorted().map(\.description).joined(separator: "; "))"
      )
    }
    return "no rule lets \(grant.principal) write to \(grant.topics.joined(separator: ", ")) in \(grant.region)"
  }

  /// The rules of a grant. Those about the drill's own topic are the fence's, where there is one.
  private func rules(_ grant: WriteGrant) throws -> [KafkaACL] {
    if state.fence != nil, grant.topics.contains(log.topic) {
      throw StepFailure("who may write to \(log.topic) is set by the fence, as the control planes say")
    }
    return grant.topics.map { KafkaACL(.topic, $0, principal: grant.principal, .write) }
  }
}

extension DeclaredTopic {
  /// As the brokers are told.
  var specification: KafkaTopicSpecification {
    var entries = configuration
    if let retention { entries["retention.ms"] = "\(retention.milliseconds)" }
    return KafkaTopicSpecification(name, partitions: partitions, replicationFactor: replicas, configuration: entries)
  }

  /// What differs from what is declared, each in words. Pure.
  func drift(
    _ found: [KafkaMetadata.Partition], _ entries: [String: KafkaConfigurationEntry]
  ) -> [String] {
    var drift: [String] = []
    if found.count != partitions { drift.append("\(name) has \(found.count) partitions, not \(partitions)") }
    for partition in found.sorted(by: { $0.number < $1.number }) {
      let place = "partition \(partition.number) of \(name)"
      if partition.replicas.count != replicas {
        drift.append("\(place) has \(partition.replicas.count) replicas, not \(replicas)")
      }
      let strangers = Set(partition.replicas).subtracting(brokers).sorted()
      if !brokers.isEmpty, !strangers.isEmpty {
        drift.append("\(place) stands on \(strangers.map { "\($0)" }.joined(separator: ", ")), which is not declared")
      }
    }
    for (entry, wanted) in specification.configuration.sorted(by: { $0.key < $1.key }) {
      let value = entries[entry]?.value
      if value != wanted { drift.append("\(entry) of \(name) is \(value ?? "not set"), not \(wanted)") }
    }
    return drift
  }
}

extension KafkaACL {
  /// Whether it lets `principal` write to one of the topics. Pure.
  func letsWrite(_ principal: String, to topics: [String]) -> Bool {
    guard allows, resource == .topic, [.write, .all].contains(operation),
      [principal, "User:*"].contains(self.principal)
    else { return false }
    return topics.contains { topic in
      isPrefix ? topic.hasPrefix(name) : name == topic || name == "*"
    }
  }
}
