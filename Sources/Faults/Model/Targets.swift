public import Netlink

extension Fault {
  /// Whose packets are meant, and whose never.
  ///
  /// A packet is meant if it fits every kind of selector that is given: the other end is one of the peers, networks and
  /// names (any, if none of the three is given), and its ports, its protocol, its socket's cgroup and user fit.
  public struct Targets: Sendable, Hashable, Codable {
    /// Addresses of both families at the other end.
    public var peers: [IPAddress]
    /// Networks of both families at the other end. They may overlap.
    public var networks: [IPPrefix]
    /// Names at the other end, resolved on the node, and again whenever their time to live is over.
    public var names: [String]
    /// Ports at the other end.
    public var remotePorts: [PortRange]
    /// Ports at this end.
    public var localPorts: [PortRange]
    /// Ports of which one must be at one of the two ends, whichever.
    public var eitherPorts: [PortRange] = []
    /// Protocols above IP.
    public var protocols: [IPProtocol]
    /// Only packets of sockets made in this control group or below it.
    public var cgroup: CgroupID?
    /// Only packets of sockets of this user. Outbound only: a packet that arrives has no user yet.
    public var user: UInt32?
    /// As ``cgroup`` and ``user``, but by what they are called on the node, where they are looked up at arming; `nil` where
    /// they are known by number, or not limited at all.
    public var owner: SocketOwner?
    /// What is left out, although it fits.
    public var except: Exceptions
    /// Addresses that must stay reachable: the control channel. None of them may be among the peers, and where a network
    /// or a name covers one, its packets pass all the same.
    public var exempt: [IPAddress]
    /// The devices that effects below the protocols are made on; `nil` for all that the node has at arming, except its
    /// loopback. A device that comes later is not covered.
    public var devices: [String]?

    /// Peers, and addresses that must not be cut; everything else can be set afterwards or here.
    public init(
      peers: [IPAddress] = [], networks: [IPPrefix] = [], names: [String] = [], remotePorts: [PortRange] = [],
      localPorts: [PortRange] = [], protocols: [IPProtocol] = [], cgroup: CgroupID? = nil, user: UInt32? = nil,
      except: Exceptions = Exceptions(), exempt: [IPAddress] = [], devices: [String]? = nil
    ) {
      self.peers = peers
      self.networks = networks
      self.names = names
      self.remotePorts = remotePorts
      self.localPorts = localPorts
      self.protocols = protocols
      self.cgroup = cgroup
      self.user = user
      self.except = except
      self.exempt = exempt
      self.devices = devices
    }

    /// The most single addresses that a fault may name. The kernel takes so many in one transaction of less than a second,
    /// during which nobody else can change a rule.
    public static let mostPeers = 262_144

    /// True if the other end is limited at all.
    public var limitsPeers: Bool { !(peers.isEmpty && networks.isEmpty && names.isEmpty) }
  }

  /// What is left out of the targets.
  public struct Exceptions: Sendable, Hashable, Codable {
    /// Addresses at the other end.
    public var peers: [IPAddress]
    /// Networks at the other end.
    public var networks: [IPPrefix]
    /// Ports at the other end, of any protocol that has ports.
    public var remotePorts: [PortRange]
    /// Ports at this end.
    public var localPorts: [PortRange]

    /// Nothing, unless given.
    public init(
      peers: [IPAddress] = [], networks: [IPPrefix] = [], remotePorts: [PortRange] = [], localPorts: [PortRange] = []
    ) {
      self.peers = peers
      self.networks = networks
      self.remotePorts = remotePorts
      self.localPorts = localPorts
    }
  }
}

/// Ports from one to another, both included; one port alone is a range too.
public struct PortRange: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  /// The first port.
  public var first: UInt16
  /// The last port.
  public var last: UInt16

  /// Ports from `first` to `last`; nothing but a mistake if they are the wrong way round.
  public init(_ first: UInt16, _ last: UInt16) {
    self.first = first
    self.last = last
  }

  /// One port.
  public init(_ port: UInt16) {
    self.init(port, port)
  }

  /// By first port, then by last.
  public static func < (left: PortRange, right: PortRange) -> Bool {
    (left.first, left.last) < (right.first, right.last)
  }

  /// `5432` or `5000-5100`.
  public var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
}

/// A protocol above IP, by its number (RFC 5237).
public enum IPProtocol: Sendable, Hashable, Codable {
  /// 6
  case tcp
  /// 17
  case udp
  /// 132
  case sctp
  /// 1 in IPv4 and 58 in IPv6. Neighbour discovery is never meant by it.
  case icmp
  /// Any other.
  case number(UInt8)

  /// The number in a family.
  public func number(_ family: IPAddress.Family) -> UInt8 {
    switch self {
    case .tcp: 6
    case .udp: 17
    case .sctp: 132
    case .icmp: family == .v4 ? 1 : 58
    case .number(let number): number
    }
  }

  /// True if its packets begin with two ports.
  public var hasPorts: Bool {
    switch self {
    case .tcp, .udp, .sctp: true
    case .icmp: false
    case .number(let number): [6, 17, 33, 132, 136].contains(number)
    }
  }
}
