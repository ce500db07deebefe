internal import Dispatch
internal import Glibc
internal import Support
internal import Synchronization

/// A pair of descriptors that frames come from and go to. Reading and writing are on queues of their own, so that nobody waits
/// for the other end: what cannot be written yet is kept.
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
  private let input: Int32
  // proof: set up in init and start, before anything comes, then only cancelled, which libdispatch allows from any thread
  private nonisolated(unsafe) let source: any DispatchSourceRead
  private let state = Mutex(State())

  private struct State {
    var waitingBytes = 0
    var failure: String?
  }

  /// Takes two open descriptors over. They are closed here: the one when nothing more is read, for only then has libdispatch let
  /// go of it, the other with this object.
  init(owning input: Int32, _ output: Int32, name: String) {
    self.input = input
    self.output = output
    writing = DispatchQueue(label: "\(name) writes")
    source = DispatchSource.makeReadSource(fileDescriptor: input, queue: DispatchQueue(label: "\(name) reads"))
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
    self.init(owning: ownInput, ownOutput, name: name)
  }

  /// Begins to read; to be called once.
  ///
  /// - Parameter receive: called with all that comes, in order, on a queue of its own; it must not block.
  func start(_ receive: @escaping @Sendable (Received) -> Void) {
    nonisolated(unsafe) let reading = source  // proof: as above
    let input = input
    source.setEventHandler {
      guard !reading.isCancelled else { return }
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(input, &buffer, buffer.count)
      if count > 0 { return receive(.bytes(Array(buffer[..<count]))) }
      if count < 0, errno == EINTR || errno == EAGAIN { return }
      let why = count < 0 ? "read: \(errnoText(errno))" : nil
      reading.cancel()
      receive(.end(why))
    }
    source.setCancelHandler { close(input) }
    source.activate()
  }

  deinit {
    source.cancel()
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
  func stop() { source.cancel() }

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
