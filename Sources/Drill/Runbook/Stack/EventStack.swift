internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support

/// What the steps of a runbook need of the system that keeps the events, whichever it is. Write authority is not part of it: the
/// control planes have that in every stack.
///
/// What a person is to read is thrown as ``StepFailure``; anything else is the error of a server.
protocol EventStack: Sendable {
  /// Stops a mirror; returns in words what confirmed it, once nothing more is copied.
  func pauseMirror(_ link: MirrorLink) async throws -> String

  /// Lets a mirror go on; returns in words what confirmed it.
  func resumeMirror(_ link: MirrorLink) async throws -> String

  /// Whether exactly the holder of `token` may write in `region`, by what guards the log itself.
  func isOpen(_ region: String, to token: Int64) async throws -> Bool

  /// Whether nobody may write in `region`, by what guards the log itself.
  func isClosed(_ region: String) async throws -> Bool

  /// Where consumer groups stand in a region. They must not move meanwhile.
  func stands(of groups: [String], in region: String) async throws -> [GroupStand]

  /// Sets a group to a place that was read in another region, translated to this one's log.
  ///
  /// Refused while the log here lacks an event that the group has applied, or where the group would skip one that it has not.
  func place(_ stand: GroupStand, in region: String) async throws -> ImportedPosition

  /// Where each region's own events end in its log.
  func ends(of regions: [String]) async throws -> [String: LogEnd]

  /// Digests of the regions' logs, part by part, of all events up to `ends`.
  func digests(of regions: [String], upTo ends: [String: LogEnd]) async throws -> [String: [LogDigest]]

  /// The events of a region's whole log.
  func heldEvents(in region: String) async throws -> EventRanges.Ranges

  /// What a group has come to in a region's log: events applied, events that it lacks, effects beyond the first.
  func work(of group: String, in region: String) async throws -> (applied: Int64, missing: Int64, twice: Int64)
}

/// The last event of a region's own in its log.
struct LogEnd: Sendable, Hashable {
  /// By its number in each partition; a log without any is one, of number 0. A partition without an event is not there.
  var last: [Int32: Int64]

  /// The end of a log of one order.
  init(_ number: Int64) { last = [0: number] }

  /// The end of a log of partitions.
  init(_ last: [Int32: Int64]) { self.last = last }

  /// Whether an event had come by then.
  func covers(_ number: Int64, in partition: Int32 = 0) -> Bool { last[partition].map { number <= $0 } ?? false }

  /// The highest number.
  var highest: Int64 { last.values.max() ?? -1 }
}

/// Where a consumer group stands in one region.
struct GroupStand: Sendable, Hashable {
  /// The region.
  var region: String
  /// By event, so that it means the same everywhere.
  var position: GroupPosition
  /// As the group's coordinator has it; `nil` in a stack without one.
  var offsets: KafkaGroupOffsets?
}

extension DrillRun {
  /// What keeps the events of this drill.
  func eventStack(of site: Site) -> any EventStack {
    if let kafka { KafkaStack(run: self, site: site, state: kafka) } else { EventStoreStack(run: self, site: site) }
  }

  /// Asks ten times a second until `condition` holds; the caller's own deadline limits it.
  func until(_ condition: () async throws -> Bool) async throws {
    while try await !condition() { try await clock.sleep(for: .milliseconds(100)) }
  }

  /// Works on a region's store as its administrator, over a connection of this call's own.
  func withStore<T: Sendable>(
    _ region: String, in site: Site, _ body: @Sendable (EventStore) async throws -> T
  ) async throws -> T {
    let connection = try await administrator(of: region, in: site)
    let result: Result<T, any Error>
    do { result = .success(try await body(EventStore(connection, limit: .seconds(10)))) } catch {
      result = .failure(error)
    }
    await connection.close()
    return try result.get()
  }
}
