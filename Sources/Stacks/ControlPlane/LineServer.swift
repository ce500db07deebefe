internal import Glibc
internal import Support
internal import Synchronization

/// Serves one changing line on a Unix-domain socket: whoever connects gets it at once, and each new one after that. Lines that
/// a reader writes are handed on.
///
/// A reader that does not keep up is disconnected rather than waited for.
final class LineServer: Sendable {
  /// Bytes of `sun_path` without its end (unix(7)).
  static let longestPath = 107

  private let listener: Int32
  private let path: String
  private let wake: Wake
  private let shared = Mutex(Shared())
  private let onLine: @Sendable ([UInt8]) -> Void

  /// A reader that is connected, and what it has written of a line.
  private struct Client {
    var descriptor: Int32
    var begun: [UInt8] = []
  }

  /// The most bytes of a line that a reader may write.
  private static let longestLine = 4096

  private struct Shared {
    var line: [UInt8] = []
    var number = 0
    var closed = false
  }

  /// Listens on `path`, for the owner only; a socket that a dead process left there is replaced.
  ///
  /// - Parameter onLine: called with each line that a reader writes, without its end, on the server's thread.
  /// - Throws: ``SystemError``; nothing listens then.
  init(path: String, onLine: @escaping @Sendable ([UInt8]) -> Void = { _ in }) throws(SystemError) {
    self.path = path
    self.onLine = onLine
    wake = try Wake()
    listener = socket(AF_UNIX, streamType, 0)
    guard listener >= 0 else { throw SystemError("socket", path) }
    do throws(SystemError) {
      if unlink(path) != 0 && errno != ENOENT { throw SystemError("unlink", path) }
      try withUnixAddress(path) { (address, length) throws(SystemError) in
        if bind(listener, address, length) != 0 { throw SystemError("bind", path) }
      }
      // Nobody can connect before `listen`, so there is no moment at which the mode is wider.
      if chmod(path, 0o600) != 0 { throw SystemError("chmod", path) }
      if listen(listener, 16) != 0 { throw SystemError("listen", path) }
    } catch {
      Glibc.close(listener)
      throw error
    }
  }

  deinit { Glibc.close(listener) }

  /// Replaces the line; `bytes` without its end.
  func publish(_ bytes: [UInt8]) {
    shared.withLock { state in
      state.line = bytes + [UInt8(ascii: "\n")]
      state.number += 1
    }
    wake.signal()
  }

  /// Ends ``serve()`` and removes the socket.
  func close() {
    shared.withLock { $0.closed = true }
    unlink(path)
    wake.signal()
  }

  /// Serves until ``close()``. Blocks its thread.
  func serve() {
    var clients: [Client] = []
    defer { for client in clients { Glibc.close(client.descriptor) } }
    var sent = 0
    while true {
      var entries = ([listener, wake.descriptor] + clients.map(\.descriptor)).map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      if poll(&entries, nfds_t(entries.count), -1) < 0 && errno != EINTR { return }
      wake.drain()
      let (line, number, closed) = shared.withLock { ($0.line, $0.number, $0.closed) }
      if closed { return }
      let readable = Set(entries.dropFirst(2).filter { $0.revents != 0 }.map(\.fd))
      var stay: [Client] = []
      for var client in clients {
        let isThere = !readable.contains(client.descriptor) || takeLines(&client)
        if isThere, number == sent || deliver(line, to: client.descriptor) {
          stay.append(client)
        } else {
          Glibc.close(client.descriptor)
        }
      }
      clients = stay
      sent = number
      while true {
        let client = accept(listener, nil, nil)
        if client < 0 { break }
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        var fresh = Client(descriptor: client)
        if line.isEmpty || deliver(line, to: client) {
          clients.append(fresh)
        } else {
          // It may have written its line and gone.
          _ = takeLines(&fresh)
          Glibc.close(client)
        }
      }
    }
  }

  /// Reads what a client has written; `false` when it is gone, or writes what is no line.
  private func takeLines(_ client: inout Client) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1024)
    let count = recv(client.descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
    if count < 0 { return errno == EAGAIN || errno == EINTR }
    client.begun += chunk.prefix(count)
    while let end = client.begun.firstIndex(of: UInt8(ascii: "\n")) {
      onLine(Array(client.begun[..<end]))
      client.begun.removeSubrange(...end)
    }
    return count > 0 && client.begun.count <= Self.longestLine
  }

  private func deliver(_ line: [UInt8], to client: Int32) -> Bool {
    send(client, line, line.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) == line.count
  }
}

/// Reads lines from a ``LineServer``. Belongs to one thread.
final class LineReader {
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  /// Connects.
  ///
  /// - Throws: ``SystemError``: `ENOENT` when there is no socket, `ECONNREFUSED` when nobody listens.
  init(path: String) throws(SystemError) {
    descriptor = socket(AF_UNIX, streamType, 0)
    guard descriptor >= 0 else { throw SystemError("socket", path) }
    do throws(SystemError) {
      try withUnixAddress(path) { (address, length) throws(SystemError) in
        if connect(descriptor, address, length) != 0 { throw SystemError("connect", path) }
      }
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// Writes a line, which is short enough to go at once.
  ///
  /// - Throws: ``SystemError``; it did not arrive then.
  func send(_ line: [UInt8]) throws(SystemError) {
    guard Glibc.send(descriptor, line, line.count, Int32(MSG_NOSIGNAL)) == line.count else {
      throw SystemError("send", "control plane")
    }
  }

  /// What came of waiting for a line.
  enum Outcome {
    case line([UInt8])
    case ended
    case timedOut
    case woken
  }

  /// Waits for the next line, without its end.
  func next(wake: Wake, until deadline: Int64, _ timebase: Timebase) -> Outcome {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        defer { buffer.removeSubrange(...end) }
        return .line(Array(buffer[..<end]))
      }
      switch wait(descriptor, POLLIN, wake: wake, until: deadline, timebase) {
      case .timedOut: return .timedOut
      case .woken: return .woken
      case .ready: break
      }
      var chunk = [UInt8](repeating: 0, count: 4096)
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && (errno == EAGAIN || errno == EINTR) { continue }
      // A line is a few hundred bytes; without end it is none of ours.
      if count <= 0 || buffer.count > 1 << 20 { return .ended }
      buffer += chunk[..<count]
    }
  }
}

private var streamType: Int32 { Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue) }

/// Calls `body` with `path` as a socket address.
private func withUnixAddress(
  _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Void
) throws(SystemError) {
  guard path.utf8.count <= LineServer.longestPath else { throw SystemError("bind", path, number: ENAMETOOLONG) }
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
  let result: Result<Void, SystemError> = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
      do throws(SystemError) {
        return .success(try body(generic, socklen_t(MemoryLayout<sockaddr_un>.size)))
      } catch { return .failure(error) }
    }
  }
  try result.get()
}
