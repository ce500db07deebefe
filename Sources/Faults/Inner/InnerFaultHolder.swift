internal import CKernel
public import Support
internal import Synchronization

/// Holds the inner faults of one node: makes them, keeps them alive, watches them, ends them.
///
/// Each fault has a thread of its own, so that one whose making takes long keeps no other from its heartbeat, and what the
/// kernel ties to a thread ends with it.
public final class InnerFaultHolder: Sendable {
  /// The node.
  public let node: String
  private let scope: ProcessScope
  private let undo: (any UndoKeeper)?
  private let timebase: Timebase
  private let report: @Sendable (FaultEvent) -> Void
  private let held = Mutex<[String: HolderThread<HeldInner>]>([:])
  private let isClosed = Mutex(false)

  /// Prepares to hold faults. Touches nothing.
  ///
  /// - Parameters:
  ///   - node: its name, for reports.
  ///   - scope: where its processes are.
  ///   - timebase: the clock of all time stamps.
  ///   - undo: who answers for what outlives this process; `nil` refuses faults that need it.
  ///   - report: called with every event, in order for each fault, on the fault's thread; it must not block.
  public init(
    node: String, scope: ProcessScope, timebase: Timebase = .system, undo: (any UndoKeeper)? = nil,
    report: @escaping @Sendable (FaultEvent) -> Void
  ) {
    self.node = node
    self.scope = scope
    self.timebase = timebase
    self.undo = undo
    self.report = report
  }

  /// Makes a fault: promised, made, verified; or nothing.
  ///
  /// - Throws: ``FaultError`` with the state of things.
  public func arm(_ fault: InnerFault) async throws -> InnerArmReceipt {
    try fault.validate()
    let order = InnerOrder(fault: fault, scope: scope, timebase: timebase)
    if isClosed.withLock({ $0 }) { throw order.refusal(.closed) }
    let thread = try HolderThread(
      "hold \(fault.id)", timebase: timebase, make: { [undo, report] in HeldInner(order, undo: undo, report: report) },
      tick: { $0.tick() }, end: { $0.close() })
    let isNew = held.withLock { held in
      guard held[fault.id] == nil else { return false }
      held[fault.id] = thread
      return true
    }
    guard isNew else { throw order.refusal(.alreadyHeld) }
    do { return try await thread.run { try $0.arm() } } catch {
      held.withLock { $0[fault.id] = nil }
      throw error
    }
  }

  /// What arming it would change now, one line each, with the very processes and files. Changes nothing.
  ///
  /// - Throws: ``FaultError`` for what cannot be made here.
  public func changes(of fault: InnerFault) async throws -> [String] {
    try fault.validate()
    let order = InnerOrder(fault: fault, scope: scope, timebase: timebase)
    return try await onOwnThread("look \(fault.id)") {
      do { return try order.mechanism().changes } catch let error as FaultError {
        throw error
      } catch {
        throw order.refusal(.system("\(error)"))
      }
    }
  }

  /// Whether a fault of that id was armed here.
  public func knows(_ id: String) -> Bool { held.withLock { $0[id] != nil } }

  /// What a held fault did until now, or until its end.
  public func counters(of id: String) async throws -> FaultCounters {
    try await thread(of: id).run { try $0.counters() }
  }

  /// Ends a fault and verifies that it is gone. Asking again gives the same answer.
  ///
  /// - Throws: ``FaultError`` with what remains.
  public func disarm(_ id: String) async throws -> FaultOutcome { try await thread(of: id).run { try $0.disarm() } }

  /// Ends all faults. Nothing can be held here afterwards.
  public func close() async {
    isClosed.withLock { $0 = true }
    for thread in held.withLock({ Array($0.values) }) {
      // What it could not take back stays promised to the guardian.
      _ = try? await thread.run { $0.close() }
    }
  }

  private func thread(of id: String) throws(FaultError) -> HolderThread<HeldInner> {
    guard let thread = held.withLock({ $0[id] }) else { throw FaultError(.notHeld, fault: id, node: node) }
    return thread
  }
}

/// That an inner fault is armed: when, and as what.
public struct InnerArmReceipt: Sendable, Hashable, Codable {
  /// The fault.
  public var fault: String
  /// When the first change was made; before this moment the fault was surely not in force.
  public var sentAtNanoseconds: Int64
  /// When all of it was verified to be in force.
  public var armedAtNanoseconds: Int64
  /// How it was made, and why.
  public var mechanisms: [MechanismChoice]
  /// What was changed, one line each.
  public var changes: [String]
  /// What was seen of it, one line each.
  public var evidence: [String]
  /// What it had reached by then.
  public var counters: InnerCounters
}
