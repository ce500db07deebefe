/// The attempts on the packet filter: each makes a table, whose chains have no rule or nobody who calls them, and deletes it.
struct FilterProbe {
  /// Answers about the packet filter.
  private(set) var answers: FeatureAnswers = [:]
  private let namespace: NetworkNamespace
  /// The device for chains of devices.
  private let device: String
  private static let key = IPAddress.v4(0x7F00_0001)

  init(in namespace: NetworkNamespace, device: String) {
    self.namespace = namespace
    self.device = device
  }

  mutating func run() throws(NetlinkError) {
    let connection: NFTables.Connection
    do { connection = try NFTables.Connection(in: namespace) } catch {
      guard let answer = KernelFeatures.Answer(error) else { throw error }
      for feature in Self.simple.map(\.feature) + Self.others { answers[feature] = answer }
      return
    }
    // Whatever is left behind goes with the socket.
    defer { connection.close() }
    let owned = try attempt(.inet, connection, flags: .owner) { _ in
      []
    } then: { (table) throws(NetlinkError) in
      try connection.table(table)?.owner == connection.port ? .available : .ignored
    }
    answers[.ownerTables] = owned
    let flags: NFTables.TableFlags = owned == .available ? .owner : []

    for (feature, family, steps) in Self.simple {
      answers[feature] = try attempt(family, connection, flags: flags) { table in
        [.addRegularChain(table, name: "c"), .addRule(table, chain: "c", steps)]
      }
    }
    let device = device
    let hooks: [(KernelFeatures.Feature, NFTables.Hook)] = [
      (.ingressHook, .ingress(device: device)), (.egressHook, .egress(device: device)),
    ]
    for (feature, hook) in hooks {
      answers[feature] = try attempt(.netdev, connection, flags: flags) { table in
        [.addChain(table, name: "c", hook: hook, priority: 0)]
      }
    }
    answers[.intervalSets] = try attempt(.inet, connection, flags: flags) { table in
      [
        .addSet(table, .init("s", id: 1, key: .port, flags: .interval, size: nil)),
        .addElements(table, set: "s", id: 1, .init(.portRanges([1...9]))),
      ]
    }
    answers[.elementTimeout] = try attempt(.inet, connection, flags: flags, Self.timedElement) {
      (table) throws(NetlinkError) in
      try Self.left(table, connection) <= 60_000 ? .available : .ignored
    }
    answers[.elementExpiration] = try attempt(.inet, connection, flags: flags, Self.timedElement) {
      (table) throws(NetlinkError) in
      let half = NFTables.Elements([Self.key], timeoutMilliseconds: 60_000, expirationMilliseconds: 30_000)
      try connection.commit(.init([.addElements(table, set: "s", id: nil, half)]))
      return try Self.left(table, connection) <= 30_000 ? .available : .ignored
    }
  }

  /// What one rule shows.
  private static let simple: [(feature: KernelFeatures.Feature, NFTables.Family, [NFTables.Expression])] = [
    (.numberGenerator, .inet, [.generate(.increment, modulus: 65536)]),
    (.reject, .inet, [.loadTransportProtocol, .compare(.equal, [6]), .reject(.tcpReset)]),
    (.limit, .inet, [.limit(.init(perSecond: 100, burst: 5))]),
    (.socketUser, .inet, [.load(.socketUser)]),
    (.socketControlGroup, .inet, [.loadSocketControlGroup(level: 1)]),
    (.queueExpression, .inet, [.queue(0, bypass: true)]),
    (.compatibleQueue, .inet, [.compatibleQueue(0, bypass: true)]),
    (.forward, .netdev, [.immediate(device: 1), .forward()]),
  ]

  private static let others: [KernelFeatures.Feature] = [
    .ownerTables, .ingressHook, .egressHook, .intervalSets, .elementTimeout, .elementExpiration,
  ]

  /// A set with one element that lives a minute.
  private static func timedElement(_ table: NFTables.TableID) -> [NFTables.Command] {
    [
      .addSet(table, .init("s", id: 1, key: .address(.v4), flags: .timeout, size: 2)),
      .addElements(table, set: "s", id: 1, .init([key], timeoutMilliseconds: 60_000)),
    ]
  }

  /// What is left of its life, milliseconds.
  private static func left(
    _ table: NFTables.TableID, _ connection: NFTables.Connection
  ) throws(NetlinkError) -> UInt64 {
    try connection.elements(of: "s", in: table).first?.expirationMilliseconds ?? .max
  }

  private func attempt(
    _ family: NFTables.Family, _ connection: NFTables.Connection, flags: NFTables.TableFlags,
    _ commands: (NFTables.TableID) -> [NFTables.Command],
    then check: (NFTables.TableID) throws(NetlinkError) -> KernelFeatures.Answer = { _ in .available }
  ) throws(NetlinkError) -> KernelFeatures.Answer {
    let table = NFTables.TableID(family, "bs_probe_\(connection.port)")
    return try .of { () throws(NetlinkError) in
      try connection.commit(.init([.addTable(table, flags: flags)] + commands(table)))
      let answer = try KernelFeatures.Answer.of { () throws(NetlinkError) in try check(table) }
      try connection.commit(.init([.deleteTable(table)]))
      return answer
    }
  }
}
