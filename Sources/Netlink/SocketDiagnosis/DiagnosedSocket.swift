/// A TCP or UDP socket as the kernel shows it.
public struct DiagnosedSocket: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The protocols that can be asked about.
  public enum Transport: UInt8, Sendable, Hashable, Codable, CaseIterable {
    /// TCP
    case tcp = 6
    /// UDP
    case udp = 17
  }

  /// The state of a socket (`TCP_…`, `net/tcp_states.h`). A UDP socket is `established` when it is connected, otherwise
  /// `closed`.
  public enum State: UInt8, Sendable, Hashable, Codable, CaseIterable {
    /// Both ends agree.
    case established = 1
    /// It asked for a connection.
    case synSent = 2
    /// It was asked for one and has agreed.
    case synReceived = 3
    /// It has said its last word, which is not acknowledged.
    case finWait1 = 4
    /// Its last word is acknowledged; the other end may go on.
    case finWait2 = 5
    /// It is over, but for late packets.
    case timeWait = 6
    /// It is over, or was never bound.
    case closed = 7
    /// The other end has said its last word.
    case closeWait = 8
    /// Both have, and the acknowledgement is missing.
    case lastAcknowledgement = 9
    /// It waits for others.
    case listen = 10
    /// Both are closing at once.
    case closing = 11
    /// It was asked for a connection that nobody has accepted yet.
    case newSynReceived = 12
  }

  /// Its protocol.
  public var transport: Transport
  /// Its state.
  public var state: State
  /// Its own end. An IPv4 connection of an IPv6 socket is shown in plain IPv4.
  public var local: IPAddress
  /// See ``local``.
  public var localPort: UInt16
  /// The other end; all zero if there is none.
  public var remote: IPAddress
  /// See ``remote``.
  public var remotePort: UInt16
  /// Index of the interface it is bound to, 0 for none.
  public var interface: UInt32
  /// The user that made it.
  public var user: UInt32
  /// Its inode, as `/proc/<pid>/fd` shows it; 0 once no process has it any more.
  public var inode: UInt32
  /// The number of the v2 control group that it was made in; `nil` if the kernel does not say.
  public var controlGroup: UInt64?
  /// A number that no other socket had since the machine was started.
  public var cookie: UInt64
  /// Its identity in the kernel's words (`struct inet_diag_sockid`), and the family it is kept in.
  let identity: Identity

  struct Identity: Sendable, Hashable, Codable {
    var family: UInt8
    var bytes: [UInt8]
  }

  /// Describes a socket that no kernel has shown, and that none can be asked to destroy: for questions about choices.
  public init(
    transport: Transport, state: State, local: IPAddress, localPort: UInt16, remote: IPAddress, remotePort: UInt16,
    interface: UInt32 = 0, user: UInt32 = 0, inode: UInt32 = 0, controlGroup: UInt64? = nil, cookie: UInt64 = .max
  ) {
    self.transport = transport
    self.state = state
    self.local = local
    self.localPort = localPort
    self.remote = remote
    self.remotePort = remotePort
    self.interface = interface
    self.user = user
    self.inode = inode
    self.controlGroup = controlGroup
    self.cookie = cookie
    identity = Identity(family: 0, bytes: [])
  }

  /// `tcp 10.0.0.1:5432 → 10.0.0.2:40112 established`.
  public var description: String {
    func end(_ address: IPAddress, _ port: UInt16) -> String {
      address.family == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
    return "\(transport) \(end(local, localPort)) → \(end(remote, remotePort)) \(state)"
  }

  /// True if it is one end of a conversation: not one that waits for others, and not one that talks to anybody.
  public var isConversation: Bool { state != .listen && state != .closed && remotePort != 0 }
}

extension DiagnosedSocket {
  /// Decodes `struct inet_diag_msg` with its attributes.
  init(decoding message: Message, _ transport: Transport) throws(WireError) {
    var reader = MessageReader(message.payload)
    let family = try reader.host(UInt8.self, "idiag_family")
    let number = try reader.host(UInt8.self, "idiag_state")
    guard let state = State(rawValue: number) else { throw .badLength(field: "idiag_state", length: Int(number)) }
    _ = try reader.take(2, "idiag_timer, idiag_retrans")
    let bytes = Array(try reader.take(48, "inet_diag_sockid"))
    _ = try reader.take(12, "idiag_expires, idiag_rqueue, idiag_wqueue")
    user = try reader.host(UInt32.self, "idiag_uid")
    inode = try reader.host(UInt32.self, "idiag_inode")
    let attributes = try Attribute.list(reader.rest)
    controlGroup = try attributes.first(21)?.host(UInt64.self, "INET_DIAG_CGROUP_ID")
    var fields = MessageReader(bytes[...])
    localPort = try fields.host(UInt16.self, "idiag_sport").byteSwapped
    remotePort = try fields.host(UInt16.self, "idiag_dport").byteSwapped
    local = try Self.address(try fields.take(16, "idiag_src"), family)
    remote = try Self.address(try fields.take(16, "idiag_dst"), family)
    interface = try fields.host(UInt32.self, "idiag_if")
    cookie = try fields.host(UInt64.self, "idiag_cookie")
    self.transport = transport
    self.state = state
    identity = Identity(family: family, bytes: bytes)
  }

  private static func address(_ bytes: ArraySlice<UInt8>, _ family: UInt8) throws(WireError) -> IPAddress {
    switch family {
    case 2:
      guard let address = IPAddress(bytes: bytes.prefix(4)) else { throw .missing(field: "idiag_src") }
      return address
    case 10:
      guard let address = IPAddress(bytes: bytes) else { throw .missing(field: "idiag_src") }
      // As packets carry it.
      return address.isIPv4Mapped ? IPAddress(bytes: bytes.suffix(4)) ?? address : address
    default: throw .badLength(field: "idiag_family", length: Int(family))
    }
  }
}
