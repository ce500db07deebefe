internal import CKernel
internal import Glibc
internal import Support

/// Told once that everything shall end; whoever waits sees it.
final class StopBell: Sendable {
  let descriptor: Descriptor

  init() throws(SystemError) {
    let number = bs_eventfd()
    guard number >= 0 else { throw SystemError("eventfd") }
    descriptor = Descriptor(number)
  }

  func ring() {
    var one: UInt64 = 1
    // Never taken out again, so it stays readable.
    _ = write(descriptor.number, &one, 8)
  }
}

/// Why a connection could not be read or written.
enum StreamFailure: Error, Sendable, Equatable {
  case timedOut
  case closed
  case stopped
  case failed(Int32)
  /// TLS, which is demanded, did not come about, or broke.
  case insecure(String)
}

/// A connection whose calls block their thread, each until a deadline.
final class HTTPStream {
  private let socket: Descriptor
  private let tls: TLSSession?
  private let bell: StopBell
  private let timebase: Timebase
  /// Bytes that were read and not used yet.
  var buffer: [UInt8] = []

  init(_ socket: Descriptor, _ tls: TLSSession?, _ bell: StopBell, _ timebase: Timebase) {
    self.socket = socket
    self.tls = tls
    self.bell = bell
    self.timebase = timebase
    _ = bs_tune(socket.number)
  }

  /// Connects, and shakes hands where TLS is spoken.
  ///
  /// - Parameter host: the endpoint's as it was given, which its certificate must bear.
  static func connect(
    to endpoint: Endpoint, host: String, _ tls: GuardTLS?, until deadline: Int64, _ bell: StopBell, _ timebase: Timebase
  ) throws(StreamFailure) -> HTTPStream {
    guard let socket = endpoint.beginConnecting() else { throw .failed(errno) }
    let session: TLSSession?
    do throws(SystemError) { session = try tls?.session(withUpstream: host, on: socket) } catch {
      throw .insecure("\(error)")
    }
    let stream = HTTPStream(socket, session, bell, timebase)
    try stream.wait(POLLOUT, until: deadline)
    let error = bs_socket_error(socket.number)
    if error != 0 { throw .failed(error) }
    try stream.shakeHands(until: deadline)
    return stream
  }

  /// Makes TLS stand, where it is spoken; must come before anything is read or sent.
  func shakeHands(until deadline: Int64) throws(StreamFailure) {
    guard let tls else { return }
    while true {
      switch tls.shakeHands() {
      case .done: return
      case .waits(let forWriting): try wait(forWriting ? POLLOUT : POLLIN, until: deadline)
      case .closed: throw .closed
      case .failed(let why): throw .insecure(why)
      }
    }
  }

  /// Reads more into ``buffer``.
  ///
  /// - Returns: whether something came; `false` at the end.
  func fill(until deadline: Int64) throws(StreamFailure) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = tls?.read(into: &chunk) ?? recv(socket.number, &chunk, chunk.count, 0)
      if count >= 0 {
        buffer += chunk[..<count]
        return count > 0
      }
      if errno == EAGAIN {
        try wait(tls?.readWaitsForWriting == true ? POLLOUT : POLLIN, until: deadline)
      } else if let why = tls?.failure {
        throw .insecure(why)
      } else if errno == ECONNRESET {
        throw .closed
      } else if errno != EINTR {
        throw .failed(errno)
      }
    }
  }

  /// Whether the other side has sent something or closed, when it should have done neither.
  var isStale: Bool {
    var entry = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) != 0
  }

  func send(_ bytes: [UInt8], until deadline: Int64) throws(StreamFailure) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
        return tls?.write(rest) ?? Glibc.send(socket.number, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
      } else if errno == EAGAIN {
        try wait(tls?.writeWaitsForReading == true ? POLLIN : POLLOUT, until: deadline)
      } else if let why = tls?.failure {
        throw .insecure(why)
      } else if errno == EPIPE || errno == ECONNRESET {
        throw .closed
      } else if errno != EINTR {
        throw .failed(errno)
      }
    }
  }

  /// Ends the writing side and reads on for a moment, so that the last answer is not lost to a reset.
  func finish(until deadline: Int64) {
    tls?.finish()
    shutdown(socket.number, Int32(SHUT_WR))
    var left = 64
    while left > 0 {
      do throws(StreamFailure) { if try !fill(until: deadline) { return } } catch { return }
      buffer = []
      left -= 1
    }
  }

  private func wait(_ events: Int32, until deadline: Int64) throws(StreamFailure) {
    var entries = [
      pollfd(fd: socket.number, events: Int16(events), revents: 0),
      pollfd(fd: bell.descriptor.number, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      let left = deadline - timebase.monotonic()
      if left <= 0 { throw .timedOut }
      let count = poll(&entries, 2, Int32(min(left / 1_000_000 + 1, 60_000)))
      if count < 0 && errno != EINTR { throw .failed(errno) }
      if count > 0 {
        if entries[1].revents != 0 { throw .stopped }
        return
      }
    }
  }
}
