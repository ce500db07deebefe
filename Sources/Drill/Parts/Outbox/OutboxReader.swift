internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// A consumer group of the outbox's topic with a projection that takes each row once, by its id, whatever comes twice.
///
/// It reads from a region without a store, as a service that only follows. Its offsets are committed by hand: effect first, then
/// progress.
final class OutboxReader: Sendable {
  /// The name of its group.
  static let group = "outbox-projection"

  private struct Projection {
    var applied: [EventID: Int] = [:]
    var rows: Set<String> = []
    var refused = 0
  }

  private let line: OutboxLine
  private let projection = Mutex(Projection())

  init(_ line: OutboxLine) { self.line = line }

  /// How often each event has taken effect.
  var applied: [EventID: Int] { projection.withLock { $0.applied } }
  /// Deliveries of rows that it had already.
  var refused: Int { projection.withLock { $0.refused } }

  /// Reads until `stop` is requested and nothing more comes.
  func run(in site: Site, clock: any Clock<Duration>, stop: StopSignal) async throws {
    let host = try line.host(in: site)
    guard let cluster = host.kafka else { return }
    let home = site.regions.first { $0.store == nil } ?? host
    let consumer = try await KafkaConsumer(
      cluster, name: "\(home.name)-\(Self.group)", group: Self.group,
      networkNamespace: home.networkNamespace)
    let outcome: Result<Void, any Error>
    do {
      try await consumer.assign(Dictionary(uniqueKeysWithValues: line.places.map { ($0, .beginning) }))
      while !Task.isCancelled {
        let isEnding = stop.isRequested
        do throws(KafkaFailure) {
          let messages = try await consumer.read(within: .milliseconds(200)).compactMap { reading -> KafkaMessage? in
            if case .message(let message) = reading { message } else { nil }
          }
          for message in messages { apply(message) }
          let next = Dictionary(messages.map { ($0.partition, $0.offset + 1) }, uniquingKeysWith: max)
          if !next.isEmpty { try await consumer.commit(next) }
          if isEnding, messages.isEmpty { break }
        } catch {
          // A cluster that cannot be reached is asked again; at the end what was not read is missing from the evidence.
          if isEnding { break }
          try await clock.sleep(for: .milliseconds(200))
        }
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    await consumer.close()
    try outcome.get()
  }

  private func apply(_ message: KafkaMessage) {
    guard let record = OutboxRecord(message) else { return }
    projection.withLock { projection in
      guard projection.rows.insert(record.row).inserted else {
        projection.refused += 1
        return
      }
      projection.applied[record.event, default: 0] += 1
    }
  }
}
