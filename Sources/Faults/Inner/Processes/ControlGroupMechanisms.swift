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

/// Limits how much of a processor control groups get.
final class ProcessorLimit: Mechanism {
  let choice: MechanismChoice
  private let groups: [String]
  private let held: HeldValues
  private let before: UInt64
  private let tally = Mutex(InnerCounters())

  init(_ order: InnerOrder, _ choice: MechanismChoice, processorPermille: UInt32) throws {
    self.choice = choice
    (groups, held) = try Self.limits(order, quota: processorPermille * 100)
    before = try Self.throttled(groups)
  }

  var changes: [String] { held.changes }
  var undo: [UndoAction] { held.undo }
  var counters: InnerCounters { tally.withLock { $0 } }

  func make() throws -> [String] {
    try held.set()
    try count()
    return held.values.map { "\($0.file) shows '\($0.ours)'" }
  }

  func look() throws -> String? {
    try count()
    return try held.missing()
  }

  private func count() throws {
    let periods = try Self.throttled(groups)
    var members = 0
    for group in groups { members += try ControlGroups.members(of: group).count }
    tally.withLock { tally in
      tally.meant = members
      tally.reached = members
      tally.hits = periods > before ? periods - before : 0
      tally.particulars["periods throttled"] = tally.hits
    }
  }

  func takeAway() throws -> [String] { try held.restore() }

  /// In version 2 where their groups have it, else in version 1.
  private static func limits(_ order: InnerOrder, quota: UInt32) throws -> ([String], HeldValues) {
    do {
      let groups = try order.ownGroups(controller: nil, having: "cpu.max")
      return (groups, HeldValues(values: try groups.map { try .init("\($0)/cpu.max", ours: "\(quota) 100000") }))
    } catch let error as FaultError {
      guard case .unsupported = error.reason else { throw error }
    }
    let groups = try order.ownGroups(controller: "cpu", having: "cpu.cfs_quota_us")
    // The period first: a quota is of a period.
    let values = try groups.flatMap { group in
      [
        try ControlGroupValue("\(group)/cpu.cfs_period_us", ours: "100000"),
        try ControlGroupValue("\(group)/cpu.cfs_quota_us", ours: "\(quota)"),
      ]
    }
    return (groups, HeldValues(values: values))
  }

  /// Periods in which groups had used up what they get: `nr_throttled` of cpu.stat, in both versions.
  private static func throttled(_ groups: [String]) throws(SystemError) -> UInt64 {
    var sum: UInt64 = 0
    for group in groups { sum += try statistic("nr_throttled", in: "\(group)/cpu.stat") }
    return sum
  }
}

/// Slows control groups down that use more memory than they should.
final class MemoryPressure: Mechanism {
  let choice: MechanismChoice
  private let groups: [String]
  private let held: HeldValues
  private let before: UInt64
  private let tally = Mutex(InnerCounters())

  init(_ order: InnerOrder, _ choice: MechanismChoice, memoryBytes: UInt64) throws {
    self.choice = choice
    groups = try order.ownGroups(controller: nil, having: "memory.high")
    // The kernel shows whole pages.
    held = HeldValues(
      values: try groups.map { try ControlGroupValue("\($0)/memory.high", ours: "\(memoryBytes & ~4095)") })
    before = try Self.pressed(groups)
  }

  var changes: [String] { held.changes }
  var undo: [UndoAction] { held.undo }
  var counters: InnerCounters { tally.withLock { $0 } }

  func make() throws -> [String] {
    try held.set()
    try count()
    return held.values.map { "\($0.file) shows '\($0.ours)'" }
  }

  func look() throws -> String? {
    try count()
    return try held.missing()
  }

  private func count() throws {
    let events = try Self.pressed(groups)
    var members = 0
    for group in groups { members += try ControlGroups.members(of: group).count }
    tally.withLock { tally in
      tally.meant = members
      tally.reached = members
      tally.hits = events > before ? events - before : 0
      tally.particulars["times above memory.high"] = tally.hits
    }
  }

  func takeAway() throws -> [String] { try held.restore() }

  private static func pressed(_ groups: [String]) throws(SystemError) -> UInt64 {
    var sum: UInt64 = 0
    for group in groups { sum += try statistic("high", in: "\(group)/memory.events") }
    return sum
  }
}

/// One figure of a file with lines of a name and a number; 0 if it is not there.
private func statistic(_ name: String, in file: String) throws(SystemError) -> UInt64 {
  for line in String(decoding: try readFile(file, limit: 1 << 16), as: UTF8.self).split(separator: "\n") {
    let words = line.split(separator: " ")
    if words.count == 2, words[0] == name { return UInt64(words[1]) ?? 0 }
  }
  return 0
}
