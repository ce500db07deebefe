/// Where in a mirror something is found: its direction and the partition.
struct MirrorPlace: Sendable, Hashable, CustomStringConvertible {
  var flow: MirrorDirection
  var partition: String

  var description: String { partition.isEmpty ? flow.description : "\(flow) \(partition)" }
}

/// The findings of a check until they are drained. The first ``limit`` are kept, the others counted: a mirror that loses a
/// million records says no more by the thousand and first.
struct FindingBuffer: Sendable {
  static let limit = 1000

  private var found: [Finding] = []
  private var kept = 0
  private(set) var total = 0
  /// The first positions of the findings: the offsets that were convicted.
  private(set) var offsets: Set<Int64> = []

  mutating func add(_ finding: Finding) {
    total += 1
    guard kept < Self.limit else { return }
    kept += 1
    if let offset = finding.positions.first { offsets.insert(offset) }
    found.append(finding)
  }

  mutating func drain() -> [Finding] {
    defer { found = [] }
    return found
  }
}
