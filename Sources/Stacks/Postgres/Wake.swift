internal import Glibc
internal import Support

/// Ends the wait of another thread: a socket pair whose reading end lies in that thread's `poll`.
final class Wake: Sendable {
  /// The end that becomes readable.
  let descriptor: Int32
  private let writer: Int32

  /// Opens the pair.
  init() throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    guard socketpair(AF_UNIX, Int32(type), 0, &ends) == 0 else { throw SystemError("socketpair") }
    descriptor = ends[0]
    writer = ends[1]
  }

  deinit {
    close(descriptor)
    close(writer)
  }

  /// Wakes the waiting thread, or the next wait if there is none now. A full socket means that it is awake already.
  func signal() {
    var byte: UInt8 = 1
    _ = send(writer, &byte, 1, Int32(MSG_NOSIGNAL))
  }

  /// Forgets the signals so far.
  func drain() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(descriptor, &bytes, bytes.count) > 0 {}
  }
}

/// Why a wait ended.
enum WaitEnd {
  case ready
  case woken
  case timedOut
}

/// Waits until `descriptor` is ready for `events` (`POLLIN`, `POLLOUT`), `wake` was signalled or `deadline` has passed.
///
/// Blocks its thread. `deadline` is a time of `timebase.monotonic`; errors and hang-ups of the descriptor count as
/// ready, because the next read or write reports them.
func wait(
  _ descriptor: Int32, _ events: Int32, wake: Wake, until deadline: Int64, _ timebase: Timebase
) -> WaitEnd {
  var entries = [
    pollfd(fd: descriptor, events: Int16(events), revents: 0),
    pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
  ]
  while true {
    let left = deadline - timebase.monotonic()
    if left <= 0 { return .timedOut }
    // Rounded up: a wait that ends a fraction early would only turn once more, without rest.
    let count = poll(&entries, nfds_t(entries.count), Int32(clamping: (left + 999_999) / 1_000_000))
    if count < 0 && errno != EINTR { return .ready }
    if count <= 0 { continue }
    if entries[1].revents != 0 { return .woken }
    if entries[0].revents != 0 { return .ready }
  }
}
