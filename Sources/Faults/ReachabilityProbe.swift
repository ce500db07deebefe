public import Netlink
public import Support
internal import Synchronization

/// Measures in one direction at a time who can reach whom, by datagrams between sockets inside the namespaces.
///
/// An echo would tell only that some direction is cut; here both ends are ours, so each direction is seen by itself.
public final class ReachabilityProbe: Sendable {
  /// A node with its namespace and the addresses to probe.
  public struct Endpoint: Sendable {
    /// The node's name.
    public var name: String
    /// Its namespace.
    public var namespace: NetworkNamespace
    /// Its addresses, of either family.
    public var addresses: [IPAddress]

    /// A node to probe.
    public init(_ name: String, namespace: NetworkNamespace, addresses: [IPAddress]) {
      self.name = name
      self.namespace = namespace
      self.addresses = addresses
    }
  }

  /// How hard is tried.
  public struct Effort: Sendable, Hashable {
    /// Datagrams a pair of addresses.
    public var tries: Int
    /// Time between two tries. A first datagram may wait for address resolution.
    public var spacing: Duration
    /// How long is waited after the last try. Ends early when everything has arrived.
    public var patience: Duration

    /// How hard is tried: by default 3 datagrams, 20 ms apart, and 100 ms of patience.
    public init(tries: Int = 3, spacing: Duration = .milliseconds(20), patience: Duration = .milliseconds(100)) {
      self.tries = tries
      self.spacing = spacing
      self.patience = patience
    }
  }

  private let names: [String]
  private let sockets: [(endpoint: Int, socket: DatagramSocket)]
  private let timebase: Timebase
  private let thread: HolderThread<Void>
  /// Tells the datagrams of one measurement from late ones of another.
  private let round = Mutex<UInt64>(0)

  /// Opens one socket for each address of each endpoint.
  ///
  /// - Throws: ``SystemError`` or ``NetlinkError`` if a socket cannot be opened, such as for an address that the
  ///   namespace does not have.
  public init(_ endpoints: [Endpoint], timebase: Timebase = .system) throws {
    names = endpoints.map(\.name)
    self.timebase = timebase
    sockets = try endpoints.enumerated().flatMap { index, endpoint in
      try endpoint.addresses.map { (index, try DatagramSocket($0, in: endpoint.namespace)) }
    }
    thread = try HolderThread("probe", timebase: timebase, make: {})
  }

  /// Where the probe's datagrams come from and go to.
  public struct End: Sendable, Hashable {
    /// The node.
    public var node: String
    /// Its address.
    public var address: IPAddress
    /// The port there.
    public var port: UInt16

    /// An end of probed paths.
    public init(node: String, address: IPAddress, port: UInt16) {
      self.node = node
      self.address = address
      self.port = port
    }
  }

  /// All ends; each sends to all of its family on other nodes.
  public var ends: [End] {
    sockets.map { End(node: names[$0.endpoint], address: $0.socket.address, port: $0.socket.port) }
  }

  /// Sends and listens. Takes at most `tries × spacing + patience`.
  public func measure(_ effort: Effort = Effort()) async throws -> Reachability {
    try await thread.run { [self] in measureNow(effort) }
  }

  private struct Key: Hashable {
    var from: Int
    var to: Int
    var family: IPAddress.Family
  }

  private func measureNow(_ effort: Effort) -> Reachability {
    let number = round.withLock { round in
      round += 1
      return round
    }
    var tally = Tally(sockets: sockets.count, round: number)
    // Leftovers of an earlier measurement.
    for item in sockets { while item.socket.receive() != nil {} }
    let start = timebase.monotonic()
    for attempt in 0..<max(1, effort.tries) {
      for (from, sender) in sockets.enumerated() {
        for (to, receiver) in sockets.enumerated() where isPath(sender, receiver) {
          let sentAt = timebase.monotonic()
          let refusal = sender.socket.send(tally.datagram(from, to, attempt), to: receiver.socket)
          tally.sent(refusal, from, to, attempt, at: sentAt)
        }
      }
      listen(&tally, until: start + Int64(attempt + 1) * effort.spacing.nanoseconds, wholeTime: true)
    }
    listen(&tally, until: timebase.monotonic() + effort.patience.nanoseconds, wholeTime: false)
    return Reachability(
      fromNanoseconds: start, untilNanoseconds: timebase.monotonic(), paths: paths(tally))
  }

