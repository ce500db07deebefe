internal import Glibc
internal import Netlink
internal import Support

/// All that a lab has on this machine, found from its directory and the facts, and how to take it away.
///
/// Works from any state: half-made, half-removed, records missing or cut off. What it does is safe to repeat.
struct LabRemains: Sendable {
  let paths: LabPaths
  private let candidates: [String]
  private let recorded: [StartedServer]
  private let directory: String

  /// Collects the names that may be the lab's: from its specification, its journal, and those in use that begin like
  /// them. An id has no dash, so no other lab's begin so.
  init(_ paths: LabPaths, boot: String) throws {
    self.paths = paths
    directory = paths.directory
    let prefix = paths.namespace("")
    var names: Set<String> = []
    var servers: [StartedServer] = []
    var sameBoot = true
    for entry in try UndoJournal.read(paths.journal) {
      switch entry {
      case .begin(let recordedBoot): sameBoot = recordedBoot == boot
      case .namespace(let name) where name.hasPrefix(prefix): names.insert(name)
      case .started(let server): servers.append(server)
      default: break
      }
    }
    names.formUnion(try NetworkNamespace.names().filter { $0.hasPrefix(prefix) })
    candidates = names.sorted()
    // After a reboot another process may have that number and start time.
    recorded = sameBoot ? servers : []
  }

  /// The namespaces that exist, whole or half-made.
  func namespaces() throws -> [String] {
    try candidates.filter { try NetworkNamespace.exists(named: $0) }
  }

  /// The processes that are in them, or are recorded and still run.
  func processes() throws -> [NamespaceProcess] {
    var found = try NamespaceCensus(candidates).processes()
    for server in recorded where !found.contains(where: { $0.process == server.process }) && server.process.isAlive {
      found.append(
        NamespaceProcess(
          process: server.process, command: server.name.kind.rawValue, namespace: paths.namespace(server.name.region)))
    }
    return found
  }

  /// Ends the processes, then removes the namespaces, then the directory. Blocks: call it on a thread of your own.
  ///
  /// - Parameter grace: how long PostgreSQL may take for its immediate shutdown before it is killed like the others.
  /// - Returns: what was removed, in words.
  /// - Throws: ``Problem`` (recoveryIncomplete) saying what is left.
  func remove(grace: Duration) throws -> [String] {
    var removed = try endProcesses(grace: grace)
    removed += try removeSharedMemory()
    for name in try namespaces() {
      do { try NetworkNamespace.delete(named: name) } catch { throw incomplete("namespace \(name)", error) }
      removed.append("namespace \(name)")
    }
    if fileExists(directory) {
      // A kill -9 between the two leaves a directory without records, which is recovered like any other.
      do { try removeTree(directory) } catch { throw incomplete("directory \(directory)", error) }
      removed.append("directory \(directory)")
    }
    return removed
  }

  private func endProcesses(grace: Duration) throws -> [String] {
    var ended: [String] = []
    // Rounds, for PostgreSQL may fork while we look.
    for round in 0..<8 {
      let left = try processes()
      if left.isEmpty { return ended }
      for process in left {
        // PostgreSQL gives back its shared memory on SIGQUIT. The others' data goes away with them.
        let isPolite = round == 0 && process.command == "postgres"
        do { try process.process.send(isPolite ? Signal.quit : Signal.kill) } catch {
          throw incomplete("process \(process.command) (\(process.process))", error)
        }
        if round == 0 { ended.append("process \(process.command) (\(process.process)) in \(process.namespace)") }
      }
      let deadline = Timebase.system.monotonic() + (round == 0 ? grace : .milliseconds(500)).nanoseconds
      for process in left {
        _ = process.process.waitUntilGone(limit: .nanoseconds(max(0, deadline - Timebase.system.monotonic())))
      }
    }
    let left = try processes()
    if left.isEmpty { return ended }
    throw incomplete(left.map { "process \($0.command) (\($0.process))" }.joined(separator: ", "), nil)
  }

  /// The segment that a killed PostgreSQL left: line 7 of its `postmaster.pid` has key and id.
  private func removeSharedMemory() throws -> [String] {
    var removed: [String] = []
    for region in try regionDirectories() {
      let data = paths.storeData(region)
      var information = stat()
      guard stat(data, &information) == 0, fileExists("\(data)/postmaster.pid") else { continue }
      let lines = String(decoding: try readFile("\(data)/postmaster.pid", limit: 4096), as: UTF8.self)
        .split(separator: "\n", omittingEmptySubsequences: false)
      guard lines.count >= 7 else { continue }  // killed before it had any
      let words = lines[6].split(separator: " ")
      guard words.count == 2, let key = Int64(words[0]), let id = Int32(words[1]) else { continue }
      if try Support.removeSharedMemory(id: id, key: key, creator: information.st_uid) {
        removed.append("shared memory segment \(id) of \(region)")
      }
    }
    return removed
  }

  private func regionDirectories() throws -> [String] {
    try listDirectory(directory).filter { fileExists(paths.storeData($0)) }
  }

  private func incomplete(_ what: String, _ cause: (any Error)?) -> Problem {
    Problem(
      .recoveryIncomplete, at: "lab \(paths.id)",
      "\(what) could not be removed\(cause.map { ": \($0)" } ?? "; it ignores SIGKILL"); what came before it is gone",
      fix: "mend the cause, then run: blackstart recover")
  }
}
