public import Faults
public import Netlink
public import Support

/// The agent of a namespace of this machine, within this process. The end of the process, in whatever way, ends its faults.
public final class NamespaceAgent: Agent {
  /// The node's name.
  public let node: String
  private let holder: FaultHolder
  private let inner: InnerFaultHolder
  private let timebase: Timebase
  private let namespace: NetworkNamespace

  /// Opens the node's kernel.
  ///
  /// - Parameters:
  ///   - node: the node's name.
  ///   - namespace: its network namespace.
  ///   - timebase: the clock of all time stamps.
  ///   - undo: who answers for what outlives this process; `nil` refuses faults that need it.
  ///   - processes: where the node's processes are; by default all in the namespace, and nobody plays a role.
  ///   - features: what the kernel can do, if that is known; it is found out when a fault needs it.
  ///   - report: called with every event of a held fault, on the holder's thread; it must not block.
  /// - Throws: `NetlinkError` with EPERM without CAP_NET_ADMIN.
  public init(
    node: String, namespace: NetworkNamespace, timebase: Timebase = .system, undo: (any UndoKeeper)? = nil,
    processes: ProcessScope? = nil, features: KernelFeatures? = nil, report: @escaping @Sendable (FaultEvent) -> Void
  ) throws {
    self.node = node
    self.timebase = timebase
    self.namespace = namespace
    holder = try FaultHolder(
      node: node, namespace: namespace, timebase: timebase, undo: undo, features: features, report: report)
    inner = InnerFaultHolder(
      node: node, scope: processes ?? ProcessScope(namespace: namespace), timebase: timebase, undo: undo, report: report
    )
  }

  /// Does what is asked and says what came of it.
  public func perform(_ request: AgentRequest) async throws -> AgentReply {
    switch request {
    case .arm(let fault): .armed(try await arm(fault))
    case .armInner(let fault): .innerArmed(try await inner.arm(fault))
    case .changes(let fault): .changes(try await inner.changes(of: fault))
    case .count(let fault) where inner.knows(fault): .counted(try await inner.counters(of: fault))
    case .count(let fault): .counted(try await holder.counters(of: fault))
    case .disarm(let fault) where inner.knows(fault): .ended(try await inner.disarm(fault))
    case .disarm(let fault): .ended(try await holder.disarm(fault))
    case .clock: .clock(timebase.wall())
    case .remains(let run): .remains(try await remains(of: run))
    // What this process has made ends with it. Others' journals are where an agent of a host looks for them.
    case .takeBack: .tookBack(UndoSuccession())
    case .snapshot: .snapshot(try await holder.snapshot())
    case .profile: .profile(try await holder.profile())
    case .ask(let question): throw AgentFailure.other("\(question): nobody asks it from '\(node)'")
    case .innerProfile: .innerProfile(try await onOwnThread("profile \(node)") { InnerProfile() })
    }
  }

  /// Tables and devices of a run that the node has now.
  private func remains(of run: String) async throws -> [String] {
    try await onOwnThread("remains on \(node)") { [namespace] in
      try Fault.tables(ofRun: run, in: namespace).map { "table \($0.id.name)" }
        + Stray.all(ofRun: run).filter { $0.namespace.identity == namespace.identity }.map { "device \($0.link.name)" }
    }
  }

  private func arm(_ fault: Fault) async throws -> ArmReceipt {
    // One id, one fault: which of two would be meant later?
    guard !inner.knows(fault.id) else { throw FaultError(.alreadyHeld, fault: fault.id, node: node) }
    return try await holder.arm(fault)
  }

  /// Ends all faults. Nothing can be held here afterwards.
  public func close() async {
    await inner.close()
    await holder.close()
  }
}
