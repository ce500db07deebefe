/// What a node's kernel can do and which devices it has: all that compiling a fault needs to know of a node.
public struct NodeProfile: Sendable, Hashable, Codable {
  /// What its kernel can do.
  public var can: Abilities
  /// Its devices, without its loopback and without those of this tool.
  public var devices: [String]

  /// A node with these abilities and devices.
  public init(_ abilities: Abilities, devices: [String]) {
    can = abilities
    self.devices = devices
  }

  /// A node of which nothing is known but that its kernel has nf_tables and owner tables: enough for cutting, refusing and
  /// losing what arrives.
  public static let unknown = NodeProfile(Abilities(), devices: [])

  /// Parts of a kernel that faults need, beyond nf_tables with owner tables and time-outs.
  public struct Abilities: OptionSet, Sendable, Hashable, Codable {
    /// The bits.
    public let rawValue: UInt32

    /// Abilities from their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Chains where packets come out of a device.
    public static let ingressHook = Abilities(rawValue: 1 << 0)
    /// Chains where packets go into a device. Kernel 5.16.
    public static let egressHook = Abilities(rawValue: 1 << 1)
    /// Handing packets to another device.
    public static let forward = Abilities(rawValue: 1 << 2)
    /// Intermediate devices, whose queue hands packets back where they came from.
    public static let ifb = Abilities(rawValue: 1 << 3)
    /// The network emulator's queue.
    public static let netem = Abilities(rawValue: 1 << 4)
    /// The token bucket's queue.
    public static let tokenBucket = Abilities(rawValue: 1 << 5)
    /// The packet queue by nf_tables' own expression.
    public static let queueExpression = Abilities(rawValue: 1 << 6)
    /// The packet queue by the older filter's target.
    public static let queueTarget = Abilities(rawValue: 1 << 7)
    /// The control group of a packet's socket.
    public static let socketCgroup = Abilities(rawValue: 1 << 8)
    /// The user of a packet's socket.
    public static let socketUser = Abilities(rawValue: 1 << 9)
    /// Destroying sockets by their number.
    public static let socketDestroy = Abilities(rawValue: 1 << 10)

    /// Everything.
    public static let all = Abilities(rawValue: (1 << 11) - 1)

    /// The names of these abilities, for messages.
    var names: [String] {
      Self.words.filter { contains($0.0) }.map(\.1)
    }

    private static let words: [(Abilities, String)] = [
      (.ingressHook, "the netdev ingress hook (CONFIG_NETFILTER_INGRESS)"),
      (.egressHook, "the netdev egress hook (Linux 5.16, CONFIG_NETFILTER_EGRESS)"),
      (.forward, "nft's fwd (CONFIG_NFT_FWD_NETDEV)"), (.ifb, "ifb devices (CONFIG_IFB)"),
      (.netem, "netem (CONFIG_NET_SCH_NETEM)"), (.tokenBucket, "the token bucket (CONFIG_NET_SCH_TBF)"),
      (.queueExpression, "nft's queue (CONFIG_NFT_QUEUE)"),
      (.queueTarget, "the NFQUEUE target (CONFIG_NFT_COMPAT, CONFIG_NETFILTER_XT_TARGET_NFQUEUE)"),
      (.socketCgroup, "nft's socket cgroupv2 (Linux 5.13, CONFIG_NFT_SOCKET)"),
      (.socketUser, "nft's meta skuid"), (.socketDestroy, "SOCK_DESTROY (CONFIG_INET_DIAG_DESTROY)"),
    ]
  }
}
