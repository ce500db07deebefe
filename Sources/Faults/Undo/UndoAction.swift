internal import Netlink
internal import Support

/// How something is taken back that outlives its process: a closed list of typed steps, so that no journal and no
/// message can ever make the guardian or `recover` do anything else.
///
/// Every step is idempotent, does right after a half-finished apply, and never removes what this tool did not make.
public enum UndoAction: Sendable, Hashable, Codable {
  /// Removes an interface and with it the queueing disciplines on it, if its kind and alias are these.
  ///
  /// One without an alias is taken for ours too: the kernel takes an alias only with a second request, and a kill can
  /// come in between. Its name, 48 bits of a hash, was written down before it was made.
  case removeInterface(name: String, kind: String, alias: String)
  /// What was done to processes. What belongs to a family of inner faults stands in a file of that family.
  case processes(ProcessUndo)
  /// What was done to the clocks of processes.
  case clocks(ClockUndo)
  /// What was done to the clock of the whole node.
  case nodeClock(NodeClockUndo)
  /// What was done to disks.
  case disk(DiskUndo)

  /// What a step came to.
  public enum Result: Sendable, Hashable, Codable {
    /// It was there and is gone, verified.
    case removed
    /// There was nothing of it.
    case absent
    /// It ended without anybody's help; the text says how, as the end of a sentence: `ended with its tracer`.
    case endedByItself(String)
    /// Something of that name is there that somebody else made; it was left alone.
    case foreign(String)
  }

  /// Takes it back and verifies that it is gone. Blocks for as long as the kernel works (some 30 ms).
  ///
  /// - Parameter namespace: the node's network namespace; `nil` where there is none, and nothing that could be in one.
  func perform(in namespace: NetworkNamespace?) throws -> Result {
    switch self {
    case .processes(let undo): return try undo.perform()
    case .clocks(let undo): return try undo.perform()
    case .nodeClock(let undo): return try undo.perform()
    case .disk(let undo): return try undo.perform()
    case .removeInterface(let name, let kind, let alias):
      guard let namespace else { return .absent }
      let links = try LinkController(in: namespace)
      defer { links.close() }
      return try Self.removeInterface(name, kind: kind, alias: alias, links)
    }
  }

  /// As above, through a route socket that is open.
  static func removeInterface(
    _ name: String, kind: String, alias: String, _ links: LinkController
  ) throws(NetlinkError) -> Result {
    guard let found = try links.link(named: name) else { return .absent }
    guard found.kind == kind, found.alias == nil || found.alias == alias else {
      return .foreign("\(found.kind ?? "device") with alias \(found.alias.map { "\"\($0)\"" } ?? "none")")
    }
    do { try links.deleteLink(name) } catch {
      guard error.errno == 19 else { throw error }  // ENODEV: somebody was faster
    }
    guard let left = try links.link(named: name), left.index == found.index else { return .removed }
    throw NetlinkError(.incomplete("it is still there after its removal"), call: "RTM_DELLINK", object: .link(name))
  }
}

extension UndoAction: CustomStringConvertible {
  /// What it takes back: `ifb bs0123456789ab`.
  public var description: String {
    switch self {
    case .removeInterface(let name, let kind, _): "\(kind) \(name)"
    case .processes(let undo): "\(undo)"
    case .clocks(let undo): "\(undo)"
    case .nodeClock(let undo): "\(undo)"
    case .disk(let undo): "\(undo)"
    }
  }
}
