internal import CKernel
internal import Glibc
internal import Support

/// A timer of the kernel that makes a descriptor readable at a moment on the monotonic clock, to the microsecond where
/// the timeouts of waiting calls are late by the thread's slack of 50 µs.
struct DueTimer: ~Copyable {
  let fileDescriptor: Int32
  private var armed: Int64?

  init() throws(SystemError) {
    fileDescriptor = bs_timer()
    guard fileDescriptor >= 0 else { throw SystemError("timerfd_create") }
  }

  deinit {
    close(fileDescriptor)
  }

  /// Takes note of a firing and sets the next one; `nil` for none.
  ///
  /// In this order: a reading that came after the setting would swallow a moment that is past already, and the packet due
  /// then would wait for the next one to arrive.
  mutating func set(_ due: Int64?, hasFired: Bool) throws(SystemError) {
    if hasFired {
      var count: UInt64 = 0
      // Nothing to read is nothing to take note of.
      _ = read(fileDescriptor, &count, 8)
      armed = nil
    }
    guard due != armed else { return }
    // 0 would switch it off, and every moment before now is the same.
    guard bs_timer_set(fileDescriptor, due.map { max(1, $0) } ?? 0) == 0 else { throw SystemError("timerfd_settime") }
    armed = due
  }
}
