import Glibc
import Netlink
import Support
import Testing

@testable import Faults

/// A state directory and a node of one test; both are removed whatever happens.
struct UndoScratch {
  let state: String
  let node: NetworkNamespace
  /// Recovery by what the kernel shows takes all devices of a run away, those of tests beside this one included.
  let run: String

  static func with<R>(run: String = "test", _ body: (UndoScratch) async throws -> R) async throws -> R {
    let name = "bst-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let state = "/tmp/\(name)"
    try makeDirectory(state)
    let outcome: Result<R, any Error>
    do {
      let scratch = UndoScratch(state: state, node: try .create(named: name), run: run)
      outcome = .success(
        try await withTaskExecutorPreference(BlockingExecutor()) { try await body(scratch) })
    } catch { outcome = .failure(error) }
    try NetworkNamespace.delete(named: name)
    try removeTree(state)
    return try outcome.get()
  }

  /// A fault on the node, for its names.
  func fault(_ id: String = "slow") -> Fault {
    Fault(
      id: id, run: run, node: "n", inbound: .drop, targets: .init(peers: [.v4(0x0A00_0001)]),
      timing: .init(lease: .seconds(30)))
  }

  /// What one device of that fault is called.
  func name(_ id: String = "slow", role: String = "in") -> ScaffoldName {
    ScaffoldName(fault(id), role: role)
  }

  /// The record that stands for that device.
  func record(_ id: String = "slow", role: String = "in") -> UndoRecord {
    let name = name(id, role: role)
    return UndoRecord(
      fault(id), in: node,
      actions: [.removeInterface(name: name.interface, kind: "ifb", alias: name.alias)])
  }

  /// Makes the device.
  func make(_ id: String = "slow", role: String = "in", alias: Bool = true) throws {
    let name = name(id, role: role)
    try links { try $0.createIFB(name.interface, alias: alias ? name.alias : nil) }
  }

  /// Names of the devices in the node, without the loopback.
  func devices() throws -> [String] {
    try links { try $0.links().map(\.name).filter { $0 != "lo" } }
  }

  func links<R>(_ body: (LinkController) throws -> R) throws -> R {
    let links = try LinkController(in: node)
    defer { links.close() }
    return try body(links)
  }

  /// The directory of a process that ended long ago, with `entries` in its journal.
  func forsaken(
    _ entries: [UndoEntry], boot: String? = nil, guardian: [UndoEntry] = []
  ) throws -> UndoDirectory {
    let directory = UndoDirectory(stateDirectory: state, run: run, process: .init(pid: 4_000_000, startTicks: 7))
    try makeDirectory(directory.path)
    var journal = try JournalFile(creating: directory.journal, timebase: .system)
    try journal.append(.begin(.init(run: run, process: directory.process, boot: boot ?? bootID())))
    for entry in entries { try journal.append(entry) }
    if !guardian.isEmpty {
      var second = try JournalFile(creating: directory.guardianJournal(1), timebase: .system)
      for entry in guardian { try second.append(entry) }
    }
    return directory
  }

  func recover(force: Bool = false) throws -> [String] {
    try UndoRecovery.recover(stateDirectory: state, force: force)
  }
}

/// Looks until `condition` holds.
///
/// - Returns: whether it did within `limit`.
func eventually(within limit: Duration, _ condition: () throws -> Bool) async throws -> Bool {
  let deadline = ContinuousClock.now + limit
  while try !condition() {
    if ContinuousClock.now > deadline { return false }
    try await Task.sleep(for: .milliseconds(2))  // another process is at work, which sends no event
  }
  return true
}
