internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Workload

/// Positions of consumer groups as they are written down, with a digest that an import checks.
struct PositionFile: Codable, Sendable {
  /// The region whose store they were read in.
  var region: String
  /// When (RFC 3339).
  var taken: String
  /// The positions.
  var groups: [GroupPosition]
  /// The groups' offsets as their coordinators had them; `nil` in a stack without.
  var offsets: [KafkaGroupOffsets]?
  /// SHA-256 of ``groups`` and ``offsets``, line by line in a fixed order.
  var digest: String

  init(region: String, taken: String, _ stands: [GroupStand]) {
    self.region = region
    self.taken = taken
    groups = stands.map(\.position)
    offsets = stands.contains { $0.offsets != nil } ? stands.compactMap(\.offsets) : nil
    digest = Self.digest(of: groups, offsets)
  }

  /// Whether the positions are those that were written down.
  var isWhole: Bool { digest == Self.digest(of: groups, offsets) }

  /// Position and offsets of each group.
  var stands: [GroupStand] {
    groups.map { group in
      GroupStand(region: region, position: group, offsets: offsets?.first { $0.group == group.group })
    }
  }

  private static func digest(of groups: [GroupPosition], _ offsets: [KafkaGroupOffsets]?) -> String {
    let lines = groups.map { group in
      let applied = group.applied.sorted { $0.key < $1.key }.map { producer, ranges in
        "\(producer):\(ranges.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ","))"
      }
      return "\(group.group) \(group.ordinal) \(group.last.map { "\($0)" } ?? "-") \(applied.joined(separator: " "))\n"
    }
    let own = (offsets ?? []).map { "\($0.group) \($0.digest)\n" }
    return sha256(Array((lines + own).joined().utf8))
  }
}

/// Consumer groups on their way from one store to another.
extension StackOperator {
  private func path(_ snapshot: String) -> String { "\(run.request.directory.path)/offsets-\(snapshot).json" }

  /// Writes positions down. The groups must stand still, or what is written is not where they are.
  func export(_ offsets: Offsets) async throws -> String {
    let groups = offsets.names.isEmpty ? run.groups(reading: offsets.region) : offsets.names
    guard !groups.isEmpty else { throw StepFailure("no consumer reads the store of \(offsets.region)") }
    let moving = groups.filter { !run.traffic.isPaused(group: $0) }
    guard moving.isEmpty else {
      throw StepFailure("\(moving.joined(separator: ", ")) goes on reading: pause it before its position is exported")
    }
    let stands = try await stack.stands(of: groups, in: offsets.region)
    let file = PositionFile(region: offsets.region, taken: timestamp(run.timebase.wall()), stands)
    try writeFile(path(offsets.snapshot), encodeJSON(file, pretty: true))
    let texts = file.groups.map { "\($0.group) at \($0.ordinal) (\($0.last.map { "\($0)" } ?? "nothing"))" }
    return "\(texts.joined(separator: ", ")); digest \(file.digest.prefix(12))"
  }

  /// Sets positions to what was written down, translated by event. Refused while the store lacks an event that a group has
  /// applied: from there on the translation would skip what comes late.
  func importOffsets(_ offsets: Offsets) async throws -> String {
    let file: PositionFile
    do { file = try decodeJSON(PositionFile.self, from: readFile(path(offsets.snapshot))) } catch {
      throw StepFailure("there is no export '\(offsets.snapshot)': \(error)")
    }
    guard file.isWhole else {
      throw StepFailure("the export '\(offsets.snapshot)' was altered: its digest is another")
    }
    let stands = file.stands.filter { offsets.names.isEmpty || offsets.names.contains($0.position.group) }
    let groups = stands.map(\.position.group)
    let moving = groups.filter { !run.traffic.isPaused(group: $0) }
    guard moving.isEmpty else {
      throw StepFailure("\(moving.joined(separator: ", ")) goes on reading: pause it before its position is set")
    }
    var texts: [String] = []
    for stand in stands {
      let imported = try await stack.place(stand, in: offsets.region)
      texts.append(
        "\(stand.position.group) at \(imported.ordinal) (\(imported.last.map { "\($0)" } ?? "nothing")), "
          + "\(max(0, imported.again)) come again")
    }
    try await run.journal.record(ConsumersMoved(store: offsets.region, groups: groups, digest: file.digest))
    run.traffic.read(groups, from: offsets.region)
    return texts.joined(separator: ", ")
  }
}