  private func isPath(
    _ from: (endpoint: Int, socket: DatagramSocket), _ to: (endpoint: Int, socket: DatagramSocket)
  ) -> Bool {
    from.endpoint != to.endpoint && from.socket.address.family == to.socket.address.family
  }

  private func listen(_ tally: inout Tally, until deadline: Int64, wholeTime: Bool) {
    while true {
      for (index, item) in sockets.enumerated() {
        while let datagram = item.socket.receive() { tally.received(datagram, by: index, at: timebase.monotonic()) }
      }
      let left = deadline - timebase.monotonic()
      if left <= 0 || (!wholeTime && tally.isComplete) { return }
      DatagramSocket.wait(for: sockets.map(\.socket), milliseconds: Int32(clamping: left / 1_000_000 + 1))
    }
  }

  private func paths(_ tally: Tally) -> [Reachability.Path] {
    var order: [Key] = []
    var paths: [Key: Reachability.Path] = [:]
    for (from, sender) in sockets.enumerated() {
      for (to, receiver) in sockets.enumerated() where isPath(sender, receiver) {
        let key = Key(from: sender.endpoint, to: receiver.endpoint, family: sender.socket.address.family)
        if paths[key] == nil { order.append(key) }
        var path =
          paths[key]
          ?? Reachability.Path(
            from: names[sender.endpoint], to: names[receiver.endpoint], family: key.family, sent: 0, arrived: 0,
            refused: 0, errno: nil)
        let cell = tally[from, to]
        path.sent += cell.sent
        path.arrived += cell.arrived
        path.refused += cell.refused
        path.errno = cell.errno ?? path.errno
        path.delays = (path.delays + cell.delays).sorted()
        paths[key] = path
      }
    }
    return order.compactMap { paths[$0] }
  }
}

/// What was sent and what arrived, for each ordered pair of sockets.
private struct Tally {
  struct Cell {
    var sent = 0
    var arrived = 0
    var refused = 0
    var errno: Int32?
    /// Tries that have arrived, so that a duplicate counts once.
    var seen: Set<UInt8> = []
    /// When each try was sent, and how long those that arrived took.
    var sentAt: [UInt8: Int64] = [:]
    var delays: [Int64] = []
  }

  private var cells: [Cell]
  private let sockets: Int
  private let round: UInt64

  init(sockets: Int, round: UInt64) {
    self.sockets = sockets
    self.round = round
    cells = Array(repeating: Cell(), count: sockets * sockets)
  }

  subscript(from: Int, to: Int) -> Cell { cells[from * sockets + to] }

  var isComplete: Bool { cells.allSatisfy { $0.sent == $0.arrived } }

  /// `bsprobe`, the round, the two sockets, the try.
  func datagram(_ from: Int, _ to: Int, _ attempt: Int) -> [UInt8] {
    Self.magic + Self.bytes(round, 8) + Self.bytes(UInt64(from), 4) + Self.bytes(UInt64(to), 4)
      + [UInt8(truncatingIfNeeded: attempt)]
  }

  mutating func sent(_ refusal: Int32?, _ from: Int, _ to: Int, _ attempt: Int, at time: Int64) {
    if let refusal {
      cells[from * sockets + to].refused += 1
      cells[from * sockets + to].errno = refusal
    } else {
      cells[from * sockets + to].sent += 1
      cells[from * sockets + to].sentAt[UInt8(truncatingIfNeeded: attempt)] = time
    }
  }

  /// Counts a datagram if it is one of ours, of this round, and arrived where it was sent to.
  mutating func received(_ datagram: [UInt8], by socket: Int, at time: Int64) {
    guard datagram.count == 24, datagram.starts(with: Self.magic) else { return }
    func number(_ range: Range<Int>) -> UInt64 { datagram[range].reduce(0) { $0 << 8 | UInt64($1) } }
    let (from, to) = (Int(number(15..<19)), Int(number(19..<23)))
    guard number(7..<15) == round, to == socket, from < sockets else { return }
    guard cells[from * sockets + to].seen.insert(datagram[23]).inserted else { return }
    cells[from * sockets + to].arrived += 1
    if let sentAt = cells[from * sockets + to].sentAt[datagram[23]] {
      cells[from * sockets + to].delays.append(time - sentAt)
    }
  }

  private static let magic = Array("bsprobe".utf8)

  private static func bytes(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
  }
}
