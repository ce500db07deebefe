internal import Glibc

/// Wakes one waiting thread from any other. Waits on the monotonic clock, so a skewed wall clock does not move it.
///
/// `@unchecked Sendable`: the two pointers never change, what they point to is only touched through pthread calls, and
/// `rung` only under the mutex.
final class Bell: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var rung = false

  init() {
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    let made = pthread_mutex_init(mutex, nil) == 0 && pthread_cond_init(condition, &attributes) == 0
    // On Linux both only fill in memory that is ours; a failure would be a bug here.
    precondition(made, "a mutex or a condition variable could not be initialised")
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Ends the current wait, or the next one if nobody waits now.
  func ring() {
    pthread_mutex_lock(mutex)
    rung = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Returns when the bell was rung since the last wait, or after `milliseconds`.
  func wait(milliseconds: Int) {
    var deadline = timespec()
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    let nanoseconds = deadline.tv_nsec + milliseconds % 1000 * 1_000_000
    deadline.tv_sec += milliseconds / 1000 + nanoseconds / 1_000_000_000
    deadline.tv_nsec = nanoseconds % 1_000_000_000
    pthread_mutex_lock(mutex)
    // 0 is a signal or a spurious wake-up; anything else is the deadline.
    while !rung, pthread_cond_timedwait(condition, mutex, &deadline) == 0 {}
    rung = false
    pthread_mutex_unlock(mutex)
  }
}
