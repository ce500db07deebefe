internal import CKernel
internal import Support

/// Ends a wait for traced threads: at a moment, or when another thread asks for it. To be made on the thread that waits.
final class TraceAlarm: Sendable {
  private let timer: Int
  /// A wait that begins just after the interruption is interrupted by the next one.
  private static let interval: Int64 = 500_000

  init() throws(SystemError) {
    var timer = 0
    guard bs_trace_alarm(&timer) == 0 else { throw SystemError("timer_create") }
    self.timer = timer
  }

  deinit {
    bs_trace_alarm_delete(timer)
  }

  /// Interrupts from `moment` on, nanoseconds on the monotonic clock; `nil` for never.
  func set(_ moment: Int64?) {
    // It can only fail for a time or a timer that is wrong.
    let done = bs_trace_alarm_set(timer, moment.map { max(1, $0) } ?? 0, Self.interval)
    precondition(done == 0, "timer_settime")
  }

  /// Interrupts now.
  func ring() { set(1) }
}
