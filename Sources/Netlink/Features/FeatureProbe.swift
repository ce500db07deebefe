internal import Glibc

/// The attempts behind ``KernelFeatures/probe(in:)``.
struct FeatureProbe {
  private(set) var answers: [KernelFeatures.Feature: KernelFeatures.Answer] = [:]
  private let namespace: NetworkNamespace
  /// Our device, or what stands in for it: a chain without a rule changes nothing on it.
  private var device = "lo"
  private var ownDevice: String?

  init(in namespace: NetworkNamespace) {
    self.namespace = namespace
  }

  /// Turns a refusal into an answer; whatever else goes wrong is thrown.
  private static func answer(
    _ attempt: () throws(NetlinkError) -> KernelFeatures.Answer
  ) throws(NetlinkError) -> KernelFeatures.Answer {
    do { return try attempt() } catch {
      guard let number = error.errno else { throw error }
      return number == EPERM || number == EACCES ? .notPermitted : .refused(errno: number)
    }
  }

  // MARK: Devices and their queues

  mutating func tryDevices() throws(NetlinkError) {
    let links = try LinkController(in: namespace)
    defer { links.close() }
    let name = "bsprobe\(String(UInt32.random(in: 0...UInt32.max), radix: 16))"
    answers[.ifb] = try Self.answer { () throws(NetlinkError) in
      try links.createIFB(name)
      return .available
    }
    if answers[.ifb] == .available {
      ownDevice = name
      device = name
    }
    let traffic = try TrafficController(in: namespace)
    defer { traffic.close() }
    // Without a device of our own there is none whose queue we may touch.
    guard ownDevice != nil, let link = try links.link(named: name) else {
      for feature in [.netem, .netemSeed, .tokenBucket, .hierarchicalTokenBucket] as [KernelFeatures.Feature] {
        answers[feature] = answers[.ifb]
      }
      return
    }
    let handle = TrafficHandle(major: 1)
    func attempt(_ body: () throws(NetlinkError) -> KernelFeatures.Answer) throws(NetlinkError) -> KernelFeatures.Answer
    {
      let answer = try Self.answer(body)
      if answer == .available { try traffic.delete(from: link, handle: handle) }
      return answer
    }
    let bucket = TokenBucket(bytesPerSecond: 1_000_000, burstBytes: 10_000, queueBytes: 100_000)
    answers[.tokenBucket] = try attempt { () throws(NetlinkError) in
      try traffic.add(.tokenBucket(bucket), to: link, handle: handle)
      return .available
    }
    answers[.hierarchicalTokenBucket] = try attempt { () throws(NetlinkError) in
      try traffic.add(.hierarchicalTokenBucket(defaultMinor: 0), to: link, handle: handle)
      try traffic.add(
        BucketClass(bytesPerSecond: 1_000_000, burstBytes: 10_000), to: link, handle: .init(major: 1, minor: 1),
        parent: handle)
      return .available
    }
    var readBack: UInt64?
    var netem = Netem(limitPackets: 1000)
    netem.delayNanoseconds = 1_000_000
    netem.seed = 0x5EED
    answers[.netem] = try attempt { () throws(NetlinkError) in
      try traffic.add(.netem(netem), to: link, handle: handle)
      for discipline in try traffic.disciplines(of: link) where discipline.handle == handle {
        do throws(WireError) { readBack = try discipline.netem()?.seed } catch {
          throw NetlinkError(.malformed(error), call: "RTM_GETQDISC", object: .link(name))
        }
      }
      return .available
    }
    answers[.netemSeed] =
      answers[.netem] == .available ? (readBack == netem.seed ? .available : .ignored) : answers[.netem]
  }

  func removeDevice() throws(NetlinkError) {
    guard let ownDevice else { return }
    let links = try LinkController(in: namespace)
    defer { links.close() }
    try links.deleteLink(ownDevice)
  }

  // MARK: The packet filter

