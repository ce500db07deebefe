public import Support

/// How one etcd member of a lab is set up.
public struct EtcdSettings: Sendable, Hashable, Codable {
  /// A member as the others know it.
  public struct Member: Sendable, Hashable, Codable {
    /// Its name, unique in the cluster.
    public var name: String
    /// Numeric IPv4 address on which the others reach it.
    public var peerAddress: String
    /// Port for the others.
    public var peerPort: UInt16

    /// A member at an address.
    public init(name: String, peerAddress: String, peerPort: UInt16 = 2380) {
      self.name = name
      self.peerAddress = peerAddress
      self.peerPort = peerPort
    }
  }

  /// The member that is started; one of ``members``.
  public var name: String
  /// Where it keeps its data; made by etcd.
  public var dataDirectory: String
  /// Numeric addresses for clients, of either family; the first one is told to others.
  public var clientAddresses: [String]
  /// Port for clients.
  public var clientPort: UInt16
  /// All members, this one included.
  public var members: [Member]
  /// Keeps members of different labs from joining each other.
  public var clusterToken: String
  /// How often the leader shows that it is alive.
  public var heartbeat: Duration
  /// How long followers wait for it. etcd raises leases shorter than 1.5 times this.
  public var electionTimeout: Duration

  /// A member of a new cluster.
  public init(
    name: String, dataDirectory: String, clientAddresses: [String], clientPort: UInt16 = 2379, members: [Member],
    clusterToken: String, heartbeat: Duration = .milliseconds(100), electionTimeout: Duration = .seconds(1)
  ) {
    precondition(members.contains { $0.name == name }, "etcd member \(name) is not in its own cluster")
    precondition(!clientAddresses.isEmpty, "etcd member \(name) without an address for clients")
    self.name = name
    self.dataDirectory = dataDirectory
    self.clientAddresses = clientAddresses
    self.clientPort = clientPort
    self.members = members
    self.clusterToken = clusterToken
    self.heartbeat = heartbeat
    self.electionTimeout = electionTimeout
  }

  /// Where clients reach this member.
  public var endpoint: String { Self.url(clientAddresses[0], clientPort) }

  /// The command line, without the program. 64 MB are enough for a drill and bound a runaway.
  public var arguments: [String] {
    let peer = members.first { $0.name == name }.map { Self.url($0.peerAddress, $0.peerPort) } ?? ""
    let listen = clientAddresses.map { Self.url($0, clientPort) }.joined(separator: ",")
    let cluster = members.map { "\($0.name)=\(Self.url($0.peerAddress, $0.peerPort))" }.joined(separator: ",")
    return [
      "--name", name, "--data-dir", dataDirectory, "--listen-client-urls", listen, "--advertise-client-urls", endpoint,
      "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster,
      // A member that comes back from a partition must not depose the leader that the others have (raft thesis, 9.6);
      // 3.4 has this off by default.
      "--pre-vote", "--initial-cluster-state", "new", "--initial-cluster-token", clusterToken, "--heartbeat-interval",
      "\(heartbeat.milliseconds)", "--election-timeout", "\(electionTimeout.milliseconds)", "--quota-backend-bytes",
      "67108864", "--logger", "zap", "--log-outputs", "stderr", "--log-level", "warn",
    ]
  }

  /// What starts the member; set its network namespace and log file before use.
  public func request(_ binaries: ServerBinaries) -> ProcessRequest {
    var request = ProcessRequest(binaries.etcd, arguments)
    #if arch(arm64)
      request.environment["ETCD_UNSUPPORTED_ARCH"] = "arm64"
    #endif
    return request
  }

  private static func url(_ address: String, _ port: UInt16) -> String {
    "http://\(address.contains(":") ? "[\(address)]" : address):\(port)"
  }
}
