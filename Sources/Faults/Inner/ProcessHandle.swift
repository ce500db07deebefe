internal import CKernel
internal import Glibc
internal import Support

/// A process that is held by a descriptor of its own, opened while its start time was checked: whatever becomes of its
/// number, nothing else is ever hit.
final class ProcessHandle: Sendable {
  let identity: ProcessIdentity
  /// At most 15 bytes of the program's name.
  let command: String
  private let descriptor: Int32

  /// - Returns: `nil` if it has ended.
  /// - Throws: `SystemError` when the kernel refuses.
  init?(_ entry: ProcessTable.Entry) throws(SystemError) {
    identity = entry.identity
    command = entry.command
    descriptor = bs_pidfd_open(entry.identity.pid)
    if descriptor < 0 {
      guard errno == ESRCH || errno == EINVAL else { throw SystemError("pidfd_open", "\(entry.identity)") }
      return nil
    }
    // The descriptor pins the process; only now does comparing the start time prove anything.
    if !identity.isAlive { return nil }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Sends a signal to it.
  ///
  /// - Returns: `false` if it has ended.
  @discardableResult
  func send(_ signal: Int32) throws(SystemError) -> Bool {
    if bs_pidfd_send_signal(descriptor, signal) == 0 { return true }
    guard errno == ESRCH else { throw SystemError("pidfd_send_signal", text) }
    return false
  }

  /// Whether it has ended. One that nobody has collected yet has ended too.
  var hasEnded: Bool { waitUntilEnded(milliseconds: 0) }

  /// Waits until it has ended. Blocks its thread.
  ///
  /// - Returns: whether it has, within that time.
  func waitUntilEnded(milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, milliseconds) > 0 && entry.revents != 0
  }

  /// What /proc says of it now; `nil` if it is gone.
  var entry: ProcessTable.Entry? {
    guard let entry = ProcessTable.Entry(of: identity.pid), entry.identity == identity else { return nil }
    return entry
  }

  /// `postgres (pid 4711)`.
  var text: String { "\(command) (pid \(identity.pid))" }
}
