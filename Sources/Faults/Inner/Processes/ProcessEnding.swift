internal import Support
internal import Synchronization

/// Ends processes once: at once, or with a grace.
final class ProcessEnding: Mechanism {
  let choice: MechanismChoice
  private let processes: [ProcessHandle]
  private let graceMilliseconds: Int64?
  private let timebase: Timebase
  private let tally = Mutex(InnerCounters())

  /// - Parameter graceMilliseconds: how long they have to end by themselves; `nil` for not at all.
  init(_ order: InnerOrder, _ choice: MechanismChoice, graceMilliseconds: Int64?) throws(FaultError) {
    self.choice = choice
    self.graceMilliseconds = graceMilliseconds
    timebase = order.timebase
    processes = try order.processes()
    tally.withLock { $0.meant = processes.count }
  }

  var changes: [String] {
    processes.map { process in
      graceMilliseconds.map {
        "SIGTERM to \(process.text); SIGKILL \(Duration.milliseconds($0).brief) later if it is still there"
      }
        ?? "SIGKILL to \(process.text)"
    }
  }

  var undo: [UndoAction] {
    processes.map { .processes(.nothing(what: "end of \($0.text)", why: "is for whoever supervises it to mend")) }
  }

  var longestMaking: Int64 { (graceMilliseconds ?? 0) * 1_000_000 + Self.killLimit }

  var counters: InnerCounters { tally.withLock { $0 } }

  /// How long the kernel may take to end what got SIGKILL: one that waits for a disk ends when that answers.
  private static let killLimit: Int64 = 5_000_000_000

  func make() throws -> [String] {
    let begun = timebase.monotonic()
    var evidence: [String] = []
    if let grace = graceMilliseconds {
      for process in processes { try process.send(Signal.terminate) }
      let deadline = begun + grace * 1_000_000
      let polite = processes.count { $0.waitUntilEnded(milliseconds: left(until: deadline)) }
      if polite > 0 {
        evidence.append("\(polite) of \(processes.count) processes ended within \(time(since: begun)) of SIGTERM")
      }
    }
    let survivors = processes.filter { !$0.hasEnded }
    let killed = timebase.monotonic()
    for process in survivors { try process.send(Signal.kill) }
    for process in survivors {
      guard process.waitUntilEnded(milliseconds: left(until: killed + Self.killLimit)) else {
        throw SystemError("SIGKILL", "\(process.text): it is still there", number: 16)  // EBUSY
      }
    }
    if !survivors.isEmpty {
      evidence.append(
        "\(survivors.count) of \(processes.count) processes ended within \(time(since: killed)) of SIGKILL")
    }
    tally.withLock { tally in
      tally.reached = processes.count
      tally.hits = UInt64(processes.count)
      tally.particulars = [
        "processes ended": UInt64(processes.count),
        "killed after the grace": graceMilliseconds == nil ? 0 : UInt64(survivors.count),
      ]
    }
    return evidence
  }

  /// An end cannot come undone.
  func look() throws -> String? { nil }

  func takeAway() throws -> [String] { ["nothing to take back: what ended is for its supervisor to start"] }

  private func left(until deadline: Int64) -> Int32 {
    Int32(clamping: max(0, deadline - timebase.monotonic() + 999_999) / 1_000_000)
  }

  private func time(since begun: Int64) -> String { Duration.nanoseconds(timebase.monotonic() - begun).brief }
}
