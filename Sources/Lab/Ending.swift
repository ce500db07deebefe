internal import Support

/// How ending processes came out.
enum Ending: Sendable, Hashable {
  /// All are gone; what was ended, in words.
  case gone([String])
  /// These are left though they were sent SIGKILL.
  case left(String)
}

/// Ends every process that `found` finds, again and again until it finds none. Blocks.
///
/// SIGKILL for all: their data go away with them, and an orderly shutdown of PostgreSQL takes more than a second on a
/// busy machine. What it cannot give back then, ``removeSharedMemory(ofServerAt:)`` does.
///
/// - Throws: ``SystemError`` when the kernel refuses a signal.
func endProcesses(_ found: () throws -> [LabProcess]) throws -> Ending {
  var ended: [String] = []
  var left = try found()
  // Rounds, for PostgreSQL may fork while we look.
  for _ in 0..<8 {
    if left.isEmpty { return .gone(ended) }
    for process in left {
      try process.process.send(Signal.kill)
      let words = "process \(process.command) (\(process.process)) in \(process.place)"
      if !ended.contains(words) { ended.append(words) }
    }
    let deadline = Timebase.system.monotonic() + 1_000_000_000
    for process in left {
      _ = process.process.waitUntilGone(limit: .nanoseconds(max(0, deadline - Timebase.system.monotonic())))
    }
    left = try found()
  }
  return left.isEmpty
    ? .gone(ended) : .left(left.map { "process \($0.command) (\($0.process))" }.joined(separator: ", "))
}
