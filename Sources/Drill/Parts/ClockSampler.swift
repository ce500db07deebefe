internal import Agents
internal import Faults
internal import Support

/// Asks every node for its time all through a drill, and journals how far each is from ours.
struct ClockSampler: Sendable {
  /// The nodes.
  let agents: [any Agent]
  let journal: Journal
  let timebase: Timebase
  let clock: any Clock<Duration>
  /// From the end of one look to the beginning of the next.
  var period: Duration = .seconds(1)
  /// How long a node may take to answer; no answer by then is none.
  var limit: Duration = .seconds(2)

  /// Looks again and again until cancelled.
  func run() async throws {
    while true {
      try await journal.record(try await look())
      try await clock.sleep(for: period)
    }
  }

  /// Asks all nodes side by side. One that does not answer is named, and keeps no other from being looked at.
  ///
  /// - Throws: `CancellationError` alone.
  func look() async throws -> ClocksSeen {
    var seen = ClocksSeen(clocks: [:], unanswered: nil)
    await withTaskGroup(of: (String, Result<ClocksSeen.Clock, any Error>).self) { group in
      for agent in agents {
        group.addTask(name: "clock of \(agent.node)") {
          do { return (agent.node, .success(try await self.ask(agent))) } catch { return (agent.node, .failure(error)) }
        }
      }
      for await (node, answer) in group {
        switch answer {
        case .success(let clock): seen.clocks[node] = clock
        case .failure(let error): seen.unanswered = (seen.unanswered ?? [:]).merging([node: "\(error)"]) { $1 }
        }
      }
    }
    // What was cut short by the end of the drill says nothing about a node.
    try Task.checkCancellation()
    return seen
  }

  private func ask(_ agent: any Agent) async throws -> ClocksSeen.Clock {
    let timebase = timebase
    let offset = try await withDeadline(limit, clock: clock, "the time of \(agent.node)") {
      try await agent.clockOffset(samples: 4, timebase: timebase)
    }
    guard let offset else {
      throw Problem(.inconclusive, at: agent.node, "our own clock was set back each time it was asked")
    }
    return ClocksSeen.Clock(
      offset: offset.offsetNanoseconds, uncertainty: offset.uncertaintyNanoseconds, at: offset.atNanoseconds)
  }
}

extension DrillRun {
  /// Runs `body` while the clocks of the nodes are looked at.
  func withClockSampler(_ agents: [any Agent], _ body: () async throws -> Void) async throws {
    let sampler = ClockSampler(agents: agents, journal: journal, timebase: timebase, clock: clock)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "clocks of the nodes") { try await sampler.run() }
      do { try await body() } catch {
        group.cancelAll()
        throw error
      }
      group.cancelAll()
      // It ends by being cancelled; anything else, such as a journal that takes no more, ends the run.
      do { try await group.waitForAll() } catch is CancellationError {}
    }
  }
}
