internal import Support
internal import Synchronization

/// A producer of one Kafka cluster: idempotent, and transactional if it has a transactional id.
///
/// Delivery reports come on a thread for them alone (``reportExecutor``); calls that block (transactions, flush, close) run on the
/// actor's. Every record's outcome is told truthfully: acknowledged, provably not in the log, or unknown.
public actor KafkaProducer {
  /// What it is called in messages and thread names.
  public nonisolated let name: String
  private nonisolated let executor: ThreadExecutor
  private nonisolated let client: RdKafka
  private nonisolated let reports: ReportThread

  /// The thread that hears the delivery reports. A task that sends, waits and sends on is best run there
  /// (`withTaskExecutorPreference`): no other thread is woken between a report and the next record. What runs there must not block,
  /// and it may be used when the producer was closed.
  public nonisolated var reportExecutor: any TaskExecutor { reports }

  /// The producer's own thread.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Starts a producer; it connects by itself afterwards.
  ///
  /// - Parameters:
  ///   - properties: the cluster, and whatever shall differ from librdkafka's defaults.
  ///   - transactionalID: `nil` for a producer that is idempotent only.
  ///   - networkNamespace: descriptor of the namespace in which its sockets open; it may be closed afterwards.
  ///   - linger: how long it waits for company before it sends a batch.
  ///   - deliveryLimit: after that a record that was not acknowledged is reported as unknown.
  /// - Throws: ``KafkaFailure`` for a property that librdkafka refuses, ``Problem`` for a secret that cannot be read.
  public init(
    _ properties: KafkaProperties, name: String, transactionalID: String? = nil, networkNamespace: Int32? = nil,
    linger: Duration = .milliseconds(5), deliveryLimit: Duration = .seconds(30)
  ) async throws {
    var own: [String: KafkaPropertyValue] = [
      "enable.idempotence": .text("true"), "linger.ms": .text("\(linger.milliseconds)"),
      "client.id": .text("blackstart-\(name)"), "socket.keepalive.enable": .text("true"),
      // A record without a partition goes where Kafka's own clients would put it, so that a key has one place whoever writes.
      "partitioner": .text("murmur2_random"),
      // A path that was cut is tried again soon: librdkafka waits 10 s at the longest otherwise.
      "reconnect.backoff.max.ms": .text("500"),
    ]
    if let transactionalID {
      own["transactional.id"] = .text(transactionalID)
      own["transaction.timeout.ms"] = .text("\(deliveryLimit.milliseconds)")
    }
    own["message.timeout.ms"] = .text("\(deliveryLimit.milliseconds)")
    var all = properties
    all.values.merge(own) { given, _ in given }
    let resolved = try all.resolved()
    self.name = name
    executor = try ThreadExecutor(name: "kafka-\(name)", networkNamespace: networkNamespace)
    // Its threads are born where the one that makes it is.
    let client = try await onOwnThread("kafka-start", networkNamespace: networkNamespace) {
      try RdKafka(.producer, resolved)
    }
    // Before the last property is set: from there on this is the actor's own thread, in the other namespace.
    reports = client.startReports()
    self.client = client
  }

  /// Writes one record and waits for what became of it; not shortened by cancellation, but by the delivery limit.
  public nonisolated func send(_ record: KafkaRecord) async -> KafkaDelivery {
    await withCheckedContinuation { continuation in
      send(record) { continuation.resume(returning: $0) }
    }
  }

  /// Queues one record; `report` is called exactly once, mostly on the thread of the reports, and must not block.
  public nonisolated func send(_ record: KafkaRecord, _ report: @escaping @Sendable (KafkaDelivery) -> Void) {
    if let failure = client.produce(record, RdKafka.Recipient(report)) { report(.refused(failure)) }
  }

  /// Records that have no outcome yet.
  public nonisolated var pending: Int { client.pending }

  /// Asks the cluster for its metadata, so that one that cannot be reached is known before anything is sent.
  public func reach(within limit: Duration) throws(KafkaFailure) {
    _ = try client.metadata(topic: nil, within: limit)
  }

  /// Waits until every record has its outcome.
  ///
  /// - Throws: ``KafkaFailure`` when the limit passed first.
  public func flush(within limit: Duration = .seconds(10)) throws(KafkaFailure) { try client.flush(within: limit) }

  /// Takes the transactional id over: whoever had it before is fenced, and what it left open is aborted.
  ///
  /// Tried again while the broker says that it cannot do so yet, which it does while the other's transaction ends.
  ///
  /// - Throws: ``KafkaFailure``; the producer is of no use then.
  public func initTransactions(within limit: Duration = .seconds(10)) throws(KafkaFailure) {
    let deadline = Timebase.system.monotonic() + limit.nanoseconds
    while true {
      let left = deadline - Timebase.system.monotonic()
      do throws(KafkaFailure) {
        return try client.initTransactions(within: .nanoseconds(max(1_000_000, left)))
      } catch {
        guard error.isRetriable, !error.isFatal, deadline > Timebase.system.monotonic() else { throw error }
      }
    }
  }

  /// Begins a transaction; what is sent from now on belongs to it.
  public func beginTransaction() throws(KafkaFailure) { try client.beginTransaction() }

  /// Adds the position of a consumer's group to the open transaction, so that reading and writing happen together.
  ///
  /// - Parameter offsets: of each partition, the offset that is read next.
  public func sendOffsets(
    _ offsets: [KafkaPartition: Int64], of consumer: KafkaConsumer, within limit: Duration = .seconds(10)
  ) throws(KafkaFailure) {
    try client.sendOffsets(offsets, of: consumer.client, within: limit)
  }

  /// Commits the open transaction.
  ///
  /// A commit that was refused because another producer took over did not happen, unless a connection broke meanwhile: then an
  /// earlier attempt of the same commit may have been carried out, and nobody here can say.
  public func commitTransaction(within limit: Duration = .seconds(10)) -> KafkaCommit {
    let before = client.board.now.transportErrors
    do throws(KafkaFailure) {
      try client.commitTransaction(within: limit)
      return .committed
    } catch {
      let connectionHeld = client.board.now.transportErrors == before
      if error.kind == .fenced { return connectionHeld ? .aborted(error) : .unknown(error) }
      guard error.requiresAbort, !error.isFatal else { return .unknown(error) }
      // librdkafka says so before it has asked the coordinator to commit: a record of it was not delivered.
      do throws(KafkaFailure) {
        try client.abortTransaction(within: limit)
        return .aborted(error)
      } catch let abort {
        return abort.kind == .fenced && connectionHeld ? .aborted(abort) : .unknown(error)
      }
    }
  }

  /// Aborts the open transaction; its records that were not sent are dropped.
  ///
  /// - Throws: ``KafkaFailure``; of kind `fenced` if another producer has aborted it already.
  public func abortTransaction(within limit: Duration = .seconds(10)) throws(KafkaFailure) {
    try client.abortTransaction(within: limit)
  }

  /// Ends the producer. Records without an outcome get one first; what was not acknowledged is dropped.
  public func close() {
    client.close()
  }
}
