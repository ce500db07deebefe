import Glibc
import Support

/// A blocking connection for tests; nothing in it waits longer than ten seconds.
final class Wire: @unchecked Sendable {  // proof: each is used by one thread at a time
  struct Ended: Error {}

  let descriptor: Int32

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
  }

  convenience init(port: UInt16) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(port)
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result != 0 {
      let number = errno
      Glibc.close(descriptor)
      throw SystemError("connect", "port \(port)", number: number)
    }
    self.init(descriptor)
  }

  deinit { Glibc.close(descriptor) }

  func send(_ bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress?.advanced(by: offset), bytes.count - offset, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { throw SystemError("send") }
      offset += count
    }
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  /// What has come, at most `most` bytes; empty at the end.
  func some(_ most: Int = 65536) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: most)
    let count = recv(descriptor, &bytes, most, 0)
    if count < 0 && errno == ECONNRESET { return [] }
    if count < 0 { throw SystemError("recv") }
    return Array(bytes.prefix(count))
  }

  func exactly(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let more = try some(min(count - bytes.count, 1 << 20))
      if more.isEmpty { throw Ended() }
      bytes += more
    }
    return bytes
  }

  /// All that comes until the end, or until there is so much of it.
  func toTheEnd(orAfter enough: Int = .max) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < enough {
      let more = try some()
      if more.isEmpty { return bytes }
      bytes += more
    }
    return bytes
  }

  /// One of Kafka's requests or responses, without its size.
  func frame() throws -> [UInt8] { try exactly(Int(number(try exactly(4)))) }

  func shutWriting() { shutdown(descriptor, Int32(SHUT_WR)) }
  func shutAll() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}

func number(_ bytes: some Sequence<UInt8>) -> Int32 {
  Int32(bitPattern: bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) })
}

func big(_ value: some FixedWidthInteger) -> [UInt8] {
  stride(from: value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
}

private func loopback(_ port: UInt16) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  return address
}

/// A server on the loopback that gives each connection a thread of its own.
final class Peer: @unchecked Sendable {  // proof: `listener` and `port` do not change
  let port: UInt16
  private let listener: Int32

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (listener, result) = withUnsafeMutablePointer(to: &address) { [listener] pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        (listener, bind(listener, generic, length) | listen(listener, 64) | getsockname(listener, generic, &length))
      }
    }
    guard listener >= 0, result == 0 else { throw SystemError("listen") }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { Glibc.close(listener) }

  /// Serves until cancelled.
  func serve(_ body: @escaping @Sendable (Wire) throws -> Void) async {
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        while let wire = await accept() {
          group.addTask { try? await onOwnThread("peer") { try body(wire) } }
        }
      }
    } onCancel: {
      shutdown(listener, Int32(SHUT_RDWR))
    }
  }

  private func accept() async -> Wire? {
    let listener = listener
    let number = (try? await onOwnThread("accept") { Glibc.accept(listener, nil, nil) }) ?? -1
    return number >= 0 ? Wire(number) : nil
  }
}

/// Ten milliseconds, for what is looked at again and again.
func pauseBriefly() { usleep(10_000) }

/// Whether they are equal; for megabytes, which a debug build compares too slowly by itself.
func same(_ one: [UInt8], _ other: [UInt8]) -> Bool {
  one.count == other.count
    && one.withUnsafeBytes { one in
      other.withUnsafeBytes { other in
        guard let first = one.baseAddress, let second = other.baseAddress else { return true }
        return memcmp(first, second, one.count) == 0
      }
    }
}
