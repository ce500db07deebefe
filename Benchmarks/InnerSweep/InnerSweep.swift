internal import Faults
internal import Glibc
internal import Support

/// How often which faults inside a node are killed.
struct InnerSweepRequest: Sendable {
  var tool: String
  var rounds: Int
  var seed: UInt64
  var kinds: [SweptInner]

  /// Reads the words after `inner-sweep`.
  init(_ words: [String]) throws {
    let words = try Words(words, options: ["--tool", "--rounds", "--seed"])
    kinds = try words.names.map { name in
      guard let kind = SweptInner(rawValue: name) else {
        throw Problem(
          .usage, "there is no fault '\(name)' to sweep",
          fix: "faults: \(SweptInner.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return kind
    }
    if kinds.isEmpty { kinds = SweptInner.allCases }
    rounds = try words.number("--rounds", in: 1...1000, standard: 1)
    seed = try words.number("--seed", in: 0 ... .max, standard: standardSeed)
    tool = try toolPath(words.text("--tool"))
  }
}

/// Kills whoever holds a fault inside a node at every step of every kind, and reports what remained and for how long.
///
/// - Returns: whether nothing did for longer than it may.
func sweepInside(_ request: InnerSweepRequest) async throws -> Bool {
  guard geteuid() == 0 else {
    throw Problem(.usage, "inner-sweep needs root; nothing was done", fix: "run it with sudo")
  }
  print(try machineLine(seed: request.seed))
  return try await withWorkspace { workspace in
    var outcomes: [InnerKillOutcome] = []
    var number = 0
    for kill in InnerKill.all(request.kinds, rounds: request.rounds, seed: request.seed) {
      number += 1
      let target = try await SweptTarget(kill.kind, number: number, workspace: "\(workspace)/target-\(number)")
      do {
        if target.canHaveIt {
          let victim = InnerSweptVictim(
            kill: kill, target: target, tool: request.tool, directory: "\(workspace)/\(number)")
          let outcome = try await victim.run()
          outcomes.append(outcome)
          for fault in outcome.faults {
            print(
              "FAILED \(kill.kind.rawValue), \(kill.party.rawValue) at \(kill.step.rawValue) +\(kill.delay.brief): \(fault)"
            )
          }
        } else if kill.step == .arming, kill.party == .agent {
          print("not on this machine: \(kill.kind.rawValue)")
        }
      } catch {
        try await target.close()
        throw error
      }
      try await target.close()
      fflush(nil)
    }
    return summarize(outcomes)
  }
}

private func summarize(_ outcomes: [InnerKillOutcome]) -> Bool {
  var table = TextTable([.left, .left, .right, .right, .right, .right, .left, .left])
  table.add("fault", "killed", "kills", "in force", "free after", "clock right", "remained", "recover said")
  for kind in SweptInner.allCases {
    for party in [SweptParty.agent, .both, .stopped] {
      let group = outcomes.filter { $0.kill.kind == kind && $0.kill.party == party }
      guard !group.isEmpty else { continue }
      let inForce = group.filter { $0.before != "nothing" }
      let freed = inForce.compactMap(\.free)
      let rights = inForce.filter { $0.before.contains("wrong") }.compactMap(\.right)
      let remained = Set(group.filter { $0.free == nil }.map(\.remained)).sorted()
      // What the target is called and its number differ from kill to kill.
      let said = Set(
        group.flatMap(\.recovered).map { line in
          line.split(separator: " ").prefix(3).filter { !$0.contains("/") && !$0.hasPrefix("blackstart-") }
            .joined(separator: " ")
        }
      ).sorted()
      table.add(
        kind.rawValue, party.rawValue, "\(group.count)", "\(inForce.count)",
        freed.isEmpty ? "-" : "≤ \(brief(freed.max()))", rights.isEmpty ? "-" : "≤ \(brief(rights.max()))",
        remained.isEmpty ? "nothing" : remained.joined(separator: " or "),
        said.isEmpty ? "nothing" : said.joined(separator: " | "))
    }
  }
  print("")
  for line in table.lines { print(line) }
  let bad = outcomes.count { !$0.faults.isEmpty }
  print(
    bad == 0
      ? "\n\(outcomes.count) kills: nothing was held for longer than its lease and a second, and nothing is left."
      : "\n\(bad) of \(outcomes.count) kills left something.")
  return bad == 0
}
