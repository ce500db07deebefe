public import Support

/// What a region of the lab runs.
public enum RegionRole: String, Sendable, Hashable, Codable, CaseIterable {
  /// A PostgreSQL event store; the stores mirror each other.
  case store
  /// A control-plane process. With a store beside it, it is a candidate for write authority, else an observer.
  case control
  /// A member of the etcd quorum.
  case quorum
  /// A Kafka cluster of one broker.
  case broker
  /// A Kafka Connect worker, which mirrors the other regions' topics into the broker beside it.
  case mirror
  /// A schema registry beside the store, and the guard before it.
  case registry
}

/// One region: a name and what runs there.
public struct RegionSpecification: Sendable, Hashable, Codable {
  /// Lower-case letters, digits and `_`, a letter first, 1–12 characters: it becomes the name of a network interface, of a
  /// namespace and of a replication slot, and this is what all three allow.
  public var name: String
  /// What runs there, in ``RegionRole`` order.
  public var roles: [RegionRole]
  /// How the monotonic and boot clocks of its servers differ from ours, from their start to their end; `nil`: they do not.
  public var clocks: TimeOffsets?

  /// A region with its roles; without any it is an empty namespace on the wide-area network.
  public init(_ name: String, _ roles: Set<RegionRole>, clocks: TimeOffsets? = nil) {
    self.clocks = clocks
    self.name = name
    self.roles = RegionRole.allCases.filter(roles.contains)
  }

  /// Whether it has that role.
  public func has(_ role: RegionRole) -> Bool { roles.contains(role) }
}

/// A lab as it is wanted: regions in order, who writes first, and the timing of write authority. A value, no I/O.
public struct LabSpecification: Sendable, Hashable, Codable {
  /// Tells labs on one machine apart: lower-case letters and digits, 1–16 characters. No `-`, so that the names of two
  /// labs' namespaces can never be equal.
  public var id: String
  /// The regions; the place in this list, counted from 1, is the region's number in the address plan.
  public var regions: [RegionSpecification]
  /// The region whose control plane campaigns first; it has a store and a control plane.
  public var preferredWriter: String
  /// Seconds that the lease behind write authority lives without renewal.
  public var leaseTTLSeconds: Int
  /// The ports of the servers.
  public var ports = Ports()
  /// What Kafka carries in regions with brokers; `nil` for a lab without Kafka.
  public var kafka: KafkaLabSettings?

  /// Ports, the same in each region, for each has an address of its own.
  public struct Ports: Sendable, Hashable, Codable {
    /// Where etcd serves clients.
    public var etcdClient = 2379
    /// Where etcd's members talk.
    public var etcdPeer = 2380
    /// PostgreSQL.
    public var store = 5432
    /// Where a Kafka broker serves clients.
    public var kafka = 9092
    /// Where its controller listens.
    public var kafkaController = 9093
    /// Where a broker serves clients that come under a name.
    public var kafkaNamed: Int { kafkaController + 1 }
    /// Where a Connect worker has its REST interface.
    public var connect = 8083
    /// Where a broker listens behind an admin guard, which then has ``kafka``.
    public var kafkaGuarded = 19092
    /// Where a broker behind a guard takes those who came to ``kafkaNamed``.
    public var kafkaNamedGuarded = 19095
    /// Where a broker behind a guard serves its own region's servers.
    public var kafkaInner = 19094
    /// Where a registry's guard listens.
    public var registry = 8081
    /// Where the registry behind it does.
    public var registryGuarded = 18081

    /// All of them.
    var all: [Int] {
      [
        etcdClient, etcdPeer, store, kafka, kafkaController, kafkaNamed, connect, kafkaGuarded, kafkaNamedGuarded,
        kafkaInner,
        registry, registryGuarded,
      ]
    }

    /// The servers' usual ports.
    public init() {}
  }

  /// A lab with the servers' usual ports.
  public init(id: String, regions: [RegionSpecification], preferredWriter: String, leaseTTLSeconds: Int = 10) {
    self.id = id
    self.regions = regions
    self.preferredWriter = preferredWriter
    self.leaseTTLSeconds = leaseTTLSeconds
  }

  /// The default lab: `east` and `eu` with event stores, `ap` as third vote and place of consumers.
  public static func standard(id: String, leaseTTLSeconds: Int = 10) -> LabSpecification {
    LabSpecification(
      id: id,
      regions: [
        RegionSpecification("east", [.store, .control, .quorum]),
        RegionSpecification("eu", [.store, .control, .quorum]),
        RegionSpecification("ap", [.control, .quorum]),
      ], preferredWriter: "east", leaseTTLSeconds: leaseTTLSeconds)
  }

  /// The regions that have `role`, in order.
  public func regions(with role: RegionRole) -> [RegionSpecification] { regions.filter { $0.has(role) } }

  /// Checks everything that can be checked without looking at the machine.
  ///
  /// - Throws: ``Problem`` (usage) naming the first thing that cannot be.
  public func check() throws(Problem) {
    func refuse(_ what: String, fix: String) throws(Problem) { try refusal(what, fix) }
    if !Self.isName(id, atMost: 16, digitFirst: true) {
      try refuse("'\(id)' cannot name a lab", fix: "use 1 to 16 lower-case letters and digits")
    }
    if regions.isEmpty || regions.count > 250 {
      try refuse("a lab has 1 to 250 regions, not \(regions.count)", fix: "list other regions")
    }
    var seen: Set<String> = ["wan", "lo", "br0"]  // taken by the lab itself
    for region in regions {
      if !Self.isName(region.name, atMost: 12, underscore: true) {
        try refuse(
          "'\(region.name)' cannot name a region", fix: "use 1 to 12 lower-case letters, digits and '_', a letter first"
        )
      }
      if !seen.insert(region.name).inserted {
        try refuse("the region name '\(region.name)' is taken", fix: "give each region another name than wan, lo, br0")
      }
    }
    let needsQuorum = regions.contains { $0.has(.control) }
    if needsQuorum && regions(with: .quorum).isEmpty {
      try refuse(
        "control planes need etcd, and no region has the role quorum", fix: "give one or three regions the role")
    }
    if needsQuorum && !regions.contains(where: { $0.name == preferredWriter && $0.has(.store) && $0.has(.control) }) {
      try refuse(
        "the preferred writer '\(preferredWriter)' is no region with a store and a control plane",
        fix: "name a region with the roles store and control")
    }
    try checkKafka()
    try checkGuards()
    if !(2...600).contains(leaseTTLSeconds) {
      try refuse("a lease of \(leaseTTLSeconds) s is not possible", fix: "2 to 600 s; etcd raises less than 2 s")
    }
    for port in ports.all where !(1...65535).contains(port) {
      try refuse("port \(port) does not exist", fix: "1 to 65535")
    }
    if Set(ports.all).count < ports.all.count {
      try refuse("two servers have the same port", fix: "give each its own")
    }
  }

  func refusal(_ what: String, _ fix: String) throws(Problem) -> Never {
    throw Problem(.usage, at: "lab \(id)", "\(what); nothing was made", fix: fix)
  }

  /// Whether `text` is made of lower-case letters, digits and, where allowed, underscores, a letter first.
  static func isName(
    _ text: String, atMost length: Int, digitFirst: Bool = false, underscore: Bool = false
  ) -> Bool {
    guard (1...length).contains(text.utf8.count) else { return false }
    return text.utf8.enumerated().allSatisfy { place, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digitFirst || place > 0
      case UInt8(ascii: "_"): underscore && place > 0
      default: false
      }
    }
  }
}
