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

  /// Where in its way a packet meets a chain of the `inet` family.
  public enum Hook: UInt32, Sendable, Hashable, Codable {
    /// Right after arrival, before routing.
    case prerouting = 0
    /// On its way to a process here.
    case input = 1
    /// On its way through.
    case forward = 2
    /// Made by a process here.
    case output = 3
    /// Right before departure.
    case postrouting = 4
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
    /// Packets may add elements.
    public static let dynamic = SetFlags(rawValue: 0x20)
  }

  /// What a set holds.
  public enum KeyType: Sendable, Hashable, Codable {
    /// Addresses of one family.
    case address(IPAddress.Family)

    /// The number by which `nft` knows how to print a key; the kernel ignores it.
    var number: UInt32 {
      switch self {
      case .address(.v4): 7
      case .address(.v6): 8
      }
    }

    /// Bytes of a key.
    var length: UInt32 {
      switch self {
      case .address(let family): UInt32(family.bits / 8)
      }
    }
  }

  /// What happens to a packet that a rule matched.
  public enum Verdict: UInt32, Sendable, Hashable, Codable {
    /// It is thrown away.
    case drop = 0
    /// It passes this chain.
    case accept = 1
  }

  /// How two numbers compare (`NFT_CMP_…`).
  public enum Comparison: UInt32, Sendable, Hashable, Codable {
    /// Both are the same.
    case equal = 0
    /// The packet's is the same or smaller.
    case atMost = 3
    /// The packet's is the same or larger.
    case atLeast = 5
  }

  /// One step of a rule. All of them work on register 1, 16 bytes wide.
  public enum Expression: Sendable, Hashable {
    /// Loads the layer-3 protocol, one byte: 2 for IPv4, 10 for IPv6.
    case loadProtocolFamily
    /// Loads the layer-4 protocol, one byte: 6 for TCP, 58 for ICMPv6. Extension headers are skipped.
    case loadTransportProtocol
    /// Loads bytes of the network header.
    case loadNetworkHeader(offset: UInt32, length: UInt32)
    /// Loads bytes of the transport header.
    case loadTransportHeader(offset: UInt32, length: UInt32)
    /// Ends the rule unless the register's first bytes compare so with these, as numbers in network order.
    case compare(Comparison, [UInt8])
    /// Ends the rule unless the register is in the set. The number refers to a set of the same batch.
    case isInSet(String, id: UInt32)
    /// Counts packets and bytes that come this far.
    case counter
    /// Decides.
    case verdict(Verdict)
  }
}
