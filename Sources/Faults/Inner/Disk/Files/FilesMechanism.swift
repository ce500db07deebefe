internal import Support
internal import Synchronization

/// Rules in force on a prepared directory. Its own process ends them with the lease; nothing of ours remains.
final class FilesMechanism: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let rules: [FileRule]
  private let directory: PreparedDirectory
  private let tally = Mutex(InnerCounters(meant: 1))

  init(_ order: InnerOrder, _ choice: MechanismChoice, _ wanted: DirectoryRules) throws(FaultError) {
    self.order = order
    self.choice = choice
    rules = wanted.rules
    guard let directory = order.scope.disks?.prepared(at: wanted.directory) else {
      let others = order.scope.disks?.prepared.map(\.path) ?? []
      throw order.refusal(
        .unsupported(
          "\(wanted.isNamed ? "" : "directory ")\(wanted.place) is not prepared for disk faults, which must be done before what uses it is "
            + "started; prepared here: \(others.isEmpty ? "none" : others.joined(separator: ", "))"))
    }
    if let defect = directory.defect() {
      throw order.refusal(.unsupported("directory \(directory.path) cannot be disturbed: \(defect)"))
    }
    self.directory = directory
  }

  var changes: [String] { rules.map { "below \(directory.path): \($0)" } }

  var undo: [UndoAction] { [] }

  var counters: InnerCounters { tally.withLock { $0 } }

  func make() throws -> [String] {
    if let other = try directory.state().fault, other != order.fault.id {
      throw order.refusal(.invalid("fault \"\(other)\" has rules in force below \(directory.path) already"))
    }
    let begun = order.timebase.monotonic()
    try directory.arm(
      order.fault.id, rules, seed: order.fault.seed,
      until: begun + order.fault.timing.silenceMilliseconds * 1_000_000)
    let took = Duration.nanoseconds(order.timebase.monotonic() - begun).brief
    tally.withLock { $0.reached = 1 }
    return ["the mount on \(directory.path) shows \(rules.count) rules in force, read back through it after \(took)"]
  }

  func prolong(until: Int64) throws { _ = try directory.prolong(until: until) }

  func look() throws -> String? {
    if let defect = directory.defect() { return "\(directory.path): \(defect)" }
    let state = try directory.state()
    count(state)
    guard state.fault == order.fault.id else { return "somebody ended the rules below \(directory.path)" }
    return state.isInForce ? nil : "the rules below \(directory.path) lapsed, for no heartbeat came in time"
  }

  private func count(_ state: PassThroughState) {
    guard state.fault == order.fault.id else { return }
    tally.withLock { tally in
      tally.reached = state.isInForce ? 1 : 0
      tally.hits = state.tallies.reduce(0) { $0 + $1.hit }
      tally.particulars["operations matched"] = state.tallies.reduce(0) { $0 + $1.matched }
      tally.particulars["operations disturbed"] = tally.hits
    }
  }

  func takeAway() throws -> [String] {
    if let defect = directory.defect() {
      // With its process its rules are gone; what is left is a path that answers nothing.
      try directory.unmount(lazily: true)
      return ["\(directory.path) is unmounted, for \(defect)"]
    }
    if let other = try directory.state().fault, other != order.fault.id {
      return ["the rules below \(directory.path) were another fault's by then"]
    }
    count(try directory.disarm())
    return ["the mount on \(directory.path) shows no rules, read back through it"]
  }
}
