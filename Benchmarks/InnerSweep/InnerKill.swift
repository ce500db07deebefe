internal import Faults
internal import Glibc
internal import Support

/// One kill of whoever holds a fault inside a node.
struct InnerKill: Sendable {
  var kind: SweptInner
  var step: SweepStep
  var party: SweptParty
  /// How long after the record is seen.
  var delay: Duration

  /// Every step of every kind: the holder alone, and together with its guardian; and a holder that is stopped.
  static func all(_ kinds: [SweptInner], rounds: Int, seed: UInt64) -> [InnerKill] {
    var random = SeededRandom(seed: seed, for: "inner-sweep")
    return kinds.flatMap { kind in
      (0..<rounds).flatMap { _ in
        SweepStep.allCases.flatMap { step in
          [SweptParty.agent, .both].map { party in
            InnerKill(
              kind: kind, step: step, party: party,
              delay: .microseconds(Int64.random(in: 0...3_000, using: &random)))
          }
        } + [InnerKill(kind: kind, step: .held, party: .stopped, delay: .zero)]
      }
    }
  }
}

/// What became of it. Times are nanoseconds from just before the signal was sent.
struct InnerKillOutcome: Sendable {
  var kill: InnerKill
  /// What was done to the program just before.
  var before: String
  /// Until it was free again; `nil` if that did not come in time.
  var free: Int64?
  /// Until the program was told the right time again; `nil` if it was told a wrong one to the end, or never.
  var right: Int64?
  /// What was done to it when the time was over, or it was free.
  var remained: String
  /// What `recover` said.
  var recovered: [String]
  /// What was done to it after `recover`.
  var left: String
  /// What `recover` reported as impossible.
  var problem: String?

  /// What is wrong with it; empty if all is as it must be.
  var faults: [String] {
    var found: [String] = []
    if kill.step.isInForce, before == "nothing" { found.append("no fault was in force, so nothing was measured") }
    // With both dead nobody is left to take it back, unless the kernel does.
    if free == nil, kill.party != .both { found.append("it was not free within lease + 1 s: \(remained)") }
    // Whoever is dead: a skew ends by itself.
    if kill.kind.isSkew, before.contains("wrong"), right == nil {
      found.append("its clock was not right again within its silence and 1 s: \(remained)")
    }
    if let problem { found.append("recover: \(problem)") }
    if left != "nothing" {
      let said = recovered.isEmpty ? "nothing" : recovered.joined(separator: "; ")
      found.append("left after recover: \(left); it said: \(said)")
    }
    return found
  }
}

/// A process that holds one fault, followed to the step at which it is killed.
struct InnerSweptVictim: Sendable {
  let kill: InnerKill
  let target: SweptTarget
  let tool: String
  let directory: String

  private var state: String { "\(directory)/state" }

