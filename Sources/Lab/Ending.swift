internal import Glibc
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
/// - Parameter grace: how long PostgreSQL may take for its immediate shutdown, in which it gives back its shared memory;
///   the others' data go away with them, so they get SIGKILL at once.
/// - Throws: ``SystemError`` when the kernel refuses a signal.
func endProcesses(grace: Duration, found: () throws -> [LabProcess]) throws -> Ending {
  var ended: [String] = []
  // Rounds, for PostgreSQL may fork while we look.
  for round in 0..<8 {
    let left = try found()
    if left.isEmpty { return .gone(ended) }
    for process in left {
      try process.process.send(round == 0 && process.command == "postgres" ? Signal.quit : Signal.kill)
      if round == 0 { ended.append("process \(process.command) (\(process.process)) in \(process.place)") }
    }
    let deadline = Timebase.system.monotonic() + (round == 0 ? grace : .milliseconds(500)).nanoseconds
    for process in left {
      _ = process.process.waitUntilGone(limit: .nanoseconds(max(0, deadline - Timebase.system.monotonic())))
    }
  }
  let left = try found()
  if left.isEmpty { return .gone(ended) }
  return .left(left.map { "process \($0.command) (\($0.process))" }.joined(separator: ", "))
}

/// Removes the System V segment that a killed PostgreSQL left: line 7 of its `postmaster.pid` has key and id.
///
/// - Returns: what was removed; `nil` if there was nothing.
func removeSegment(ofServerAt data: String) throws -> String? {
  var information = stat()
  let file = "\(data)/postmaster.pid"
  guard stat(data, &information) == 0, fileExists(file) else { return nil }
  let lines = String(decoding: try readFile(file, limit: 4096), as: UTF8.self)
    .split(separator: "\n", omittingEmptySubsequences: false)
  guard lines.count >= 7 else { return nil }  // killed before it had any
  let words = lines[6].split(separator: " ")
  guard words.count == 2, let key = Int64(words[0]), let id = Int32(words[1]) else { return nil }
  let removed = try removeSharedMemory(id: id, key: key, creator: information.st_uid)
  return removed ? "shared memory segment \(id)" : nil
}
