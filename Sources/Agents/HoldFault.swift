public import Faults
public import Netlink
public import Support

/// Holds one fault until `end` returns or throws, or until the fault ends by itself; for a process that does nothing else.
///
/// Whatever ends the process, SIGKILL included, ends the fault.
///
/// - Parameters:
///   - undo: who answers for what outlives this process; `nil` refuses faults that need it.
///   - onArmed: called when the fault is in force.
///   - end: waits for the end: of input, of a signal, of a time. It is cancelled when the fault ends before it.
/// - Returns: how the fault ended.
/// - Throws: `FaultError` if it could not be made; nothing was changed then.
public func holdFault(
  _ fault: Fault, in namespace: NetworkNamespace, timebase: Timebase = .system, undo: (any UndoKeeper)? = nil,
  report: @escaping @Sendable (FaultEvent) -> Void = { _ in }, onArmed: @Sendable (ArmReceipt) -> Void,
  until end: @escaping @Sendable () async throws -> Void
) async throws -> FaultOutcome {
  let (ends, ended) = AsyncStream.makeStream(of: Void.self)
  let agent = try NamespaceAgent(node: fault.node, namespace: namespace, timebase: timebase, undo: undo) { event in
    report(event)
    if case .ended = event.kind { ended.finish() }
  }
  do {
    onArmed(try await agent.arm(fault))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "asked to end") { try await end() }
      group.addTask(name: "ended by itself") { for await _ in ends {} }
      _ = try await group.next()
      group.cancelAll()
    }
  } catch {
    await agent.close()
    throw error
  }
  let outcome = try await agent.disarm(fault.id)
  await agent.close()
  return outcome
}
