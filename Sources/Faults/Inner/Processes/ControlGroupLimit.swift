internal import Support
internal import Synchronization

/// Limits what control groups get of something, and counts how often the limit was felt.
final class ControlGroupLimit: Mechanism {
  /// Where the kernel counts how often a limit was felt.
  private struct Gauge {
    /// The file of each group.
    var file: String
    /// The figure in it.
    var figure: String
    /// What it counts, for people.
    var particular: String

    /// The sum over `groups`.
    func read(_ groups: [String]) throws(SystemError) -> UInt64 {
      var sum: UInt64 = 0
      for group in groups { sum += try statistic(figure, in: "\(group)/\(file)") }
      return sum
    }
  }

  let choice: MechanismChoice
  private let groups: [String]
  private let held: HeldValues
  private let gauge: Gauge
  private let before: UInt64
  private let tally = Mutex(InnerCounters())

  private init(_ choice: MechanismChoice, _ groups: [String], _ held: HeldValues, _ gauge: Gauge) throws {
    self.choice = choice
    self.groups = groups
    self.held = held
    self.gauge = gauge
    before = try gauge.read(groups)
  }

  /// How much of a processor they get: `processorPermille` thousandths of one.
  static func processor(
    _ order: InnerOrder, _ choice: MechanismChoice, processorPermille: UInt32
  ) throws -> ControlGroupLimit {
    let (groups, held) = try quota(order, processorPermille * 100)
    // In both versions: periods in which groups had used up what they get.
    return try ControlGroupLimit(
      choice, groups, held, Gauge(file: "cpu.stat", figure: "nr_throttled", particular: "periods throttled"))
  }

  /// How much memory they may use (bytes) before the kernel slows them down.
  static func memory(_ order: InnerOrder, _ choice: MechanismChoice, bytes: UInt64) throws -> ControlGroupLimit {
    let groups = try order.ownGroups(controller: nil, having: "memory.high")
    // The kernel shows whole pages.
    let values = try groups.map { try ControlGroupValue("\($0)/memory.high", ours: "\(bytes & ~4095)") }
    return try ControlGroupLimit(
      choice, groups, HeldValues(values: values),
      Gauge(file: "memory.events", figure: "high", particular: "times above memory.high"))
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
    let felt = try gauge.read(groups)
    var members = 0
    for group in groups { members += try ControlGroups.members(of: group).count }
    tally.withLock { tally in
      tally.meant = members
      tally.reached = members
      tally.hits = felt > before ? felt - before : 0
      tally.particulars[gauge.particular] = tally.hits
    }
  }

  func takeAway() throws -> [String] { try held.restore() }

  /// In version 2 where their groups have it, else in version 1: `microseconds` of each tenth of a second.
  private static func quota(_ order: InnerOrder, _ microseconds: UInt32) throws -> ([String], HeldValues) {
    do {
      let groups = try order.ownGroups(controller: nil, having: "cpu.max")
      return (
        groups, HeldValues(values: try groups.map { try .init("\($0)/cpu.max", ours: "\(microseconds) 100000") })
      )
    } catch let error as FaultError {
      guard case .unsupported = error.reason else { throw error }
    }
    let groups = try order.ownGroups(controller: "cpu", having: "cpu.cfs_quota_us")
    // The period first: a quota is of a period.
    let values = try groups.flatMap { group in
      [
        try ControlGroupValue("\(group)/cpu.cfs_period_us", ours: "100000"),
        try ControlGroupValue("\(group)/cpu.cfs_quota_us", ours: "\(microseconds)"),
      ]
    }
    return (groups, HeldValues(values: values))
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
