/// M11, group-offset clobber: a group's committed offset at the target went back, or was moved by somebody else than its own
/// members while they were active there.
struct GroupClobberCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.groupOffsetClobber]

  private let place: MirrorPlace
  private var last: [String: GroupOffset] = [:]
  private var findings = FindingBuffer()
  private(set) var judged = 0

  init(_ place: MirrorPlace) { self.place = place }

  /// Looks at a group's committed offset at the target.
  mutating func take(_ offset: GroupOffset) {
    guard let value = offset.committed else { return }
    judged += 1
    defer { last[offset.group] = offset }
    guard let before = last[offset.group]?.committed, value != before else { return }
    let members = offset.members ?? 0
    let isForeign = members > 0 && (offset.generation ?? 0) < 0
    guard value < before || isForeign else { return }
    let reason =
      isForeign ? "by none of its \(counted(members, "active member"))" : "although it can only go on"
    findings.add(
      Finding(
        .groupOffsetClobber, "the offset of \(offset.group) in \(place) was moved from \(before) to \(value) \(reason)",
        store: place.flow.to, positions: [before, value]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
