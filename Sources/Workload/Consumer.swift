internal import Support

/// One consumer group's worker: reads a store's log and keeps a projection, effect and progress in one transaction.
///
/// Whenever it reconnects it takes delivery of some events again, as any at-least-once consumer does; the projection must
/// refuse them.
public struct Consumer: Sendable {
  /// Number of the worker.
  public var worker: UInt32
  /// The group.
  public var group: String
  /// Where it runs.
  public var region: String
  /// The store that it reads and whose projection it keeps.
  public var store: String
  /// Events taken again after a reconnect.
  public var reread: Int

  /// A worker of a group.
  public init(worker: UInt32, group: String, region: String, store: String, reread: Int = 50) {
    self.worker = worker
    self.group = group
    self.region = region
    self.store = store
    self.reread = reread
  }

  /// Most events of one step.
  private static let step = 500

  /// Reads and applies until it is cancelled.
  public func run(in surroundings: Surroundings) async {
    var session: (any StoreSession)?
    var store = store
    var steps = 0
    while !surroundings.isEnding {
      if surroundings.traffic.isPaused(group: group) {
        if await !surroundings.pause(.milliseconds(100)) { break }
        continue
      }
      if let sentTo = surroundings.traffic.store(ofGroup: group), sentTo != store {
        if let session { await session.close() }
        session = nil
        // Where it goes on, and if it ever comes back, is for whoever sent it to say.
        surroundings.recorder.left(
          surroundings.connector.partitions(of: store), worker: worker, group: group, store: store, region: region,
          at: surroundings.timebase.monotonic())
        store = sentTo
      }
      do throws(StoreFailure) {
        let link: any StoreSession
        let isFresh = session == nil
        if let session {
          link = session
        } else {
          link = try await surroundings.connector.connect(from: region, to: store)
          session = link
        }
        // A rebalance redelivers as a reconnect does; without one now and then a quiet drill would prove nothing.
        steps += 1
        let overlap = isFresh || steps.isMultiple(of: 100) ? reread : 0
        let begun = surroundings.timebase.monotonic()
        let batch = try await link.apply(group: group, limit: Self.step, reread: overlap)
        surroundings.recorder.applied(
          batch, worker: worker, group: group, store: store, region: region, invoked: begun,
          completed: surroundings.timebase.monotonic())
        surroundings.counters.stepped(group, store: store, begun: begun, batch)
        if batch.deliveries.count < Self.step, await !surroundings.pause(.milliseconds(100)) { break }
      } catch {
        // What an unanswered step did is in the store, effect and progress together: the next one continues there.
        if let session { await session.close() }
        session = nil
        if await !surroundings.pause(.milliseconds(200)) { break }
      }
    }
    if let session { await session.close() }
  }
}
