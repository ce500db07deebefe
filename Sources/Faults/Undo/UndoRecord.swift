public import Netlink

/// What one fault on one node leaves behind if nobody takes it back, and how that is done.
public struct UndoRecord: Sendable, Hashable, Codable {
  /// The fault.
  public var fault: String
  /// Its run.
  public var run: String
  /// Its node.
  public var node: String
  /// Where the node's kernel objects are; `nil` for what is in no network namespace: processes, clocks, disks.
  public var place: NodePlace?
  /// In the order in which the things are made; they are taken back in the opposite order.
  public var actions: [UndoAction]
  /// The longest the fault may live.
  public var leaseMilliseconds: Int64

  /// What a fault is about to make in a node's namespace.
  public init(_ fault: Fault, in namespace: NetworkNamespace, actions: [UndoAction]) {
    self.fault = fault.id
    run = fault.run
    node = fault.node
    place = NodePlace(namespace)
    self.actions = actions
    leaseMilliseconds = fault.timing.leaseMilliseconds
  }

  /// What an inner fault is about to make on a node.
  public init(_ fault: InnerFault, actions: [UndoAction]) {
    self.fault = fault.id
    run = fault.run
    node = fault.node
    place = nil
    self.actions = actions
    leaseMilliseconds = fault.timing.leaseMilliseconds
  }

  /// What a preparation, which is no fault and has no lease, is about to make on this machine.
  init(preparation: String, run: String, node: String, actions: [UndoAction]) {
    fault = preparation
    self.run = run
    self.node = node
    place = nil
    self.actions = actions
    leaseMilliseconds = 0
  }

  /// Takes everything back, newest first; each step is tried, whatever became of the others.
  ///
  /// - Parameter namespace: the node's; `nil` if it is gone, and with it all that was in it, or if there was none.
  /// - Returns: what became of it, one line a step: `removed ifb bs0123456789ab`.
  /// - Throws: ``UndoFailure`` naming every step that failed.
  func undo(in namespace: NetworkNamespace?) throws(UndoFailure) -> [String] {
    if let place, namespace == nil { return ["nothing to remove: \(place) is gone, and all that was in it"] }
    var lines: [String] = []
    var failures: [String] = []
    for action in actions.reversed() {
      do {
        switch try action.perform(in: namespace) {
        case .removed: lines.append("removed \(action)")
        case .absent: lines.append("nothing to remove: there is no \(action)")
        case .endedByItself(let why): lines.append("nothing to remove: \(action) \(why)")
        case .foreign(let what): lines.append("left alone \(action), which somebody else made: \(what)")
        }
      } catch {
        failures.append("\(action): \(error)")
      }
    }
    if !failures.isEmpty { throw UndoFailure(done: lines, failed: failures) }
    return lines
  }
}

/// Steps that could not be taken back.
struct UndoFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// What the other steps came to.
  var done: [String]
  /// The steps that failed, with the kernel's answer.
  var failed: [String]

  var description: String { failed.joined(separator: "; ") }
}
