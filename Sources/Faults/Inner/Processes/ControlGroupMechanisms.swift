internal import Glibc
internal import Support
internal import Synchronization

/// Holds values in files of control groups, and gives the old ones back.
struct HeldValues: Sendable {
  let values: [ControlGroupValue]

  var changes: [String] {
    values.map { "\($0.file): \($0.key.map { "\($0) " } ?? "")'\($0.original)' to '\($0.ours)'" }
  }

  var undo: [UndoAction] { values.map { .processes(.restore($0)) } }

  func set() throws {
    for value in values { try value.set() }
  }

  /// Which of them somebody changed; `nil` if none.
  func missing() throws -> String? {
    for value in values {
      let now = try value.current()
      if now != value.ours, !value.onTheWay.contains(now) { return "\(value.file) shows '\(now)', not '\(value.ours)'" }
    }
    return nil
  }

  /// Gives the old values back, all of them, whatever becomes of one.
  func restore() throws -> [String] {
    var lines: [String] = []
    var left: [String] = []
    for value in values.reversed() {
      do {
        if case .foreign(let what) = try value.restore() {
          lines.append("\(value.file) is left alone, for somebody else wrote into it: \(what)")
        } else {
          lines.append("\(value.file) shows '\(value.original)' again")
        }
      } catch {
        left.append("\(value.file): \(error)")
      }
    }
    if !left.isEmpty { throw UndoFailure(done: lines, failed: left) }
    return lines
  }
}

/// Makes whole control groups stand still.
final class FreezerPause: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let groups: [String]
  private let held: HeldValues
  private let isVersion2: Bool
  private let tally = Mutex(InnerCounters())

  init(_ order: InnerOrder, _ choice: MechanismChoice) throws {
    self.choice = choice
    self.order = order
    // Version 2 where their groups have it: its freezer lets SIGKILL through.
    var groups: [String]
    var isVersion2 = true
    do { groups = try order.ownGroups(controller: nil, having: "cgroup.freeze") } catch let error as FaultError {
      guard case .unsupported = error.reason else { throw error }
      groups = try order.ownGroups(controller: "freezer", having: "freezer.state")
      isVersion2 = false
    }
    self.groups = groups
    self.isVersion2 = isVersion2
    held = HeldValues(
      values: try groups.map { group in
        try isVersion2
          ? ControlGroupValue("\(group)/cgroup.freeze", ours: "1")
          : ControlGroupValue("\(group)/freezer.state", ours: "FROZEN", onTheWay: ["FREEZING"])
      })
    if let frozen = held.values.first(where: { $0.original == $0.ours }) {
      throw order.refusal(.invalid("\(frozen.file) shows '\(frozen.ours)' already; nobody could say who is to thaw it"))
    }
  }

  var changes: [String] { held.changes }
  var undo: [UndoAction] { held.undo }
  var counters: InnerCounters { tally.withLock { $0 } }

  func make() throws -> [String] {
    let begun = order.timebase.monotonic()
    try held.set()
    for group in groups where !(try settles { try self.isFrozen(group) }) {
      throw SystemError("freeze", "\(group): it does not come to stand still", number: EBUSY)
    }
    let took = Duration.nanoseconds(order.timebase.monotonic() - begun).brief
    try count()
    return ["\(counters.reached) processes in \(groups.joined(separator: ", ")) are frozen, after \(took)"]
  }

  func look() throws -> String? {
    try count()
    if let missing = try held.missing() { return missing }
    return try groups.first { try !isFrozen($0) }.map { "\($0) is not frozen" }
  }

  private func isFrozen(_ group: String) throws -> Bool {
    if isVersion2 {
      return String(decoding: try readFile("\(group)/cgroup.events", limit: 4096), as: UTF8.self).contains("frozen 1")
    }
    return String(decoding: try readFile("\(group)/freezer.state", limit: 64), as: UTF8.self).hasPrefix("FROZEN")
  }

  private func count() throws {
    var members = 0
    for group in groups { members += try ControlGroups.members(of: group).count }
    tally.withLock { tally in
      tally.meant = members
      tally.reached = members
      tally.hits = max(tally.hits, UInt64(members))
      tally.particulars["processes paused"] = tally.hits
    }
  }

  func takeAway() throws -> [String] {
    let lines = try held.restore()
    for group in groups where fileExists(group) {
      guard try settles({ try !self.isFrozen(group) }) else {
        throw SystemError("thaw", "\(group): it stands still", number: EBUSY)
      }
    }
    return lines
  }
}
