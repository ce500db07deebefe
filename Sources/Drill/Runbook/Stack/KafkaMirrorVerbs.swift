internal import Scenarios
internal import Stacks
internal import Support

/// Where a mirror is in its source, as it is written down.
struct MirrorOffsetsFile: Codable, Sendable, Hashable, CustomStringConvertible {
  /// One partition of the source.
  struct Entry: Codable, Sendable, Hashable {
    var partition: KafkaPartition
    /// The offset of the record that was copied last.
    var last: Int64
  }

  /// The connector.
  var connector: String
  /// When (RFC 3339).
  var taken: String
  /// The partitions, in order. Those that the mirror has not begun are not there.
  var entries: [Entry]
  /// SHA-256 of connector and entries, line by line.
  var digest: String

  init(connector: String, taken: String, _ offsets: [ConnectOffset]) {
    self.connector = connector
    self.taken = taken
    entries = offsets.compactMap { $0.mirrored.map { Entry(partition: $0.partition, last: $0.lastOffset) } }
      .sorted { $0.partition < $1.partition }
    digest = Self.digest(of: connector, entries)
  }

  /// Whether it is what was written down.
  var isWhole: Bool { digest == Self.digest(of: connector, entries) }

  /// The places so many offsets before these; heartbeats, which the mirror carries beside, stay. `nil`: the beginning.
  func before(by offsets: Int64) -> [KafkaPartition: Int64?] {
    entries.filter { $0.partition.topic != KafkaMirrorLink.heartbeats }.reduce(into: [:]) { places, entry in
      places[entry.partition] = .some(entry.last >= offsets ? entry.last - offsets : nil)
    }
  }

  /// `east-to-eu-source at orders-0 41, orders-1 12`.
  var description: String {
    let places = entries.map { "\($0.partition) \($0.last)" }
    return "\(connector) at \(places.isEmpty ? "nothing" : places.joined(separator: ", "))"
  }

  private static func digest(of connector: String, _ entries: [Entry]) -> String {
    let lines = [connector] + entries.map { "\($0.partition.topic)\t\($0.partition.number)\t\($0.last)" }
    return sha256(Array(lines.joined(separator: "\n").utf8))
  }
}

/// Mirrors and their offsets, through Connect.
extension KafkaStack {
  /// Ends a mirror's tasks; returns in words what confirmed it.
  func stopMirror(_ link: MirrorLink) async throws -> String {
    let (mirror, connect) = try mirror(link)
    let name = mirror.name(.source)
    try await connect.stop(name)
    return try await connect.waitUntil(name, is: .stopped, within: Self.orderLimit).description
  }

  /// Waits until connectors and tasks agree on a state; of one that failed the first line of its trace is told.
  func awaitState(_ check: MirrorStatusCheck) async throws -> String {
    let (mirror, connect) = try mirror(check.link)
    // A mirror works only when all of its parts do; only what copies records is ever paused or stopped.
    let parts: [KafkaMirrorLink.Part] = check.state == .running ? [.source, .checkpoint, .heartbeat] : [.source]
    let state: ConnectState =
      switch check.state {
      case .running: .running
      case .paused: .paused
      case .stopped: .stopped
      }
    let deadline = run.timebase.monotonic() + check.within.nanoseconds
    var found: [String] = []
    for part in parts {
      let left = Duration.nanoseconds(max(1_000_000, deadline - run.timebase.monotonic()))
      found.append(
        try await connect.waitUntil(mirror.name(part), is: state, mayBeIdle: part == .checkpoint, within: left)
          .description)
    }
    return found.joined(separator: "; ")
  }

  /// Where a mirror is in its source, as Connect has it: right behind what it has copied when it is stopped, else as it kept it last.
  func offsets(of link: MirrorLink, taken: String) async throws -> MirrorOffsetsFile {
    let (mirror, connect) = try mirror(link)
    let name = mirror.name(.source)
    return MirrorOffsetsFile(connector: name, taken: taken, try await connect.offsets(of: name))
  }

  /// Sets a stopped mirror to where it was when `file` was written. A partition that is not in it stays where it is.
  func set(_ link: MirrorLink, to file: MirrorOffsetsFile) async throws -> String {
    let name = try mirror(link).link.name(.source)
    guard file.connector == name else { throw StepFailure("the export is of \(file.connector), not of \(name)") }
    guard !file.entries.isEmpty else { throw StepFailure("the export of \(name) has no offset in it") }
    return try await set(link, to: file.entries.reduce(into: [:]) { $0[$1.partition] = .some($1.last) })
  }

  /// Sets a stopped mirror back by so many offsets in each partition.
  func setBack(_ link: MirrorLink, by offsets: Int64) async throws -> String {
    let places = try await self.offsets(of: link, taken: "").before(by: offsets)
    guard !places.isEmpty else {
      throw StepFailure("the mirror \(link.from)→\(link.to) has copied nothing yet: there is nothing to go back to")
    }
    return try await set(link, to: places)
  }

  private func set(_ link: MirrorLink, to places: [KafkaPartition: Int64?]) async throws -> String {
    let (mirror, connect) = try mirror(link)
    let name = mirror.name(.source)
    try await requireStopped(name, connect)
    try await connect.setOffsets(
      of: name,
      places.sorted { $0.key < $1.key }.map { partition, last in
        var offset = ConnectOffset.mirrored(partition, of: mirror.source.alias, lastOffset: last ?? 0)
        if last == nil { offset.offset = .null }
        return offset
      })
    let found = try await self.offsets(of: link, taken: "")
    let places = places.sorted { $0.key < $1.key }
    for (partition, last) in places {
      let now = found.entries.first { $0.partition == partition }?.last
      guard now == last else {
        throw StepFailure(
          "Connect has \(now.map { "\($0)" } ?? "nothing") for \(partition) of \(name), and was given "
            + "\(last.map { "\($0)" } ?? "nothing")")
      }
    }
    return "\(found)"
  }

  /// Lets a stopped mirror forget where it is.
  func resetOffsets(of link: MirrorLink) async throws -> String {
    let (mirror, connect) = try mirror(link)
    let name = mirror.name(.source)
    try await requireStopped(name, connect)
    let before = try await offsets(of: link, taken: "")
    try await connect.resetOffsets(of: name, .everythingIsMirroredAgain)
    let left = try await offsets(of: link, taken: "").entries
    guard left.isEmpty else {
      throw StepFailure("Connect still has \(left.count) offsets of \(name) after they were reset")
    }
    return
      "\(name) has no offset any more; it was at \(before.entries.map { "\($0.partition) \($0.last)" }.joined(separator: ", "))"
  }

  private func requireStopped(_ name: String, _ connect: ConnectClient) async throws {
    guard let status = try await connect.status(of: name) else {
      throw StepFailure("the worker knows no connector \(name)")
    }
    guard status.isAll(.stopped) else {
      throw StepFailure(
        "\(status.description): the offsets of a mirror are changed only while it is STOPPED; stop it with stop-mirror")
    }
  }
}
