public import Faults
public import Netlink
public import Support

/// The agent of a namespace of this machine, within this process. The end of the process, in whatever way, ends its faults.
public final class NamespaceAgent: Agent {
  /// The node's name.
  public let node: String
  private let holder: FaultHolder

  /// Opens the node's kernel.
  ///
  /// - Parameters:
  ///   - node: the node's name.
  ///   - namespace: its network namespace.
  ///   - timebase: the clock of all time stamps.
  ///   - undo: who answers for what outlives this process; `nil` refuses faults that need it.
  ///   - features: what the kernel can do, if that is known; it is found out when a fault needs it.
  ///   - report: called with every event of a held fault, on the holder's thread; it must not block.
  /// - Throws: `NetlinkError` with EPERM without CAP_NET_ADMIN.
  public init(
    node: String, namespace: NetworkNamespace, timebase: Timebase = .system, undo: (any UndoKeeper)? = nil,
    features: KernelFeatures? = nil, report: @escaping @Sendable (FaultEvent) -> Void
  ) throws {
    self.node = node
    holder = try FaultHolder(
      node: node, namespace: namespace, timebase: timebase, undo: undo, features: features, report: report)
  }

  /// Does what is asked and says what came of it.
  public func perform(_ request: AgentRequest) async throws -> AgentReply {
    switch request {
    case .arm(let fault): .armed(try await holder.arm(fault))
    case .count(let fault): .counted(try await holder.counters(of: fault))
    case .disarm(let fault): .ended(try await holder.disarm(fault))
    case .snapshot: .snapshot(try await holder.snapshot())
    case .profile: .profile(try await holder.profile())
    }
  }

  /// Ends all faults. Nothing can be held here afterwards.
  public func close() async {
    await holder.close()
  }
}
