import Glibc
import Netlink
import Support
import Synchronization
import Testing

/// A name server for a handful of names on a loopback address of a namespace, over UDP and TCP (RFC 1035).
final class TinyNameServer: Sendable {
  struct Zone: Sendable {
    var addresses: [IPAddress] = []
    var timeToLive: UInt32 = 60
    /// The name that it stands for, and how long that is true.
    var alias: (name: String, timeToLive: UInt32)?
    /// 0 for an answer, 2 for a server that cannot, 3 for no such name.
    var code: UInt8 = 0
    /// Families about which nothing is said.
    var silent: Set<IPAddress.Family> = []
    /// Over UDP it says only that there is more.
    var truncates = false
  }

  /// What was asked for: name, family, over TCP or not.
  struct Question: Sendable, Hashable {
    var name: String
    var family: IPAddress.Family
    var isStream: Bool
  }

  private struct State: Sendable {
    var zones: [String: Zone] = [:]
    var questions: [Question] = []
    var isStopping = false
  }

  /// As c-ares wants it: `127.0.0.1:5353`.
  let place: String
  private let datagrams: Int32
  private let listener: Int32
  private let state = Mutex(State())

  /// Runs `body` with a server that answers.
  static func with<R: Sendable>(
    in namespace: NetworkNamespace, at address: IPAddress = .v4(0x7F00_0001),
    _ body: @escaping @Sendable (TinyNameServer) async throws -> R
  ) async throws -> R {
    let server = try TinyNameServer(in: namespace, address)
    return try await withTaskExecutorPreference(BlockingExecutor()) {
      async let serving: Void = onOwnThread("dns") { server.serve() }
      let outcome: Result<R, any Error>
      do { outcome = .success(try await body(server)) } catch { outcome = .failure(error) }
      server.state.withLock { $0.isStopping = true }
      try await serving
      return try outcome.get()
    }
  }

  private init(in namespace: NetworkNamespace, _ address: IPAddress) throws {
    let port: UInt16 = 5353
    let family = address.family == .v4 ? AF_INET : AF_INET6
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { raw in
      raw.storeBytes(of: sa_family_t(family), as: sa_family_t.self)
      raw[2] = UInt8(port >> 8)
      raw[3] = UInt8(port & 255)
      for (index, byte) in address.bytes.enumerated() { raw[(address.family == .v4 ? 4 : 8) + index] = byte }
    }
    func open(_ kind: __socket_type) throws -> Int32 {
      let descriptor = try namespace.run { socket(family, Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) }
      var on: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
      let length = socklen_t(address.family == .v4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size)
      let isBound = withUnsafePointer(to: storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
      }
      try #require(isBound, "errno \(errno)")
      return descriptor
    }
    datagrams = try open(SOCK_DGRAM)
    listener = try open(SOCK_STREAM)
    try #require(listen(listener, 4) == 0)
    place = address.family == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)"
  }

  deinit {
    close(datagrams)
    close(listener)
  }

  subscript(_ name: String) -> Zone {
    get { state.withLock { $0.zones[name] ?? Zone(code: 3) } }
    set { state.withLock { $0.zones[name] = newValue } }
  }

  var questions: [Question] { state.withLock { $0.questions } }

  private func serve() {
    while !state.withLock({ $0.isStopping }) {
      var items = [datagrams, listener].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard poll(&items, 2, 20) > 0 else { continue }
      if items[0].revents != 0 { answerDatagram() }
      if items[1].revents != 0 { answerStream() }
    }
  }

  private func answerDatagram() {
    var buffer = [UInt8](repeating: 0, count: 1500)
    var peer = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    withUnsafeMutablePointer(to: &peer) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        let count = recvfrom(datagrams, &buffer, buffer.count, 0, raw, &length)
        guard count > 0, let reply = reply(to: Array(buffer[..<count]), isStream: false) else { return }
        sendto(datagrams, reply, reply.count, 0, raw, length)
      }
    }
  }

  /// Both families may be asked about over one connection, until the other end closes it.
  private func answerStream() {
    let stream = accept(listener, nil, nil)
    defer { close(stream) }
    var waiting: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1500)
    while true {
      let count = recv(stream, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      waiting += buffer[..<count]
      while waiting.count > 2 {
        let end = 2 + (Int(waiting[0]) << 8 | Int(waiting[1]))
        guard waiting.count >= end else { break }
        if let reply = reply(to: Array(waiting[2..<end]), isStream: true) {
          let whole = Self.two(reply.count) + reply
          send(stream, whole, whole.count, Int32(MSG_NOSIGNAL))
        }
        waiting.removeFirst(end)
      }
    }
  }

  private static func two(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }

  private func reply(to query: [UInt8], isStream: Bool) -> [UInt8]? {
    var labels: [String] = []
    var position = 12
    while query[position] != 0 {
      let length = Int(query[position])
      labels.append(String(decoding: query[(position + 1)...(position + length)], as: UTF8.self))
      position += length + 1
    }
    let name = labels.joined(separator: ".")
    let type = Int(query[position + 1]) << 8 | Int(query[position + 2])
    let question = Array(query[12..<(position + 5)])
    let family: IPAddress.Family = type == 28 ? .v6 : .v4
    let zone = self[name]
    state.withLock { $0.questions.append(.init(name: name, family: family, isStream: isStream)) }
    if zone.silent.contains(family) { return nil }
    let isCut = zone.truncates && !isStream
    var answers: [[UInt8]] = []
    if zone.code == 0, !isCut {
      func record(_ owner: [UInt8], _ type: Int, _ timeToLive: UInt32, _ data: [UInt8]) -> [UInt8] {
        owner + Self.two(type) + [0, 1] + Self.two(Int(timeToLive >> 16)) + Self.two(Int(timeToLive & 0xFFFF))
          + Self.two(data.count) + data
      }
      var owner: [UInt8] = [0xC0, 12]  // the name in the question
      if let alias = zone.alias {
        var target: [UInt8] = []
        for label in alias.name.split(separator: ".") { target += [UInt8(label.utf8.count)] + Array(label.utf8) }
        target.append(0)
        answers.append(record(owner, 5, alias.timeToLive, target))
        owner = target
      }
      for address in zone.addresses where address.family == family {
        answers.append(record(owner, type, zone.timeToLive, address.bytes))
      }
    }
    // Identity; answer, authoritative, perhaps truncated, recursion; counts.
    return Array(query[..<2]) + [isCut ? 0x87 : 0x85, 0x80 | zone.code] + [0, 1] + Self.two(answers.count)
      + [0, 0, 0, 0] + question + answers.flatMap { $0 }
  }
}
