internal import Lab
internal import Support

extension DrillRun {
  /// Starts servers again that a fault ended, as its scenario says, and ends the run when one ends that no fault was to
  /// end: what is measured after that is another system.
  func supervise(_ lab: Lab) async throws {
    let (losses, loss) = AsyncStream.makeStream(of: Problem.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        await lab.superviseServers(clock: self.clock) { ended in
          do { return try await self.successor(of: ended, in: lab) } catch is CancellationError {
            return nil
          } catch let problem as Problem {
            loss.yield(problem)
          } catch {
            loss.yield(Problem(.aborted, at: "\(ended.region) \(ended.kind.rawValue)", "\(error)"))
          }
          return nil
        }
      }
      for await problem in losses { throw problem }
    }
  }

  /// The server that takes the place of one that ended; `nil` if none is to.
  ///
  /// - Throws: ``Problem`` (aborted) if no fault was to end it.
  private func successor(of ended: ServerEnded, in lab: Lab) async throws -> LabServer? {
    let since = timebase.monotonic()
    let planned = endings.ending(of: ended.region, ended.kind, now: since)
    try await journal.record(
      ServerLost(
        region: ended.region, server: ended.kind.rawValue, end: ended.end.map { "\($0)" } ?? "ended",
        fault: planned?.fault))
    guard let planned else {
      var problem = ended.problem(.aborted)
      problem.what +=
        "\nThe run ends early: what would be measured now is another system"
      throw problem
    }
    guard let delay = planned.restart else { return nil }
    try await clock.sleep(for: delay)
    let server: LabServer
    do { server = try await lab.restart(ended.server, clocks: planned.clocks) } catch let problem as Problem {
      throw Problem(
        .aborted, at: problem.place,
        "it was to be started again \(delay.text) after '\(planned.fault)' had ended it: "
          + "\(problem.what)", fix: problem.fix)
    }
    try await journal.record(
      ServerRestarted(
        region: ended.region, server: ended.kind.rawValue, fault: planned.fault, away: timebase.monotonic() - since,
        clocks: planned.clocks.map { "\($0)" }))
    return server
  }
}
