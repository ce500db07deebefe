public import Netlink
public import Support

/// Where the processes of a node are to be found, and which of them are never to be touched.
public struct ProcessScope: Sendable {
  /// The node's network namespace, where the node is one; `nil` for a whole machine.
  public var namespace: NetworkNamespace?
  /// Who plays a role now; empty for a role that nobody plays, or where nobody knows of roles.
  public var players: @Sendable (_ role: String) -> [ProcessIdentity]
  /// Who must never be chosen besides this process, its parents, init and the kernel's own threads: the guardian.
  public var protected: @Sendable () -> [ProcessIdentity]
  /// Its prepared directories, and which file systems must be left alone; `nil` where there are none of them.
  public var disks: NodeDisks?
  /// Whether the clock of the whole node may be set; only where a scenario says so for a real host.
  public var permitsNodeClock: Bool

  /// A scope.
  public init(
    namespace: NetworkNamespace? = nil,
    players: @escaping @Sendable (_ role: String) -> [ProcessIdentity] = { _ in [] },
    protected: @escaping @Sendable () -> [ProcessIdentity] = { [] }, disks: NodeDisks? = nil,
    permitsNodeClock: Bool = false
  ) {
    self.permitsNodeClock = permitsNodeClock
    self.namespace = namespace
    self.players = players
    self.protected = protected
    self.disks = disks
  }
}
