internal import Glibc
internal import Support
internal import Synchronization

/// Sets the clock of the machine that this runs on, and its rate, by one call of the kernel.
final class NodeClockMechanism: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let change: NodeClockChange
  private let clock = NodeClock()
  private let promised: NodeClockUndo
  private let tally = Mutex(InnerCounters(meant: 1))

  /// Looks, and changes nothing.
  ///
  /// - Throws: ``FaultError`` where it was not permitted, the node shares its clock with others, or somebody keeps the clock.
  init(_ order: InnerOrder, _ change: NodeClockChange) throws {
    guard order.scope.namespace == nil else {
      throw order.refusal(
        .unsupported("the node is a network namespace, and its clock is this machine's and that of all other nodes"))
    }
    guard order.scope.permitsNodeClock else {
      throw order.refusal(.unsupported("nobody permitted this node's clock to be set"))
    }
    choice = try change.plan(order.fault, on: InnerProfile()).mechanisms[0]
    self.order = order
    self.change = change
    let (reading, state) = try clock.read()
    guard state.status.contains(.unsynchronized), !state.status.contains(.steered), state.pending == 0 else {
      throw order.refusal(
        .unsupported("somebody keeps this node's clock (status 0x\(String(state.status.rawValue, radix: 16)))"))
    }
    guard let rate = reading.rate.changed(byPartsPerBillion: change.driftPartsPerBillion) else {
      throw order.refusal(.unsupported("the kernel takes no such rate beside the one that the clock has"))
    }
    promised = NodeClockUndo(before: reading, offset: change.offsetNanoseconds, rate: rate)
  }

  var changes: [String] { ["\(change) for the clock of the whole node"] }

  var undo: [UndoAction] { [.nodeClock(promised)] }

  var counters: InnerCounters { tally.withLock { $0 } }

  func make() throws -> [String] {
    try clock.ask(promised.change)
    if let missing = try look() { throw SystemError("clock_adjtime", missing, number: EIO) }
    let now = try clock.read().reading
    tally.withLock { tally in
      tally.reached = 1
      tally.hits = 1
      tally.particulars["clocks set"] = 1
    }
    return ["the node's clock: \(promised.words(now))"]
  }

  func look() throws -> String? {
    let now = try clock.read().reading
    let slack = promised.before.uncertainty + now.uncertainty + 1_000
    if now.rate != promised.rate { return "somebody else has set the rate of the node's clock" }
    if (promised.step(now) - promised.offset).magnitude > slack { return "somebody else has set the node's clock" }
    return nil
  }

  func takeAway() throws -> [String] { try promised.takeBack(clock).evidence }
}

extension InnerProfile {
  /// Asks this machine whether its clock could be set. Changes nothing.
  mutating func addNodeClockAbility() {
    do {
      _ = try NodeClock().read()
      answers[.nodeClock] =
        geteuid() == 0
        ? .there("clock_adjtime; only where a scenario allows it, and never in a lab")
        : .missing("setting it needs root")
    } catch {
      answers[.nodeClock] = .missing("\(error)")
    }
  }
}
