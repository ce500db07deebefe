internal import Glibc
internal import Netlink
internal import Support

/// The time that each of `count` datagrams, one a millisecond, takes from one node to another.
func datagramTimes(from: BenchNode, to: BenchNode, count: Int) async throws -> Samples {
  let ends = try FlowEnds(from: from, to: to, SOCK_DGRAM, port: 9101)
  async let received = onOwnThread("receive") { () throws -> Samples in
    defer { ends.closeReceiver() }
    var samples = Samples()
    var sent: Int64 = 0
    for _ in 0..<count {
      guard recv(ends.receiver, &sent, 8, 0) == 8 else { throw SystemError("recv") }
      samples.add(Timebase.system.monotonic() - sent)
    }
    return samples
  }
  try await onOwnThread("send") {
    defer { ends.closeSender() }
    for _ in 0..<count {
      var now = Timebase.system.monotonic()
      guard send(ends.sender, &now, 8, 0) == 8 else { throw SystemError("send") }
      usleep(1000)
    }
  }
  return try await received
}

/// What came of sending as many datagrams as possible.
struct Flood {
  /// Datagrams that the sender's kernel took.
  var sent: UInt64
  /// Datagrams that the receiver's kernel gave to a socket, or would have if that had had room.
  var delivered: UInt64
  /// How long it took.
  var nanoseconds: Int64
}

/// Sends datagrams of 64 bytes for some time as fast as one thread can. Nobody reads them: what is measured is the way.
func flood(from: BenchNode, to: BenchNode, milliseconds: Int64) async throws -> Flood {
  let ends = try FlowEnds(from: from, to: to, SOCK_DGRAM, port: 9102)
  defer { ends.closeReceiver() }
  let before = try deliveredDatagrams(to)
  let (sent, took) = try await onOwnThread("flood") { () throws -> (UInt64, Int64) in
    defer { ends.closeSender() }
    let datagram = [UInt8](repeating: 7, count: 64)
    let start = Timebase.system.monotonic()
    let end = start + milliseconds * 1_000_000
    var sent: UInt64 = 0
    var now = start
    while now < end {
      for _ in 0..<64 where send(ends.sender, datagram, 64, 0) == 64 { sent += 1 }
      now = Timebase.system.monotonic()
    }
    return (sent, now - start)
  }
  return Flood(sent: sent, delivered: try deliveredDatagrams(to) - before, nanoseconds: took)
}

/// Bytes that one TCP connection carries in a second, after two seconds to get going.
///
/// By Reno: the usual Cubic ends its slow start at the first acknowledgement that comes late (HyStart, RFC 9406), as one does
/// on a busy machine, and grows too slowly from there on to fill a path of 50 ms within a minute. It is the path that is
/// measured here.
func streamRate(from: BenchNode, to: BenchNode, milliseconds: Int64) async throws -> Double {
  for node in [from, to] { try allowLargeWindows(node) }
  let ends = try FlowEnds(from: from, to: to, SOCK_STREAM, port: 9103)
  async let rate = onOwnThread("receive") { () throws -> Double in
    defer { ends.closeReceiver() }
    let stream = accept(ends.receiver, nil, nil)
    guard stream >= 0 else { throw SystemError("accept") }
    defer { Glibc.close(stream) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    let start = Timebase.system.monotonic() + 2_000_000_000
    let end = start + milliseconds * 1_000_000
    var first: Int64?
    var bytes = 0
    while true {
      let count = recv(stream, &buffer, buffer.count, 0)
      guard count > 0 else { throw SystemError("recv") }
      let now = Timebase.system.monotonic()
      if first != nil { bytes += count }
      if first == nil, now >= start { first = now }
      if now >= end, let first { return Double(bytes) / Double(now - first) * 1e9 }
    }
  }
  try await onOwnThread("send") {
    defer { ends.closeSender() }
    let bytes = [UInt8](repeating: 7, count: 1 << 20)
    // Until the receiver has had enough and closes.
    while send(ends.sender, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0 {}
  }
  return try await rate
}

/// Two sockets, one in each node, the sender's connected to the receiver's.
private struct FlowEnds: Sendable {
  let sender: Int32
  let receiver: Int32

  init(from: BenchNode, to: BenchNode, _ kind: __socket_type, port: UInt16) throws {
    let flags = Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let address = try SocketAddress(of: to, port: port)
    receiver = try to.namespace.run { socket(AF_INET, flags, 0) }
    sender = try from.namespace.run { socket(AF_INET, flags, 0) }
    var on: Int32 = 1
    guard sender >= 0, receiver >= 0, setsockopt(receiver, SOL_SOCKET, SO_REUSEADDR, &on, 4) == 0 else {
      throw SystemError("socket", to.name)
    }
    let (one, other) = (receiver, sender)
    let isStream = kind == SOCK_STREAM
    if isStream, setsockopt(other, Int32(IPPROTO_TCP), TCP_CONGESTION, "reno", 4) != 0 {
      throw SystemError("TCP_CONGESTION", "reno")
    }
    let result: Int32 = address.with { place, length in
      guard bind(one, place, length) == 0, !isStream || listen(one, 1) == 0 else { return -1 }
      return connect(other, place, length)
    }
    guard result == 0 else { throw SystemError("connect", to.name) }
    // A line that fails must not make the measure wait for ever.
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  func closeSender() { Glibc.close(sender) }
  func closeReceiver() { Glibc.close(receiver) }
}

/// UDP's own counters in the node: what it delivered, and what it would have delivered had a socket had room.
private func deliveredDatagrams(_ node: BenchNode) throws -> UInt64 {
  let text = try node.namespace.run { String(decoding: try readFile("/proc/thread-self/net/snmp"), as: UTF8.self) }
  let lines = text.split(separator: "\n").filter { $0.hasPrefix("Udp: ") }.map { $0.split(separator: " ") }
  guard lines.count == 2, lines[0].count == lines[1].count else { throw Problem(.fail, "/proc/net/snmp has no UDP") }
  let counters = Dictionary(uniqueKeysWithValues: zip(lines[0].dropFirst(), lines[1].dropFirst()))
  func value(_ name: Substring) -> UInt64 { counters[name].flatMap { UInt64($0) } ?? 0 }
  return value("InDatagrams") + value("RcvbufErrors")
}

/// With the usual limit of 4 MiB it is TCP's window that limits a path of 50 ms, and not the path.
private func allowLargeWindows(_ node: BenchNode) throws {
  try node.namespace.run {
    for name in ["tcp_rmem", "tcp_wmem"] {
      let path = "/proc/sys/net/ipv4/\(name)"
      guard let file = fopen(path, "we") else { throw SystemError("open", path) }
      defer { fclose(file) }
      guard fputs("4096 131072 268435456", file) >= 0, fflush(file) == 0 else { throw SystemError("write", path) }
    }
  }
}
