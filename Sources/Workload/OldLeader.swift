internal import Events
internal import Support

/// A writer that was told once that it leads, and never asks again: it keeps its token across the failover and goes on
/// writing to one store. Every store must refuse it from the moment the new leader's token was granted.
///
/// Once the token has been superseded it also tries, now and then, a token that was never granted: a store that takes a
/// higher number for a newer reign would lock its true leader out.
public struct OldLeader: Sendable {
  /// Number of the worker.
  public var worker: UInt32
  /// Where it runs.
  public var region: String
  /// The store that it writes to.
  public var store: String
  /// Attempts a second.
  public var rate: Double
  /// Its own aggregate; the one after it is for the token that was never granted.
  public var key: UInt32

  /// A writer with a kept token.
  public init(worker: UInt32, region: String, store: String, rate: Double, key: UInt32) {
    self.worker = worker
    self.region = region
    self.store = store
    self.rate = rate
    self.key = key
  }

  /// Writes with `token` until it is cancelled.
  ///
  /// - Parameter inflated: a token that no election ever granted.
  public func run(token: Int64, inflated: Int64, in surroundings: Surroundings) async {
    var pace = Pace(perSecond: rate, start: surroundings.timebase.monotonic())
    var sequence: UInt64 = 0
    var session: (any StoreSession)?
    var record = WriteRecord(surroundings.recorder, worker: worker, region: region)
    while true {
      let now = surroundings.timebase.monotonic()
      let due = pace.due(now: now)
      if due > now, await !surroundings.pause(.nanoseconds(due - now)) { break }
      if surroundings.isEnding { break }
      let isSuperseded = surroundings.authority.authority(in: region).token.map { $0 > token } ?? false
      let isInflated = isSuperseded && sequence % 10 == 9
      let tried = isInflated ? inflated : token
      let payload = Array("kept token".utf8)
      let event = NewEvent(
        id: EventID(producer: worker, sequence: sequence), key: isInflated ? key + 1 : key, keySequence: sequence + 1,
        causation: nil,
        payload: payload, checksum: payloadChecksum(payload), wall: surroundings.timebase.wall())
      sequence += 1
      let ticket = record.begin(.staleAppend, event: event, store: store, token: tried)
      do throws(StoreFailure) {
        let link: any StoreSession
        if let session {
          link = session
        } else {
          link = try await surroundings.connector.connect(from: region, to: store)
          session = link
        }
        let receipt = try await link.append(event, token: tried)
        record.end(ticket, ok: receipt)
        surroundings.counters.stale(store: store, accepted: true)
      } catch {
        record.end(ticket, failure: error)
        if case .refused = error {
          surroundings.counters.stale(store: store, accepted: false)
        } else {
          if let session { await session.close() }
          session = nil
        }
      }
    }
    if let session { await session.close() }
  }
}
