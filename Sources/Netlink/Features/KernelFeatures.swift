/// What the running kernel can do, found out by doing it: versions and module lists lie, behaviour does not.
public struct KernelFeatures: Sendable, Hashable, Codable {
  /// How each attempt ended.
  public var answers: [Feature: Answer]

  /// Something that not every kernel can do.
  public enum Feature: String, Sendable, Hashable, Codable, CaseIterable, CodingKeyRepresentable {
    /// Tables that go with the socket that made them. Kernel 5.12.
    case ownerTables
    /// Elements of a set that end by themselves.
    case elementTimeout
    /// Setting what is left of a live element's time. Kernel 6.12.
    case elementExpiration
    /// Sets of ranges.
    case intervalSets
    /// Counting and drawing numbers, `numgen`.
    case numberGenerator
    /// Answering a packet with a reset or an ICMP message.
    case reject
    /// Matching within a rate.
    case limit
    /// Matching the user of a packet's socket.
    case socketUser
    /// Matching the v2 control group of a packet's socket. Kernel 5.13.
    case socketControlGroup
    /// Chains where packets come out of a device.
    case ingressHook
    /// Chains where packets go into a device. Kernel 5.16.
    case egressHook
    /// Handing packets to another device, `fwd`.
    case forward
    /// Processes that decide on packets.
    case packetQueue
    /// Sending packets to such a process by nf_tables' own step.
    case queueExpression
    /// The same by the target of the older filter.
    case compatibleQueue
    /// Intermediate devices that give packets back where they came from.
    case ifb
    /// The network emulator.
    case netem
    /// Repeating its random numbers. Kernel 6.6.
    case netemSeed
    /// The token bucket.
    case tokenBucket
    /// Token buckets with classes.
    case hierarchicalTokenBucket
    /// Ending established connections from outside.
    case socketDestroy
  }

  /// How an attempt ended.
  public enum Answer: Sendable, Hashable, Codable, CustomStringConvertible {
    /// It worked.
    case available
    /// The kernel refused it, with this errno: it is too old, or built without.
    case refused(errno: Int32)
    /// The kernel took it without doing it, as old ones do with what they do not know.
    case ignored
    /// This process may not try.
    case notPermitted

    /// For people.
    public var description: String {
      switch self {
      case .available: "available"
      case .refused(let number): "refused: \(errorText(number)) (\(number))"
      case .ignored: "taken without effect"
      case .notPermitted: "not permitted: needs CAP_NET_ADMIN, and CAP_SYS_ADMIN for a namespace to try in"
      }
    }
  }

  /// Answers to some questions; what is missing counts as not there.
  public init(answers: [Feature: Answer]) {
    self.answers = answers
  }

  /// Whether it worked.
  public func has(_ feature: Feature) -> Bool { answers[feature] == .available }

  /// Tries everything on objects that serve no other purpose, in a namespace of their own. All of them are gone when this
  /// returns, and also if the process dies meanwhile. Takes some 100 ms, blocking, the most of it for what is not there,
  /// because the kernel looks for a module of that name.
  ///
  /// - Parameter namespace: where to try instead, for a process that may not make a namespace. Only owned tables, a queue
  ///   that no rule fills, and one device are made there, and removed again.
  /// - Throws: ``NetlinkError`` if the kernel does not answer, or not in its own language; never for a refusal.
  public static func probe(in namespace: NetworkNamespace? = nil) throws(NetlinkError) -> KernelFeatures {
    let place: NetworkNamespace
    do throws(NetlinkError) {
      place = if let namespace { namespace } else { try .temporary() }
    } catch {
      guard Answer(error) == .notPermitted else { throw error }
      return KernelFeatures(answers: Dictionary(uniqueKeysWithValues: Feature.allCases.map { ($0, .notPermitted) }))
    }
    var device = try DeviceProbe(in: place)
    // Where there is no device of ours, loopback stands in: a chain without a rule changes nothing on it.
    var filter = FilterProbe(in: place, device: device.link?.name ?? "lo")
    do throws(NetlinkError) {
      try device.tryQueues()
      try filter.run()
    } catch {
      try device.remove()
      throw error
    }
    try device.remove()
    var answers = device.answers.merging(filter.answers) { own, _ in own }
    answers[.packetQueue] = try probePacketQueue(in: place)
    answers[.socketDestroy] = try probeSocketDestroy(in: place)
    return KernelFeatures(answers: answers)
  }
}

extension KernelFeatures.Feature {
  /// What a kernel needs for it, for messages: `the network emulator (CONFIG_NET_SCH_NETEM)`.
  public var requirement: String {
    switch self {
    case .ownerTables: "nf_tables with owned tables (Linux 5.12, CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET)"
    case .elementTimeout: "sets with timeouts (CONFIG_NF_TABLES)"
    case .elementExpiration: "refreshing elements (Linux 6.12)"
    case .intervalSets: "sets of ranges (CONFIG_NF_TABLES)"
    case .numberGenerator: "nft's numgen (CONFIG_NFT_NUMGEN)"
    case .reject: "nft's reject (CONFIG_NFT_REJECT)"
    case .limit: "nft's limit (CONFIG_NFT_LIMIT)"
    case .socketUser: "nft's meta skuid (CONFIG_NF_TABLES)"
    case .socketControlGroup: "nft's socket cgroupv2 (Linux 5.13, CONFIG_NFT_SOCKET, CONFIG_CGROUPS)"
    case .ingressHook: "the netdev ingress hook (CONFIG_NF_TABLES_NETDEV, CONFIG_NETFILTER_INGRESS)"
    case .egressHook: "the netdev egress hook (Linux 5.16, CONFIG_NETFILTER_EGRESS)"
    case .forward: "nft's fwd (CONFIG_NFT_FWD_NETDEV)"
    case .packetQueue: "the packet queue (CONFIG_NETFILTER_NETLINK_QUEUE)"
    case .queueExpression: "nft's queue (CONFIG_NFT_QUEUE)"
    case .compatibleQueue: "the NFQUEUE target (CONFIG_NFT_COMPAT, CONFIG_NETFILTER_XT_TARGET_NFQUEUE)"
    case .ifb: "ifb devices (CONFIG_IFB)"
    case .netem: "the network emulator (CONFIG_NET_SCH_NETEM)"
    case .netemSeed: "the network emulator's seed (Linux 6.6)"
    case .tokenBucket: "the token bucket (CONFIG_NET_SCH_TBF)"
    case .hierarchicalTokenBucket: "the hierarchical token bucket (CONFIG_NET_SCH_HTB)"
    case .socketDestroy: "SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY)"
    }
  }
}