  mutating func tryFilter() throws(NetlinkError) {
    let connection: NFTables.Connection
    do { connection = try NFTables.Connection(in: namespace) } catch {
      guard let number = error.errno else { throw error }
      for feature in Self.filterFeatures {
        answers[feature] = number == EPERM || number == EACCES ? .notPermitted : .refused(errno: number)
      }
      return
    }
    // Whatever is left behind goes with the socket.
    defer { connection.close() }
    let name = "bs_probe_\(connection.port)"
    var flags = NFTables.TableFlags.owner

    /// Makes a table with `commands` in it and deletes it. Its chains have no rule, or nobody calls them.
    func attempt(
      _ family: NFTables.Family = .inet, _ commands: (NFTables.TableID) -> [NFTables.Command],
      then check: (NFTables.TableID) throws(NetlinkError) -> KernelFeatures.Answer = { _ in .available }
    ) throws(NetlinkError) -> KernelFeatures.Answer {
      let table = NFTables.TableID(family, name)
      return try Self.answer { () throws(NetlinkError) in
        try connection.commit(.init([.addTable(table, flags: flags)] + commands(table)))
        let answer = try Self.answer { () throws(NetlinkError) in try check(table) }
        try connection.commit(.init([.deleteTable(table)]))
        return answer
      }
    }
    func attemptSteps(
      _ family: NFTables.Family, _ steps: [NFTables.Expression]
    ) throws(NetlinkError) -> KernelFeatures.Answer {
      try attempt(family) { [.addRegularChain($0, name: "c"), .addRule($0, chain: "c", steps)] }
    }

    answers[.ownerTables] = try attempt { _ in
      []
    } then: { (table) throws(NetlinkError) in
      try connection.table(table)?.owner == connection.port ? .available : .ignored
    }
    if answers[.ownerTables] != .available { flags = [] }

    let key = IPAddress.v4(0x7F00_0001)
    let withTimeout: (NFTables.TableID) -> [NFTables.Command] = { table in
      [
        .addSet(table, .init("s", id: 1, key: .address(.v4), flags: .timeout, size: 2)),
        .addElements(table, set: "s", id: 1, .init([key], timeoutMilliseconds: 60_000)),
      ]
    }
    func left(_ table: NFTables.TableID) throws(NetlinkError) -> UInt64 {
      try connection.elements(of: "s", in: table).first?.expirationMilliseconds ?? .max
    }
    answers[.elementTimeout] = try attempt(.inet, withTimeout) { (table) throws(NetlinkError) in
      try left(table) <= 60_000 ? .available : .ignored
    }
    answers[.elementExpiration] = try attempt(.inet, withTimeout) { (table) throws(NetlinkError) in
      try connection.commit(
        .init([
          .addElements(
            table, set: "s", id: nil, .init([key], timeoutMilliseconds: 60_000, expirationMilliseconds: 30_000))
        ]))
      return try left(table) <= 30_000 ? .available : .ignored
    }
    answers[.intervalSets] = try attempt { table in
      [
        .addSet(table, .init("s", id: 1, key: .port, flags: .interval, size: nil)),
        .addElements(table, set: "s", id: 1, .init(.portRanges([1...9]))),
      ]
    }
    answers[.numberGenerator] = try attemptSteps(.inet, [.generate(.increment, modulus: 65536)])
    answers[.reject] = try attemptSteps(.inet, [.loadTransportProtocol, .compare(.equal, [6]), .reject(.tcpReset)])
    answers[.limit] = try attemptSteps(.inet, [.limit(.init(perSecond: 100, burst: 5))])
    answers[.socketUser] = try attemptSteps(.inet, [.load(.socketUser)])
    answers[.socketControlGroup] = try attemptSteps(.inet, [.loadSocketControlGroup(level: 1)])
    answers[.queueExpression] = try attemptSteps(.inet, [.queue(0, bypass: true)])
    answers[.compatibleQueue] = try attemptSteps(.inet, [.compatibleQueue(0, bypass: true)])
    let device = device
    answers[.ingressHook] = try attempt(.netdev) {
      [.addChain($0, name: "c", hook: .ingress(device: device), priority: 0)]
    }
    answers[.egressHook] = try attempt(.netdev) {
      [.addChain($0, name: "c", hook: .egress(device: device), priority: 0)]
    }
    answers[.forward] = try attemptSteps(.netdev, [.immediate(device: 1), .forward()])
  }

  private static let filterFeatures: [KernelFeatures.Feature] = [
    .ownerTables, .elementTimeout, .elementExpiration, .intervalSets, .numberGenerator, .reject, .limit, .socketUser,
    .socketControlGroup, .ingressHook, .egressHook, .forward, .queueExpression, .compatibleQueue,
  ]

  // MARK: Sockets of other kinds

  /// Binds a queue, which the socket's end unbinds.
  mutating func tryPacketQueue() throws(NetlinkError) {
    let namespace = namespace
    answers[.packetQueue] = try Self.answer { () throws(NetlinkError) in
      let socket = try NetlinkSocket(.netfilter, in: namespace)
      defer { socket.close() }
      do throws(NetlinkError) {
        try socket.request(.init(call: "NFQNL_MSG_CONFIG", object: .socket)) { (writer, sequence) throws(WireError) in
          try writer.message(type: 3 << 8 | 2, flags: 5, sequence: sequence) { (writer) throws(WireError) in
            writer.raw([0, 0, 0xFF, 0xFF])  // struct nfgenmsg with the last queue's number
            try writer.raw(1, [1, 0, 0, 0])  // NFQA_CFG_CMD: NFQNL_CFG_CMD_BIND
          }
        }
      } catch {
        // Taken by somebody: then there is such a thing.
        guard error.errno == EBUSY else { throw error }
      }
      return .available
    }
  }

  /// Asks for the end of a connection that nobody has.
  mutating func trySocketDiagnosis() throws(NetlinkError) {
    let namespace = namespace
    answers[.socketDestroy] = try Self.answer { () throws(NetlinkError) in
      let socket = try NetlinkSocket(.socketDiagnosis, in: namespace)
      defer { socket.close() }
      do throws(NetlinkError) {
        try socket.request(.init(call: "SOCK_DESTROY", object: .socket)) { (writer, sequence) throws(WireError) in
          try writer.message(type: 21, flags: 5, sequence: sequence) { writer in
            // struct inet_diag_req_v2: AF_INET, IPPROTO_TCP, no extensions, all states, then a socket without a cookie
            writer.raw([2, 6, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
            writer.raw([0, 1, 0, 1, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 12))
            writer.raw([127, 0, 0, 1] + [UInt8](repeating: 0, count: 16))
            writer.raw([UInt8](repeating: 0xFF, count: 8))
          }
        }
      } catch {
        guard error.errno == ENOENT else { throw error }
      }
      return .available
    }
  }
}
