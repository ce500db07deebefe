internal import Glibc
internal import Support

/// A blocking TCP connection over the loopback. Belongs to one thread at a time.
///
/// proof of `Sendable`: the descriptor does not change.
final class LoopbackStream: @unchecked Sendable {
  private let descriptor: Int32

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Connects.
  convenience init(port: UInt16) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0, withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else {
      throw SystemError("connect", "127.0.0.1:\(port)")
    }
    self.init(descriptor)
  }

  deinit { close(descriptor) }

  /// Makes the kernel send no faster than this, as a network card of that speed would.
  func pace(bytesPerSecond: UInt64) throws {
    var most = bytesPerSecond
    guard setsockopt(descriptor, SOL_SOCKET, SO_MAX_PACING_RATE, &most, 8) == 0 else { throw SystemError("setsockopt") }
  }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { throw SystemError("send") }
      sent += count
    }
  }

  /// Reads what is there, as far as `buffer` goes; 0 at the end.
  func some(into buffer: inout [UInt8]) throws -> Int {
    let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
    if count < 0 { throw SystemError("recv") }
    return count
  }

  /// Fills the first `count` bytes of `buffer`; `false` at the end.
  func receive(_ count: Int, into buffer: inout [UInt8]) throws -> Bool {
    var received = 0
    while received < count {
      let more = buffer.withUnsafeMutableBytes {
        recv(descriptor, $0.baseAddress?.advanced(by: received), count - received, 0)
      }
      if more < 0 { throw SystemError("recv") }
      if more == 0 { return false }
      received += more
    }
    return true
  }
}

/// A listener on the loopback with a thread for each connection.
final class LoopbackPeer: Sendable {
  let port: UInt16
  private let listener: Int32

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    listener = descriptor
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    guard descriptor >= 0, withLoopback(0, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 64) == 0 else {
      throw SystemError("listen", "127.0.0.1")
    }
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
    }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(listener) }

  /// Serves each connection with `body` until cancelled.
  func serve(_ body: @escaping @Sendable (LoopbackStream) throws -> Void) async {
    let listener = listener
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        while true {
          let taken: Int32
          do { taken = try await onOwnThread("accept") { accept(listener, nil, nil) } } catch { return }
          if taken < 0 { return }
          let stream = LoopbackStream(taken)
          group.addTask {
            // The client's end of the connection is this one's too.
            do { try await onOwnThread("peer") { try body(stream) } } catch {}
          }
        }
      }
    } onCancel: {
      shutdown(listener, Int32(SHUT_RDWR))
    }
  }
}

private func withLoopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
}
