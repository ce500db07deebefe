internal import Glibc
internal import Support

/// What a program came to.
struct ProgramResult: Sendable {
  /// How it ended.
  var end: ProcessEnd
  /// What it wrote to standard output and error, at most 64 KiB of it.
  var output: String
}

/// Runs a program without a shell and waits for its end. It is the leader of a group of its own, and whatever happens, nothing
/// of the group is left when this returns: not after its deadline, and not when the caller is cancelled.
///
/// - Parameters:
///   - words: the program and its arguments; a program without a path is looked for where the system's programs are.
///   - input: what it reads from its standard input.
///   - output: the file that takes what it writes; replaced.
/// - Throws: ``DeadlineExceeded``, `CancellationError`, ``SystemError`` when it cannot be started.
func runProgram(
  _ words: [String], input: [UInt8] = [], output: String, networkNamespace: Int32?, within limit: Duration,
  clock: any Clock<Duration>
) async throws -> ProgramResult {
  guard let name = words.first else { throw SystemError("execve", "a program without a name", number: ENOENT) }
  var request = ProcessRequest(try programPath(name), Array(words.dropFirst()))
  request.networkNamespace = networkNamespace
  if unlink(output) != 0 && errno != ENOENT { throw SystemError("unlink", output) }
  request.logPath = output
  let reader = try pipe(holding: input)
  defer { close(reader) }
  request.standardInput = reader
  let child = try ChildProcess(request)
  let end: ProcessEnd
  do {
    end = try await withDeadline(limit, clock: clock, name) {
      guard let end = await child.wait() else { throw CancellationError() }
      return end
    }
  } catch {
    try await endGroup(of: child, clock)
    throw error
  }
  try await endGroup(of: child, clock)
  return ProgramResult(end: end, output: String(decoding: try readFile(output).prefix(1 << 16), as: UTF8.self))
}

/// Ends whatever is left of the group that `child` leads.
private func endGroup(of child: ChildProcess, _ clock: any Clock<Duration>) async throws {
  // The number of a group stays taken while anybody is in it. With nobody left this finds none (ESRCH).
  if kill(-child.identity.pid, SIGKILL) != 0 && errno != ESRCH && errno != EPERM {
    throw SystemError("kill", "group of \(child.identity)")
  }
  try await child.terminate(SIGKILL, clock: clock)
}

/// Where a program is that is named without a path; a path stays as it is.
///
/// - Throws: ``SystemError`` (ENOENT) where the system's programs have none of that name.
func programPath(_ name: String) throws(SystemError) -> String {
  if name.contains("/") { return name }
  for directory in ["/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
  where access("\(directory)/\(name)", X_OK) == 0 {
    return "\(directory)/\(name)"
  }
  throw SystemError("execve", name, number: ENOENT)
}

/// A pipe that holds `bytes` and then ends. They fit, or nothing is made: nobody reads yet.
private func pipe(holding bytes: [UInt8]) throws(SystemError) -> Int32 {
  var ends: [Int32] = [-1, -1]
  // No child of ours gets more than the three descriptors it is given, so these need no flag of their own.
  guard Glibc.pipe(&ends) == 0 else { throw SystemError("pipe") }
  _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
  defer { close(ends[1]) }
  guard bytes.isEmpty || write(ends[1], bytes, bytes.count) == bytes.count else {
    let error = SystemError("write", "standard input of a program")
    close(ends[0])
    throw error
  }
  return ends[0]
}
