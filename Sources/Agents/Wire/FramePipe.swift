internal import Dispatch
internal import Glibc
internal import Support
internal import Synchronization

/// A pair of descriptors that frames come from and go to. Reading and writing are on queues of their own, so that nobody waits
/// for the other end: what cannot be written yet is kept.
///
/// Reading waits in poll(2) and not in a dispatch source: where a pipe has data and is closed at one time, libdispatch on Linux goes
/// through a source's registration once more after its handler may have cancelled it, and crashes.
final class FramePipe: Sendable {
  /// What came.
  enum Received: Sendable {
    case bytes([UInt8])
    /// Nothing more will: why, where it is an error.
    case end(String?)
  }

  /// The most bytes that may wait to be written: whoever lets so much pile up does not read.
  private static let limitBytes = 4 * Frame.limitBytes

  private let output: Int32
  private let writing: DispatchQueue
  private let reading: DispatchQueue
  private let state: Mutex<State>

  private struct State {
    var waitingBytes = 0
    var failure: String?
    /// What is read; `nil` once somebody reads it, who closes it as well.
    var input: Int32?
    /// Its end is watched by whoever reads; `nil` once it is closed.
    var bell: (listening: Int32, ringing: Int32)?
  }

  /// Takes two open descriptors over. They are closed here: the one when nothing more is read, the other with this object.
  ///
  /// - Throws: `SystemError` when there are no more descriptors to be had; those two are closed then.
  init(owning input: Int32, _ output: Int32, name: String) throws(SystemError) {
    self.output = output
    writing = DispatchQueue(label: "\(name) writes")
    reading = DispatchQueue(label: "\(name) reads")
    var bell: [Int32] = [-1, -1]
    // No child of ours gets more than the three descriptors it is given, so these need no flag of their own.
    guard pipe(&bell) == 0 else {
      let error = SystemError("pipe", name)
      close(input)
      close(output)
      throw error
    }
    state = Mutex(State(input: input, bell: (listening: bell[0], ringing: bell[1])))
  }

  /// Takes copies of two open descriptors, which stay their owner's.
  ///
  /// - Throws: `SystemError` when there are no more to be had.
  convenience init(input: Int32, output: Int32, name: String) throws(SystemError) {
    let ownInput = fcntl(input, F_DUPFD_CLOEXEC, 3)
    guard ownInput >= 0 else { throw SystemError("fcntl", "descriptor \(input)") }
    let ownOutput = fcntl(output, F_DUPFD_CLOEXEC, 3)
    guard ownOutput >= 0 else {
      let error = SystemError("fcntl", "descriptor \(output)")
      close(ownInput)
      throw error
    }
    try self.init(owning: ownInput, ownOutput, name: name)
  }

  /// Begins to read; to be called once.
  ///
  /// - Parameter receive: called with all that comes, in order, on a queue of its own; it must not block.
  func start(_ receive: @escaping @Sendable (Received) -> Void) {
    let ends = state.withLock { state -> (input: Int32, bell: Int32)? in
      defer { state.input = nil }
      guard let input = state.input, let bell = state.bell else { return nil }
      return (input, bell.listening)
    }
    guard let ends else { return }
    reading.async {
      Self.read(ends.input, until: ends.bell, receive)
      close(ends.input)
      close(ends.bell)
    }
  }

  /// Reads until the end of input, or until the other end of `bell` is closed.
  private static func read(_ input: Int32, until bell: Int32, _ receive: (Received) -> Void) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      var entries = [
        pollfd(fd: input, events: Int16(POLLIN), revents: 0), pollfd(fd: bell, events: Int16(POLLIN), revents: 0),
      ]
      let ready = poll(&entries, 2, -1)
      if ready < 0, errno == EINTR { continue }
      if entries[1].revents != 0 { return }
      let count = ready < 0 ? -1 : Glibc.read(input, &buffer, buffer.count)
      if count > 0 {
        receive(.bytes(Array(buffer[..<count])))
        continue
      }
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      return receive(.end(count < 0 ? "read: \(errnoText(errno))" : nil))
    }
  }

  deinit {
    stop()
    if let input = state.withLock(\.input) { close(input) }
    // After whatever is being written: its number must not be somebody else's meanwhile.
    writing.async { [output] in close(output) }
  }

  /// Why nothing can be written any more; `nil`: it can.
  var failure: String? { state.withLock(\.failure) }

  /// Queues bytes to be written. Nothing is said when they cannot be: who does not answer is missed soon enough.
  func send(_ bytes: [UInt8]) {
    let isTaken = state.withLock { state in
      guard state.failure == nil else { return false }
      guard state.waitingBytes + bytes.count <= Self.limitBytes else {
        state.failure = "the other end does not read"
        return false
      }
      state.waitingBytes += bytes.count
      return true
    }
    guard isTaken else { return }
    writing.async { [self] in
      let failure = write(bytes)
      state.withLock { state in
        state.waitingBytes -= bytes.count
        state.failure = state.failure ?? failure
      }
    }
  }

  /// Whether everything is written, or nothing more can be.
  var isDrained: Bool { state.withLock { $0.waitingBytes == 0 || $0.failure != nil } }

  /// Reads no more.
  func stop() {
    state.withLock { state in
      guard let bell = state.bell else { return }
      state.bell = nil
      close(bell.ringing)
      // Nobody has begun to read.
      if state.input != nil { close(bell.listening) }
    }
  }

  /// Returns why it failed.
  private func write(_ bytes: [UInt8]) -> String? {
    var offset = 0
    while offset < bytes.count {
      if let failure { return failure }
      let count = bytes.withUnsafeBytes {
        Glibc.write(output, $0.baseAddress?.advanced(by: offset), bytes.count - offset)
      }
      if count >= 0 {
        offset += count
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var entry = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
        _ = poll(&entry, 1, 1000)
      default: return "write: \(errnoText(errno))"
      }
    }
    return nil
  }
}
