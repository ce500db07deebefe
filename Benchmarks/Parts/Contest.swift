internal import Faults
internal import Support

/// Several ways to arm and disarm the same faults, taken turn by turn in a random order, so that whatever else the
/// machine does meanwhile falls on all of them.
struct Contest: Sendable {
  /// Ours first: the others' figures are ratios to it.
  var makers: [any RuleMaker]
  /// The faults, one a node at most: they are armed at the same time.
  var faults: [Fault]
  /// Called after arming (true) and disarming (false) in a first round that is not counted; throws if it did not work.
  var verify: @Sendable (_ isArmed: Bool) async throws -> Void

  /// Runs `rounds` rounds.
  ///
  /// - Returns: a figure of arming for each maker, then one of disarming; then both of each by itself, round after round:
  ///   what one leaves in the processor's caches, and to the kernel to be put away, is then no other's burden.
  func run(_ what: String, rounds: Int, random: inout SeededRandom) async throws -> [Figure] {
    for maker in makers {
      _ = try await each(maker.arm)
      try await verify(true)
      _ = try await each(maker.disarm)
      try await verify(false)
    }
    let none = [Samples](repeating: Samples(), count: makers.count)
    var (inTurn, alone) = ((arm: none, disarm: none), (arm: none, disarm: none))
    for _ in 0..<rounds {
      for index in makers.indices.shuffled(using: &random) {
        inTurn.arm[index].add(try await each(makers[index].arm))
        inTurn.disarm[index].add(try await each(makers[index].disarm))
      }
    }
    for index in makers.indices {
      for _ in 0..<rounds {
        alone.arm[index].add(try await each(makers[index].arm))
        alone.disarm[index].add(try await each(makers[index].disarm))
      }
    }
    let notes = makers.map { maker in
      let count = faults.map(maker.processes).reduce(0, +)
      return count == 0 ? "no process" : "\(count) process\(count == 1 ? "" : "es")"
    }
    func figures(_ verb: String, _ samples: [Samples]) -> [Figure] {
      makers.indices.map {
        Figure(what: "\(verb) \(what), \(makers[$0].name)", samples: samples[$0], base: samples[0], note: notes[$0])
      }
    }
    return figures("arm", inTurn.arm) + figures("disarm", inTurn.disarm) + figures("by itself: arm", alone.arm)
      + figures("by itself: disarm", alone.disarm)
  }

  /// Does it for all faults at the same time, as a drill does.
  ///
  /// - Returns: how long it took until the last one was done (ns).
  private func each(_ body: @escaping @Sendable (Fault) async throws -> Void) async throws -> Int64 {
    let start = Timebase.system.monotonic()
    try await withThrowingDiscardingTaskGroup { group in
      for fault in faults { group.addTask { try await body(fault) } }
    }
    return Timebase.system.monotonic() - start
  }
}
