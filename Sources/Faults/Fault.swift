public import Netlink
internal import Support

/// One disturbance on one node: what happens to its packets, of which peers, in which direction, and for how long at most.
///
/// Inbound and outbound effects stand side by side, so that an asymmetric fault is one object. Everything is relative to
/// the node that the fault is on.
public struct Fault: Sendable, Hashable, Codable {
  /// Its name, unique in the run: letters, digits, `-`, `_` and `.`, at most 64 bytes.
  public var id: String
  /// The run it belongs to, same letters; part of the names of all of its kernel objects.
  public var run: String
  /// The node it is on.
  public var node: String
  /// What happens to packets that arrive from the targets; `nil` for nothing.
  public var inbound: Effect?
  /// What happens to packets that leave for the targets; `nil` for nothing.
  public var outbound: Effect?
  /// Whose packets are meant.
  public var targets: Targets
  /// How long it lives.
  public var timing: Timing

  /// What happens to a packet.
  public enum Effect: Sendable, Hashable, Codable {
    /// It is thrown away without a word, as by a cut cable.
    case drop
  }

  /// Whose packets are meant, and whose never.
  public struct Targets: Sendable, Hashable, Codable {
    /// Addresses of both families at the other end.
    public var peers: [IPAddress]
    /// Addresses that must stay reachable: the control channel. None of them may be among the peers.
    public var exempt: [IPAddress]

    /// Peers, and addresses that must not be cut.
    public init(peers: [IPAddress], exempt: [IPAddress] = []) {
      self.peers = peers
      self.exempt = exempt
    }
  }

  /// How long a fault lives, and how it is kept alive.
  public struct Timing: Sendable, Hashable, Codable {
    /// The longest it may live. The kernel ends it then, whatever happens to us.
    public var leaseMilliseconds: Int64
    /// How often its holder prolongs it.
    public var heartbeatMilliseconds: Int64
    /// How long it lives without being prolonged.
    public var silenceMilliseconds: Int64

    /// A lease, a heartbeat, and how long the kernel waits for one.
    ///
    /// - Parameter silence: by default three heartbeats: two may be late before the fault lapses.
    public init(lease: Duration, heartbeat: Duration = .milliseconds(500), silence: Duration? = nil) {
      leaseMilliseconds = lease.milliseconds
      heartbeatMilliseconds = heartbeat.milliseconds
      silenceMilliseconds = (silence ?? heartbeat * 3).milliseconds
    }
  }

  /// Describes a fault.
  public init(
    id: String, run: String, node: String, inbound: Effect? = nil, outbound: Effect? = nil, targets: Targets,
    timing: Timing
  ) {
    self.id = id
    self.run = run
    self.node = node
    self.inbound = inbound
    self.outbound = outbound
    self.targets = targets
    self.timing = timing
  }
}
