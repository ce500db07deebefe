internal import Support

/// What happens to processes themselves.
public enum ProcessDisturbance: Sendable, Hashable, Codable {
  /// They end at once (SIGKILL), once. What brings them back is whoever supervises them.
  case kill
  /// They are asked to end (SIGTERM), and ended after the grace if they have not, once.
  case terminate(graceMilliseconds: Int64)
  /// They end at once, and again whenever they are back, looked for every so often.
  case restartLoop(everyMilliseconds: Int64)
  /// They stand still, all threads of them; `nil` leaves it to the node how.
  case pause(Pause?)
  /// They get no more than this share of one processor, in thousandths.
  case throttle(processorPermille: UInt32)
  /// They are slowed down, and their memory taken from them, while they use more than so many bytes.
  case squeeze(memoryBytes: UInt64)

  /// How processes are made to stand still.
  public enum Pause: String, Sendable, Hashable, Codable, CaseIterable {
    /// By ptrace: ends with its tracer. No debugger can be attached meanwhile.
    case trace
    /// By the freezer of their control group: invisible to their parents, catches what they fork.
    case freezer
    /// By SIGSTOP: their parents see it, and anybody's SIGCONT ends it.
    case stop
  }

  /// What is wrong with it, in words; `nil` if nothing is.
  var mistake: String? {
    switch self {
    case .kill, .pause: nil
    case .terminate(let grace):
      (0...600_000).contains(grace) ? nil : "a grace of \(grace) ms is not within 0 and 10 minutes"
    case .restartLoop(let every):
      (50...3_600_000).contains(every) ? nil : "every \(every) ms is not within 50 ms and 1 hour"
    case .throttle(let share):
      (10...64_000).contains(share) ? nil : "\(share) thousandths of a processor are not within 10 (1 %) and 64,000"
    case .squeeze(let bytes):
      bytes >= 1 << 20 ? nil : "\(bytes) bytes of memory are less than 1 MiB, with which no program lives"
    }
  }
}

extension ProcessDisturbance: CustomStringConvertible {
  /// What it does, to be followed by whom: `pauses`.
  public var description: String {
    switch self {
    case .kill: "kills"
    case .terminate(let grace): "terminates, with a grace of \(Duration.milliseconds(grace).brief),"
    case .restartLoop(let every): "kills, and again every \(Duration.milliseconds(every).brief) when back,"
    case .pause: "pauses"
    case .throttle(let share): "limits to \(fixed(Double(share) / 10, 1)) % of a processor"
    case .squeeze(let bytes): "squeezes into \(bytes >> 20) MiB of memory"
    }
  }
}
