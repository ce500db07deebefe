/// The packet filter of the kernel, nf_tables, spoken to in its own messages (`linux/netfilter/nf_tables.h`).
///
/// Numbers in its attributes are in network byte order. Nothing here runs a program.
public enum NFTables {
  /// Which packets a table sees.
  public enum Family: UInt8, Sendable, Hashable, Codable {
    /// IPv4 and IPv6.
    case inet = 1
    /// IPv4 alone.
    case ipv4 = 2
    /// ARP.
    case arp = 3
    /// One interface, below the protocols.
    case netdev = 5
    /// Bridged frames.
    case bridge = 7
    /// IPv6 alone.
    case ipv6 = 10

    /// The word that `nft` uses.
    public var word: String {
      switch self {
      case .inet: "inet"
      case .ipv4: "ip"
      case .arp: "arp"
      case .netdev: "netdev"
      case .bridge: "bridge"
      case .ipv6: "ip6"
      }
    }
  }

  /// A table by family and name. A name of one family may be taken in another.
  public struct TableID: Sendable, Hashable, Codable, CustomStringConvertible {
    /// Its family.
    public var family: Family
    /// Its name, at most 255 bytes.
    public var name: String

    /// A table by family and name.
    public init(_ family: Family, _ name: String) {
      self.family = family
      self.name = name
    }

    /// `inet bs_run_fault`.
    public var description: String { "\(family.word) \(name)" }
  }

  /// Flags of a table (`NFT_TABLE_F_…`).
  public struct TableFlags: OptionSet, Sendable, Hashable, Codable {
    /// The bits.
    public let rawValue: UInt32

    /// Flags from their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Its chains see no packets.
    public static let dormant = TableFlags(rawValue: 1)
    /// It belongs to the socket that made it: nobody else may change it, and it goes when the socket closes.
    /// Kernel 5.12.
    public static let owner = TableFlags(rawValue: 2)
    /// With `owner`: it stays when its owner goes. Kernel 6.9.
    public static let persist = TableFlags(rawValue: 4)
  }

  /// Where in its way a packet meets a chain.
  public enum Hook: Sendable, Hashable, Codable {
    /// Right after arrival, before routing. Families `inet`, `ip`, `ip6`; so are the next four.
    case prerouting
    /// On its way to a process here.
    case input
    /// On its way through.
    case forward
    /// Made by a process here.
    case output
    /// Right before departure.
    case postrouting
    /// As it comes out of a device, before everything else. Family `netdev`.
    ///
    /// From kernel 6.16 on the device need not exist: the chain waits for one of that name.
    case ingress(device: String)
    /// As it goes into a device, after everything else. Family `netdev`, kernel 5.16.
    case egress(device: String)

    /// `NF_INET_…` or `NF_NETDEV_…`
    var number: UInt32 {
      switch self {
      case .prerouting, .ingress: 0
      case .input, .egress: 1
      case .forward: 2
      case .output: 3
      case .postrouting: 4
      }
    }

    var device: String? {
      switch self {
      case .ingress(let device), .egress(let device): device
      default: nil
      }
    }
  }

  /// Flags of a set (`NFT_SET_…`).
  public struct SetFlags: OptionSet, Sendable, Hashable, Codable {
    /// The bits.
    public let rawValue: UInt32

    /// Flags from their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Its elements are ranges.
    public static let interval = SetFlags(rawValue: 4)
    /// Its elements may time out.
    public static let timeout = SetFlags(rawValue: 0x10)
    /// It maps keys to data or verdicts.
    public static let map = SetFlags(rawValue: 8)
    /// Packets may add elements.
    public static let dynamic = SetFlags(rawValue: 0x20)
  }
}
