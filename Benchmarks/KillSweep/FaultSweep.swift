internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// How often which faults are killed.
struct FaultSweepRequest: Sendable {
  var tool: String
  var rounds: Int
  var seed: UInt64
  var faults: [SweptFault]

  /// Reads the words after `fault-sweep`.
  init(_ words: [String]) throws {
    let words = try Words(words, options: ["--tool", "--rounds", "--seed"])
    faults = try words.names.map { name in
      guard let fault = SweptFault(rawValue: name) else {
        throw Problem(
          .usage, "there is no fault '\(name)' to sweep",
          fix: "faults: \(SweptFault.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return fault
    }
    if faults.isEmpty { faults = SweptFault.allCases }
    rounds = try words.number("--rounds", in: 1...1000, standard: 1)
    seed = try words.number("--seed", in: 0 ... .max, standard: standardSeed)
    tool = try toolPath(words.text("--tool"))
  }
}

/// Kills whoever holds a fault at every step of every kind of fault, and reports what remained and for how long.
///
/// - Returns: whether nothing did for longer than it may.
func sweepFaults(_ request: FaultSweepRequest) async throws -> Bool {
  guard geteuid() == 0 else {
    throw Problem(.usage, "fault-sweep needs root; nothing was done", fix: "run it with sudo")
  }
  print(try machineLine(seed: request.seed))
  return try await withWorkspace { workspace in
    try await withNodes(2) { nodes in
      let (able, unable) = try sweepable(request.faults, on: nodes[0], peers: nodes[1].addresses)
      for line in unable { print(line) }
      let plans = FaultKillPlan.all(able, rounds: request.rounds, seed: request.seed)
      print("fault-sweep: \(plans.count) kills of \(able.count) kinds of fault")
      let before = try NodeSnapshot(of: nodes[0].namespace)
      var kills: [FaultKill] = []
      for (index, plan) in plans.enumerated() {
        let victim = SweptVictim(
          plan: plan, nodes: nodes, tool: request.tool, directory: "\(workspace)/\(index)", before: before)
        let kill = try await victim.run()
        kills.append(kill)
        if !kill.faults.isEmpty {
          print(
            "FAILED \(plan.fault.rawValue), \(plan.party.rawValue) at \(plan.step.rawValue) +\(plan.delay.brief): "
              + kill.faults.joined(separator: "; "))
        }
        fflush(nil)
      }
      return summarize(kills)
    }
  }
}

/// Which of the faults this node can have, and why it cannot have the others.
private func sweepable(
  _ faults: [SweptFault], on node: BenchNode, peers: [IPAddress]
) throws -> ([(SweptFault, hasDevices: Bool)], [String]) {
  let profile = try NodeProfile(reading: node.namespace)
  var able: [(SweptFault, hasDevices: Bool)] = []
  var unable: [String] = []
  for fault in faults {
    do {
      let compiled = try fault.fault(on: node.name, peers: peers).compile(for: profile)
      able.append((fault, hasDevices: !compiled.scaffolds.isEmpty))
    } catch {
      guard case .unsupported(let why) = error.reason else { throw error }
      unable.append("not on this kernel: \(fault.rawValue): \(why)")
    }
  }
  return (able, unable)
}

private func summarize(_ kills: [FaultKill]) -> Bool {
  var table = TextTable([.left, .left, .right, .right, .right, .right, .left, .left])
  table.add("fault", "killed", "kills", "in force", "effect gone", "devices gone", "remained", "after recover")
  var order: [[String]] = []
  for kill in kills {
    let key = [kill.plan.fault.rawValue, kill.plan.party.rawValue]
    if !order.contains(key) { order.append(key) }
  }
  for key in order {
    let group = kills.filter { [$0.plan.fault.rawValue, $0.plan.party.rawValue] == key }
    let inForce = group.filter { !$0.before.tables.isEmpty }
    let hadDevices = group.filter { !$0.before.devices.isEmpty }
    let remained = Set(group.filter { !$0.remained.isEmpty }.map(\.remained.brief)).sorted()
    let left = Set(group.filter { !$0.left.isEmpty }.map(\.left.brief)).sorted()
    table.add(
      key[0], key[1], "\(group.count)", "\(inForce.count)", worst(inForce.map(\.effectGone)),
      hadDevices.isEmpty
        ? "-" : key[1] == SweptParty.both.rawValue ? "by recover" : worst(hadDevices.map(\.devicesGone)),
      remained.isEmpty ? "nothing" : remained.joined(separator: " or "),
      left.isEmpty ? "nothing" : left.joined(separator: " or "))
  }
  print("")
  for line in table.lines { print(line) }
  let bad = kills.count { !$0.faults.isEmpty }
  print(
    bad == 0
      ? "\n\(kills.count) kills: nothing had an effect for longer than it may, and nothing is left."
      : "\n\(bad) of \(kills.count) kills left something.")
  return bad == 0
}

/// The longest of some times.
private func worst(_ times: [Int64?]) -> String {
  if times.isEmpty { return "-" }
  return times.contains(nil) ? "never" : "≤ \(brief(times.compactMap { $0 }.max()))"
}
