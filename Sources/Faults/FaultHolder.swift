public import Netlink
public import Support

/// Holds the faults of one node: makes them, keeps them alive, watches them, ends them.
///
/// The kernel removes every fault held here when this process dies in any way (the tables belong to a socket of ours),
/// and when this process hangs (every element times out unless a heartbeat prolongs it). Heartbeats run on a thread of
/// their own. A fault that lapsed or was removed by somebody is reported as such and never silently made again.
public final class FaultHolder: Sendable {
  /// The node.
  public let node: String
  let core: HolderCore
  let thread: HolderThread

  /// Opens the node's kernel and finds out how elements are kept alive there.
  ///
  /// - Parameters:
  ///   - node: its name, for reports.
  ///   - namespace: its network namespace.
  ///   - timebase: the clock of all time stamps.
  ///   - report: called on the holder's thread with every event; it must not block.
  /// - Throws: ``NetlinkError`` with EPERM without CAP_NET_ADMIN.
  public convenience init(
    node: String, namespace: NetworkNamespace, timebase: Timebase = .system,
    report: @escaping @Sendable (FaultEvent) -> Void
  ) throws {
    try self.init(node: node, namespace: namespace, timebase: timebase, refresh: nil, report: report)
  }

  /// As above, but with a given way to keep elements alive instead of the one that the kernel is found to have.
  init(
    node: String, namespace: NetworkNamespace, timebase: Timebase = .system,
    refresh: CompiledFault.RefreshMethod?, report: @escaping @Sendable (FaultEvent) -> Void
  ) throws {
    self.node = node
    let core = try HolderCore(
      node: node, namespace: namespace, timebase: timebase, refresh: refresh, report: report)
    self.core = core
    thread = try HolderThread("hold \(node)", timebase: timebase) { core.tick() }
  }

  /// Makes a fault: all of it in one transaction, or nothing.
  ///
  /// - Throws: ``FaultError``; nothing was changed then.
  public func arm(_ fault: Fault) async throws -> ArmReceipt {
    try await thread.run { [core] in try core.arm(fault) }
  }

  /// What a held fault has dropped until now.
  public func counters(of id: String) async throws -> FaultCounters {
    try await thread.run { [core] in try core.counters(of: id) }
  }

  /// Ends a fault and verifies that it is gone. Asking again gives the same answer.
  ///
  /// - Returns: how it ended, which may have been before it was asked to.
  /// - Throws: ``FaultError`` with what remains and until when.
  public func disarm(_ id: String) async throws -> FaultOutcome {
    try await thread.run { [core] in try core.disarm(id) }
  }

  /// The packet filter, links, addresses and routes of the node as they are now.
  public func snapshot() async throws -> NodeSnapshot {
    try await thread.run { [core] in try core.snapshot() }
  }

  /// Ends all faults by closing the socket that owns them. Nothing can be held here afterwards.
  public func close() async {
    // The job cannot throw; only a thread that is gone could, and it lives as long as this object.
    _ = try? await thread.run { [core] in core.close() }
  }
}
