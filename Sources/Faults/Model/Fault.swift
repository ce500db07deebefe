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
  /// Whether established connections with the targets are destroyed, once, right after the fault is in force: both ends
  /// of each learn of it at once (the local one by ECONNABORTED, the other by a reset).
  public var killsConnections: Bool
  /// Whose packets are meant.
  public var targets: Targets
  /// How long it lives.
  public var timing: Timing
  /// Where all of its chance comes from: the same seed loses the same packets by number, on every kernel, wherever an
  /// effect is drawn by us (see ``Loss``, ``repeatsExactly``).
  public var seed: UInt64
  /// Whether delays too must repeat packet by packet: the delay line is then used even where the kernel has netem.
  public var repeatsExactly: Bool

  /// Describes a fault.
  public init(
    id: String, run: String, node: String, inbound: Effect? = nil, outbound: Effect? = nil,
    killsConnections: Bool = false, targets: Targets, timing: Timing, seed: UInt64 = 0, repeatsExactly: Bool = false
  ) {
    self.id = id
    self.run = run
    self.node = node
    self.inbound = inbound
    self.outbound = outbound
    self.killsConnections = killsConnections
    self.targets = targets
    self.timing = timing
    self.seed = seed
    self.repeatsExactly = repeatsExactly
  }
}

extension Fault {
  /// Which way packets go, seen from the node.
  public enum Direction: String, Sendable, Hashable, Codable, CaseIterable {
    /// They arrive.
    case inbound
    /// They leave.
    case outbound
  }

  /// The effect on one direction.
  public func effect(_ direction: Direction) -> Effect? {
    switch direction {
    case .inbound: inbound
    case .outbound: outbound
    }
  }
}

extension Fault {
  /// How long a fault lives, and how it is kept alive.
  public struct Timing: Sendable, Hashable, Codable {
    /// The longest it may live. The kernel ends it then, whatever happens to us.
    public var leaseMilliseconds: Int64
    /// How often its holder prolongs it.
    public var heartbeatMilliseconds: Int64
    /// How long it lives without being prolonged.
    public var silenceMilliseconds: Int64
    /// Whether it comes and goes; `nil` for a fault that is in force all the time.
    public var flapping: Flapping?

    /// A lease, a heartbeat, and how long the kernel waits for one.
    ///
    /// - Parameter silence: by default three heartbeats: two may be late before the fault lapses.
    public init(
      lease: Duration, heartbeat: Duration = .milliseconds(500), silence: Duration? = nil, flapping: Flapping? = nil
    ) {
      leaseMilliseconds = lease.milliseconds
      heartbeatMilliseconds = heartbeat.milliseconds
      silenceMilliseconds = (silence ?? heartbeat * 3).milliseconds
      self.flapping = flapping
    }
  }

  /// A fault that is in force for a while, then not, and so on until its end. It begins in force.
  ///
  /// The kernel ends each turn in force by itself; only the next beginning needs the holder.
  public struct Flapping: Sendable, Hashable, Codable {
    /// Time in force, at least 20 ms: the kernel's clock for it is a few milliseconds coarse.
    public var onMilliseconds: Int64
    /// Time not in force, at least 20 ms.
    public var offMilliseconds: Int64

    /// In force for `on`, then not for `off`.
    public init(on: Duration, off: Duration) {
      onMilliseconds = on.milliseconds
      offMilliseconds = off.milliseconds
    }
  }
}
