/// A network interface.
public struct Link: Sendable, Hashable, Codable {
  /// Its number in its namespace.
  public var index: Int32
  /// Its name, at most 15 bytes.
  public var name: String
  /// `bridge`, `veth`, …; `nil` for what has no kind, such as `lo` and hardware.
  public var kind: String?
  /// IFF_ flags.
  public var flags: UInt32
  /// Index of the bridge it is a port of.
  public var master: Int32?
  /// Largest packet, bytes.
  public var mtuBytes: UInt32
  /// Name of its root queueing discipline.
  public var queueingDiscipline: String?
  /// The text that its maker gave it to carry.
  public var alias: String?

  /// IFF_UP: switched on by its administrator.
  public var isUp: Bool { flags & 1 != 0 }

  /// IFF_RUNNING: packets can leave. Comes a moment after both ends of a pair are switched on.
  public var isRunning: Bool { flags & 0x40 != 0 }
}

/// An address of an interface.
public struct LinkAddress: Sendable, Hashable, Codable {
  /// Index of the interface.
  public var link: Int32
  /// The address with its prefix length.
  public var prefix: IPPrefix
  /// IFA_F_ flags.
  public var flags: UInt32
}

/// A route.
public struct Route: Sendable, Hashable, Codable {
  /// Where to; length 0 is the default route.
  public var destination: IPPrefix
  /// The next hop, `nil` when the destination is on the link.
  public var gateway: IPAddress?
  /// Index of the interface it leaves by.
  public var link: Int32?
  /// The routing table, 254 is main and 255 local.
  public var table: UInt32
  /// RTN_ type: 1 unicast, 2 local, 6 blackhole, …
  public var type: UInt8
  /// Who made it: 2 kernel, 3 boot, 4 static, …
  public var maker: UInt8
  /// Its metric; smaller wins.
  public var metric: UInt32
}
