internal import Support

/// A consumer of one Kafka cluster, on a thread of its own: a member of a group, or assigned to partitions by hand.
///
/// It commits nothing by itself: a position is committed when the caller says that the work is done.
public actor KafkaConsumer {
  /// What it is called in messages and thread names.
  public nonisolated let name: String
  private nonisolated let executor: ThreadExecutor
  nonisolated let client: RdKafka
  /// An error that came behind records: they are given out first.
  private var failure: KafkaFailure?

  /// The consumer's own thread.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Starts a consumer; it connects by itself afterwards.
  ///
  /// - Parameters:
  ///   - group: its consumer group; librdkafka wants one also of a consumer that only reads by assignment.
  ///   - isolation: what it sees of transactions.
  ///   - reset: where it begins without a committed offset.
  ///   - reportsEnds: whether ``read(within:atMost:)`` also tells when the end of a partition is reached.
  ///   - networkNamespace: descriptor of the namespace in which its sockets open; it may be closed afterwards.
  /// - Throws: ``KafkaFailure`` for a property that librdkafka refuses, ``Problem`` for a secret that cannot be read.
  public init(
    _ properties: KafkaProperties, name: String, group: String, isolation: KafkaProperties.Isolation = .readCommitted,
    reset: KafkaProperties.Reset = .earliest, reportsEnds: Bool = false, networkNamespace: Int32? = nil
  ) async throws {
    let own: [String: KafkaPropertyValue] = [
      "group.id": .text(group), "enable.auto.commit": .text("false"), "enable.auto.offset.store": .text("false"),
      "isolation.level": .text(isolation.rawValue), "auto.offset.reset": .text(reset.rawValue),
      "enable.partition.eof": .text(reportsEnds ? "true" : "false"), "client.id": .text("blackstart-\(name)"),
      "session.timeout.ms": .text("6000"), "heartbeat.interval.ms": .text("1000"), "fetch.wait.max.ms": .text("100"),
      // How long a call may hang on a path that was cut.
      "socket.timeout.ms": .text("5000"),
      "socket.keepalive.enable": .text("true"), "reconnect.backoff.max.ms": .text("500"),
      // A topic that does not exist yet is no error here, and is found soon when it does.
      "topic.metadata.refresh.interval.ms": .text("1000"),
    ]
    var all = properties
    all.values.merge(own) { given, _ in given }
    let resolved = try all.resolved()
    self.name = name
    executor = try ThreadExecutor(name: "kafka-\(name)", networkNamespace: networkNamespace)
    client = try await onOwnThread("kafka-start", networkNamespace: networkNamespace) {
      try RdKafka(.consumer, resolved)
    }
  }

  /// Joins the group for these topics; a name that begins with `^` is a pattern.
  public func subscribe(to topics: [String]) throws(KafkaFailure) { try client.subscribe(topics) }

  /// Reads these partitions from the given places, whatever the group says.
  public func assign(_ places: [KafkaPartition: KafkaStart]) throws(KafkaFailure) { try client.assign(places) }

  /// The partitions that it reads now.
  public func assignment() throws(KafkaFailure) -> [KafkaPartition] { try client.assignment() }

  /// Waits for records, for `limit` at most, and takes those that are there then.
  ///
  /// Call it often: between two calls longer apart than `max.poll.interval.ms` the group counts the consumer as dead.
  /// Cancellation does not shorten it: give a short limit.
  public func read(within limit: Duration, atMost count: Int = 500) throws(KafkaFailure) -> [KafkaReading] {
    if let failure {
      self.failure = nil
      throw failure
    }
    var found: [KafkaReading] = []
    do throws(KafkaFailure) {
      while found.count < count, let next = try client.poll(within: found.isEmpty ? limit : .zero) {
        found.append(next)
      }
    } catch {
      // What was read is read: it would not come again.
      if found.isEmpty { throw error }
      failure = error
    }
    return found
  }

  /// Commits the group's position: of each partition, the offset that is read next.
  public func commit(_ offsets: [KafkaPartition: Int64]) throws(KafkaFailure) { try client.commit(offsets) }

  /// What the group has committed of these partitions; those without are left out.
  public func committed(
    _ partitions: [KafkaPartition], within limit: Duration = .seconds(5)
  ) throws(KafkaFailure) -> [KafkaPartition: Int64] {
    try client.committed(partitions, within: limit)
  }

  /// Leaves the group and ends the consumer.
  public func close() { client.close() }
}
