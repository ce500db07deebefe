internal import Support

/// Who is killed, or how.
enum SweptParty: String, Sendable {
  /// The process that holds the fault: SIGKILL.
  case agent = "agent"
  /// Its guardian, and right after it the agent.
  case both = "agent and guardian"
  /// The agent is stopped and does not come back: a process that hangs.
  case stopped = "agent stopped"
}

/// One kill that is to be made.
struct FaultKillPlan: Sendable {
  var fault: SweptFault
  var step: SweepStep
  var party: SweptParty
  /// How long after the record is seen.
  var delay: Duration

  /// Every step of every fault, with delays drawn from `seed`; faults with devices also together with their guardian.
  ///
  /// - Parameters:
  ///   - faults: the faults that this node can have, and whether they have devices.
  ///   - rounds: how often each, with other delays.
  static func all(_ faults: [(SweptFault, hasDevices: Bool)], rounds: Int, seed: UInt64) -> [FaultKillPlan] {
    var random = SeededRandom(seed: seed, for: "fault-sweep")
    return faults.flatMap { fault, hasDevices in
      (0..<rounds).flatMap { _ -> [FaultKillPlan] in
        let parties: [SweptParty] = hasDevices ? [.agent, .both] : [.agent]
        var plans = SweepStep.allCases.filter { hasDevices || !$0.isOfUndoJournal }.flatMap { step in
          parties.map { party in
            // A record is seen within 0.3 ms; what follows it takes some milliseconds.
            FaultKillPlan(
              fault: fault, step: step, party: party,
              delay: .microseconds(Int64.random(in: 0...3_000, using: &random)))
          }
        }
        plans.append(FaultKillPlan(fault: fault, step: .held, party: .stopped, delay: .zero))
        return plans
      }
    }
  }
}

/// What became of it. Times are nanoseconds from just before the signal was sent.
struct FaultKill: Sendable {
  var plan: FaultKillPlan
  /// What was there just before.
  var before: FaultRemains
  /// Until no table was left; of a stopped agent, until packets passed again. `nil` if that did not come in time.
  var effectGone: Int64?
  /// Until no device was left.
  var devicesGone: Int64?
  /// What was there when the time was over, or all was gone.
  var remained: FaultRemains
  /// What was there after `recover`.
  var left: FaultRemains
  /// How the node differed then from what it was before the fault.
  var difference: [String]
  /// What `recover` reported as impossible.
  var problem: String?

  /// What is wrong with it; empty if all is as it must be.
  var faults: [String] {
    var found: [String] = []
    if plan.step.isInForce && before.tables.isEmpty { found.append("no fault was in force, so nothing was measured") }
    if effectGone == nil { found.append("it still had its effect after the limit: \(remained.tables)") }
    // With both dead nobody is left to take devices away: they have no effect, and recover removes them.
    if plan.party != .both && devicesGone == nil { found.append("devices were left: \(remained.devices)") }
    if let problem { found.append("recover: \(problem)") }
    if !left.isEmpty { found.append("left after recover: \(left.brief)") }
    if !difference.isEmpty { found.append("the node differs: \(difference)") }
    return found
  }
}
