internal import Support

/// Looks at a Kafka cluster and changes it, on a thread of its own. Every call ends within its limit.
///
/// A call that times out may have been carried out: ask again before you act on it.
public actor KafkaAdmin {
  /// What it is called in messages and thread names.
  public nonisolated let name: String
  private nonisolated let executor: ThreadExecutor
  private nonisolated let client: RdKafka
  private let limit: Duration

  /// The thread of its own.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Starts the client; it connects by itself afterwards.
  ///
  /// - Parameters:
  ///   - networkNamespace: descriptor of the namespace in which its sockets open; it may be closed afterwards.
  ///   - limit: of every call.
  /// - Throws: ``KafkaFailure`` for a property that librdkafka refuses, ``Problem`` for a secret that cannot be read.
  public init(
    _ properties: KafkaProperties, name: String, networkNamespace: Int32? = nil, limit: Duration = .seconds(5)
  ) async throws {
    var all = properties
    all.values.merge(["client.id": .text("blackstart-\(name)"), "reconnect.backoff.max.ms": .text("500")]) { given, _ in
      given
    }
    let resolved = try all.resolved()
    self.name = name
    self.limit = limit
    executor = try ThreadExecutor(name: "kafka-\(name)", networkNamespace: networkNamespace)
    let client = try await onOwnThread("kafka-start", networkNamespace: networkNamespace) {
      try RdKafka(.producer, resolved)
    }
    // Before the last property is set: from there on this is the actor's own thread, in the other namespace.
    client.startReports()
    self.client = client
  }

  // MARK: Cluster and topics

  /// Brokers and topics.
  ///
  /// - Parameter topic: only this one; `nil` for all that the client may see.
  /// - Throws: ``KafkaFailure`` of kind `notFound` where that one does not exist.
  public func metadata(topic: String? = nil) throws(KafkaFailure) -> KafkaMetadata {
    try client.metadata(topic: topic, within: limit)
  }

  /// The first and the next offset of a partition.
  public func watermarks(_ partition: KafkaPartition) throws(KafkaFailure) -> KafkaWatermarks {
    try client.watermarks(partition, within: limit)
  }

  /// Makes topics and waits until the brokers know them. One that exists already is left as it is.
  ///
  /// - Returns: those that existed already, by name.
  /// - Throws: ``KafkaFailure`` of the first other one; the others may have been made.
  @discardableResult
  public func createTopics(_ topics: [KafkaTopicSpecification]) throws(KafkaFailure) -> [String] {
    let failures = try client.createTopics(topics, within: limit)
    for (_, failure) in failures.sorted(by: { $0.key < $1.key }) where failure.kind != .exists { throw failure }
    return failures.keys.sorted()
  }

  /// Deletes topics. One that does not exist is fine.
  ///
  /// - Throws: ``KafkaFailure`` of the first that could not be deleted; the others may have been.
  public func deleteTopics(_ names: [String]) throws(KafkaFailure) {
    let failures = try client.deleteTopics(names, within: limit)
    for (_, failure) in failures.sorted(by: { $0.key < $1.key }) where failure.kind != .notFound { throw failure }
  }

  /// The configuration that is in force for a topic.
  public func configuration(ofTopic topic: String) throws(KafkaFailure) -> [String: KafkaConfigurationEntry] {
    try client.configuration(ofTopic: topic, within: limit)
  }

  /// Changes entries of a topic's own configuration; `nil` takes one back to the broker's.
  ///
  /// Reads the topic's own entries, changes them and writes all of them: what somebody else changes in between is lost.
  public func changeConfiguration(ofTopic topic: String, _ changes: [String: String?]) throws(KafkaFailure) {
    var own = try configuration(ofTopic: topic).filter(\.value.isOwn).compactMapValues(\.value)
    for (name, value) in changes { own[name] = value }
    try client.replaceConfiguration(ofTopic: topic, by: own, within: limit)
  }

  // MARK: Consumer groups

  /// The names of all groups, sorted.
  public func groupNames() throws(KafkaFailure) -> [String] { try client.groupNames(within: limit) }

  /// These groups; one that does not exist is `dead`.
  public func groups(_ names: [String]) throws(KafkaFailure) -> [KafkaGroup] {
    // librdkafka 2.0 describes one group a broker request; a name at a time keeps one refusal from hiding the others.
    var found: [KafkaGroup] = []
    for name in names { found += try client.groups([name], within: limit) }
    return found
  }

  /// All offsets that a group has committed: of each partition, the one that is read next.
  public func offsets(ofGroup group: String) async throws(KafkaFailure) -> [KafkaPartition: Int64] {
    try await onceCoordinated { () throws(KafkaFailure) in try client.offsets(ofGroup: group, within: limit) }
  }

  /// Sets offsets of a group that has no member.
  ///
  /// - Throws: ``KafkaFailure``; a group with members is refused (UNKNOWN_MEMBER_ID).
  public func setOffsets(ofGroup group: String, _ offsets: [KafkaPartition: Int64]) async throws(KafkaFailure) {
    try await onceCoordinated { () throws(KafkaFailure) in
      try client.setOffsets(ofGroup: group, offsets, within: limit)
    }
  }

  /// Deletes a group that has no member.
  public func deleteGroup(_ group: String) async throws(KafkaFailure) {
    try await onceCoordinated { () throws(KafkaFailure) in try client.deleteGroup(group, within: limit) }
  }

  /// Asks again, within the limit, while the group's coordinator has only just become one and reads what it must know first. It has
  /// done nothing then, and librdkafka does not ask again by itself.
  private func onceCoordinated<T: Sendable>(_ body: () throws(KafkaFailure) -> T) async throws(KafkaFailure) -> T {
    let deadline = Timebase.system.monotonic() + limit.nanoseconds
    while true {
      let refusal: KafkaFailure
      do throws(KafkaFailure) { return try body() } catch { refusal = error }
      guard Self.newCoordinator.contains(refusal.name), Timebase.system.monotonic() < deadline else { throw refusal }
      do { try await ContinuousClock().sleep(for: .milliseconds(50)) } catch { throw refusal }
    }
  }

  /// What a broker says that is to coordinate a group and cannot yet, or not any more.
  private static let newCoordinator: Set<String> = [
    "COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR",
  ]

  // MARK: Access rules

  /// All access rules about topics, groups and the cluster.
  ///
  /// - Throws: ``KafkaFailure``; SECURITY_DISABLED where the brokers have no authorizer.
  public func acls() throws(KafkaFailure) -> Set<KafkaACL> { try client.acls(within: limit) }

  /// Adds rules; those that exist are fine.
  public func createACLs(_ rules: [KafkaACL]) throws(KafkaFailure) { try client.createACLs(rules, within: limit) }

  /// Removes exactly these rules; those that do not exist are fine.
  public func deleteACLs(_ rules: [KafkaACL]) throws(KafkaFailure) { try client.deleteACLs(rules, within: limit) }

  /// Ends the client.
  public func close() { client.close() }
}
