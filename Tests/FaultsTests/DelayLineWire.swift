import Faults
import Glibc
import Netlink
import Support
import Testing

/// Numbered datagrams from one namespace to another, stamped when they leave and when they arrive.
final class NumberedDatagrams {
  struct Arrival {
    var number: UInt32
    var nanoseconds: Int64
  }

  private let sender: Int32
  private let receiver: Int32

  init(from: NetworkNamespace, to: NetworkNamespace, at address: IPAddress) throws {
    var place = sockaddr_storage()
    var length = socklen_t(address.family == .v4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size)
    withUnsafeMutableBytes(of: &place) { bytes in
      bytes.storeBytes(of: sa_family_t(address.family == .v4 ? AF_INET : AF_INET6), as: sa_family_t.self)
      for (index, byte) in address.bytes.enumerated() { bytes[(address.family == .v4 ? 4 : 8) + index] = byte }
    }
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let family = address.family == .v4 ? AF_INET : AF_INET6
    receiver = try to.run { socket(family, kind, 0) }
    sender = try from.run { socket(family, kind, 0) }
    var size: Int32 = 8 << 20
    setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &size, 4)
    let isConnected = withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(receiver, raw, length) == 0 && getsockname(receiver, raw, &length) == 0
          && connect(sender, raw, length) == 0
      }
    }
    try #require(isConnected, "no datagrams from one namespace to the other (errno \(errno))")
  }

  deinit {
    close(sender)
    close(receiver)
  }

  /// Sends one. Returns when it left; an error is a failure of the test.
  @discardableResult func send(_ number: UInt32) throws -> Int64 {
    let at = Timebase.system.monotonic()
    var value = number
    try #require(Glibc.send(sender, &value, 4, 0) == 4, "errno \(errno)")
    return at
  }

  /// The next one that arrives within the time.
  func receive(withinMilliseconds limit: Int32) -> Arrival? {
    var item = pollfd(fd: receiver, events: Int16(POLLIN), revents: 0)
    guard poll(&item, 1, limit) == 1 else { return nil }
    var number: UInt32 = 0
    guard recv(receiver, &number, 4, 0) == 4 else { return nil }
    return Arrival(number: number, nanoseconds: Timebase.system.monotonic())
  }

  /// All that arrive until none came for the time, or there are as many as wanted.
  func receiveAll(untilSilentMilliseconds limit: Int32, count: Int = .max) -> [Arrival] {
    var arrivals: [Arrival] = []
    while arrivals.count < count, let next = receive(withinMilliseconds: limit) { arrivals.append(next) }
    return arrivals
  }
}

/// A rule that queues datagrams on their way into, or out of, a namespace.
final class QueueRule {
  static let datagrams: UInt8 = 17
  private let connection: NFTables.Connection

  init(
    _ number: UInt16, in namespace: NetworkNamespace, hook: NFTables.Hook = .prerouting, protocol: UInt8 = datagrams
  ) throws {
    connection = try NFTables.Connection(in: namespace)
    let table = NFTables.TableID(.inet, "bs_queue")
    func batch(_ queue: NFTables.Expression) -> NFTables.Batch {
      .init([
        .addTable(table, flags: .owner), .addChain(table, name: "c", hook: hook, priority: -300),
        .addRule(table, chain: "c", [.loadTransportProtocol, .compare(.equal, [`protocol`]), .counter, queue]),
      ])
    }
    // Either form, whichever the kernel has.
    do { try connection.commit(batch(.queue(number, bypass: true))) } catch {
      try connection.commit(batch(.compatibleQueue(number, bypass: true)))
    }
  }

  func remove() {
    connection.close()
  }
}

/// Waits until something is so, which nothing announces.
func eventually(_ what: String, within limit: Duration = .seconds(10), _ isSo: () throws -> Bool) async throws {
  let deadline = ContinuousClock.now + limit
  while try !isSo() {
    try #require(ContinuousClock.now < deadline, "\(what) did not come about within \(limit)")
    try await Task.sleep(for: .milliseconds(1))
  }
}