  func run() async throws -> InnerKillOutcome {
    try makeDirectory(state)
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemError("pipe") }
    defer { close(ends[1]) }
    let subject = target.subject
    var request = ProcessRequest(
      try ownPath(),
      [
        "inner-victim", kill.kind.rawValue, state, "\(directory)/journal", tool,
        "\(subject.process.pid)", "\(subject.process.startTicks)", subject.name, subject.directory,
      ])
    request.standardInput = ends[0]
    request.logPath = "\(directory)/log"
    // It sets a node's clock only where this says that the node is a guest.
    request.environment[SweptNodeClock.guestVariable] = getenv(SweptNodeClock.guestVariable).map { String(cString: $0) }
    let process: ChildProcess
    do { process = try ChildProcess(request) } catch {
      close(ends[0])
      throw error
    }
    close(ends[0])
    do {
      let outcome = try await onOwnThread("sweep") { [end = ends[1]] in try followAndKill(process, end) }
      try removeTree(directory)
      return outcome
    } catch {
      try process.send(Signal.kill)
      _ = await process.wait()
      _ = try await onOwnThread("recover") { try UndoRecovery.recover(stateDirectory: state) }
      let log = (try? readFile("\(directory)/log")) ?? []  // it may have died before it had one
      throw Problem(
        .fail, at: "\(kill.kind.rawValue) at \(kill.step.rawValue)",
        "\(error)\nit said:\n\(String(decoding: log.suffix(1000), as: UTF8.self))")
    }
  }

  private func followAndKill(_ process: ChildProcess, _ end: Int32) throws -> InnerKillOutcome {
    try waitForStep(process, end)
    usleep(UInt32(clamping: kill.delay.nanoseconds / 1000))
    let before = try target.remains(isWatched: !kill.step.isInForce)
    let killedAt = Timebase.system.monotonic()
    switch kill.party {
    case .agent: try process.send(Signal.kill)
    case .both:
      for pid in try helpers(of: state, target.directory) { _ = try ProcessIdentity(of: pid)?.send(Signal.kill) }
      try process.send(Signal.kill)
    case .stopped: try process.send(Signal.stop)
    }
    let (free, right) = try waitUntilFree(since: killedAt)
    let remained = try target.remains()
    if kill.party == .stopped { try process.send(Signal.kill) }
    guard process.identity.waitUntilGone(limit: .seconds(5)) else {
      throw Problem(.recoveryIncomplete, at: "\(process.identity)", "it ignores SIGKILL")
    }
    var problem: String?
    var recovered: [String] = []
    do { recovered = try UndoRecovery.recover(stateDirectory: state) } catch { problem = "\(error)" }
    if try !listDirectory("\(state)/faults").isEmpty { problem = problem ?? "its journal is still there" }
    return InnerKillOutcome(
      kill: kill, before: before, free: free.map { $0 - killedAt }, right: right.map { $0 - killedAt },
      remained: remained, recovered: recovered,
      left: try leftInTheEnd(), problem: problem)
  }

  /// A process that was ended has a successor that is not yet old.
  private func leftInTheEnd() throws -> String {
    for _ in 0..<100 where kill.kind.endsProcesses {
      if try target.left() == "nothing" { break }
      usleep(10_000)
    }
    return try target.left()
  }

  /// Looks until nothing is done to the program, for as long as its lease and a second; if nobody is left to take the fault
  /// back, only for what the kernel needs.
  ///
  /// - Returns: when it was free, and when it was told the right time; `nil` for what did not come.
  private func waitUntilFree(since start: Int64) throws -> (free: Int64?, right: Int64?) {
    let limit = kill.party == .both ? kill.kind.watchWithoutAnybody : SweptInner.lease + .seconds(1)
    var freeSince: Int64?
    var right: Int64?
    while true {
      let now = Timebase.system.monotonic()
      if kill.kind.isSkew { right = try target.isToldWrong() ? nil : right ?? now }
      freeSince = try target.isFree() ? freeSince ?? now : nil
      // Once more after that: what a process that is being killed had under way can still come.
      if let freeSince, now - freeSince > 50_000_000 { return (freeSince, right) }
      if now > start + limit.nanoseconds { return (freeSince, right) }
      usleep(500)
    }
  }

  /// Waits for the record, in whichever journal it is to come. From `held` on the victim is told to end its fault.
  private func waitForStep(_ process: ChildProcess, _ end: Int32) throws {
    let own = RecordFollower("\(directory)/journal")
    let undo = RecordFollower(UndoRecovery.journal(stateDirectory: state, run: "sweep", process: process.identity))
    let deadline = Timebase.system.monotonic() + 20_000_000_000
    while Timebase.system.monotonic() < deadline {
      let goesOn = process.end == nil
      for record in try own.more() + undo.more() {
        if record.type == kill.step.rawValue { return }
        if record.type == SweepStep.held.rawValue {
          var byte: UInt8 = 1
          guard write(end, &byte, 1) == 1 else { throw SystemError("write", "the victim's input") }
        }
      }
      guard goesOn else { throw Problem(.fail, "the victim ended before its step") }
      usleep(100)
    }
    throw Problem(.fail, "the victim did not come to its step")
  }
}

/// The processes that work for a victim: its guardians, by the state directory, and its pass-throughs, by what is prepared.
private func helpers(of state: String, _ directory: String) throws -> [Int32] {
  try listDirectory("/proc").compactMap { entry in
    // A process that ends while it is looked at is none that is left.
    guard let pid = Int32(entry), let bytes = try? readFile("/proc/\(pid)/cmdline", limit: 1 << 16) else { return nil }
    let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    guard words.count > 2 else { return nil }
    let isOurs =
      (words[1] == "guardian" && words[2].hasPrefix(state)) || (words[1] == "pass-through" && words[2] == directory)
    return isOurs ? pid : nil
  }
}
