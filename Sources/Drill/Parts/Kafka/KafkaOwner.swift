internal import Events
internal import Lab
internal import Stacks
internal import Workload

/// Writing where write authority may move: each event in a transaction of its own, under the name of its token.
extension KafkaSession {
  /// The producer of one worker under one token.
  struct Owner {
    var token: Int64
    var producer: KafkaProducer
  }

  func append(
    _ event: Workload.NewEvent, token: Int64, by fence: KafkaFence
  ) async throws(StoreFailure) -> Receipt {
    let producer = try await ownership(of: event.id.producer, under: token, fence)
    do throws(KafkaFailure) { try await producer.beginTransaction() } catch {
      await release()
      throw .refused(error.name)
    }
    let (deliveries, report) = AsyncStream.makeStream(of: KafkaDelivery.self)
    producer.send(log.record(event, token: token)) {
      report.yield($0)
      report.finish()
    }
    let commit = await producer.commitTransaction(within: Self.patience)
    let delivery = await deliveries.first { _ in true }
    if case .committed = commit, case .acknowledged(let partition, let offset)? = delivery {
      return Receipt(partition: "\(partition)", position: offset, originSequence: offset)
    }
    // Whatever went wrong, this producer's transaction is not to be gone on with.
    await release()
    throw Self.failure(commit, delivery)
  }

  /// What is known of a write that was not committed with an offset. Pure.
  static func failure(_ commit: KafkaCommit, _ delivery: KafkaDelivery?) -> StoreFailure {
    switch (commit, delivery) {
    case (.aborted(let failure), _): .refused(failure.name)
    // The record is in no log, whatever became of the transaction around it.
    case (.unknown(let failure), .refused?): .refused(failure.name)
    case (.unknown(let failure), _): .unknown(failure.kind == .timedOut ? "timeout" : failure.name)
    case (.committed, _): .unknown("committed-elsewhere")
    }
  }

  /// The producer of a worker under a token; a new one takes the worker's transactional id over from whoever had it.
  private func ownership(
    of worker: UInt32, under token: Int64, _ fence: KafkaFence
  ) async throws(StoreFailure) -> KafkaProducer {
    if let owner, owner.token == token { return owner.producer }
    await release()
    guard let named else { throw .notSent("the cluster of \(store) takes nobody under a name") }
    let id = fence.transactionalID(of: worker)
    let producer: KafkaProducer
    do {
      producer = try await KafkaProducer(
        named.with(unsecuredName: fence.name(of: token)), name: "\(region)-\(store)-\(worker)", transactionalID: id,
        networkNamespace: namespace, linger: .zero, deliveryLimit: Self.patience)
    } catch {
      throw .notSent("\(error)")
    }
    fence.note(id, in: store, token: token)
    do throws(KafkaFailure) { try await producer.initTransactions(within: Self.patience) } catch {
      await producer.close()
      throw [.notAllowed, .fenced].contains(error.kind) ? .refused(error.name) : .notSent("\(error)")
    }
    owner = Owner(token: token, producer: producer)
    return producer
  }

  /// Ends the producer that writes, if there is one.
  func release() async {
    let ended = owner
    owner = nil
    await ended?.producer.close()
  }
}
