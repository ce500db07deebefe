internal import Faults
internal import Netlink
internal import Stacks
internal import Support

/// All that a lab has on this machine, found from its directory and the facts, and how to take it away.
///
/// Works from any state: half-made, half-removed, records missing or cut off. What it does is safe to repeat.
struct LabRemains: Sendable {
  let paths: LabPaths
  private let candidates: [String]
  private let recorded: [StartedServer]
  private let directory: String
  private let groups: OwnedGroups

  /// Collects the names that are the lab's, from its journal. Where that is damaged, also those in use that begin like
  /// them: an id has no dash, so no other lab's begin so.
  init(_ paths: LabPaths, boot: String) throws {
    self.paths = paths
    directory = paths.directory
    groups = OwnedGroups(lab: paths.id)
    let prefix = paths.namespace("")
    var names: Set<String> = []
    var servers: [StartedServer] = []
    var sameBoot = true
    let (entries, isWhole) = try UndoJournal.read(paths.journal)
    for entry in entries {
      switch entry {
      case .begin(let recordedBoot): sameBoot = recordedBoot == boot
      case .namespace(let name) where name.hasPrefix(prefix): names.insert(name)
      case .started(let server): servers.append(server)
      default: break
      }
    }
    if !isWhole { names.formUnion(try NetworkNamespace.names().filter { $0.hasPrefix(prefix) }) }
    candidates = names.sorted()
    // After a reboot another process may have that number and start time.
    recorded = sameBoot ? servers : []
  }

  /// The namespaces that exist, whole or half-made.
  func namespaces() throws -> [String] {
    try candidates.filter { try NetworkNamespace.exists(named: $0) }
  }

  /// The processes that are in them, or are recorded and still run.
  func processes() throws -> [LabProcess] {
    var found = try NamespaceCensus(candidates).processes()
    let known = Set(found.map(\.process))
    found += try processesWorking(on: directory).filter { !known.contains($0.process) }
    for server in recorded where !found.contains(where: { $0.process == server.process }) && server.process.isAlive {
      found.append(
        LabProcess(
          process: server.process, command: server.name.kind.rawValue, place: paths.namespace(server.name.region)))
    }
    return found
  }

  /// Mounts of ours below its directory, newest first.
  func mounts() throws -> [MountedPlace] { try MountedPlace.all(below: directory) }

  /// Its control groups.
  func controlGroups() throws -> [String] { try groups.existing() }

  /// Both in words.
  func others() throws -> [String] {
    try mounts().map { "mount \($0.source) on \($0.path)" } + controlGroups().map { "control group \($0)" }
  }

  /// Ends the processes, then removes mounts, control groups and namespaces, then the directory. Blocks: call it on a thread of your own.
  ///
  /// - Returns: what was removed, in words.
  /// - Throws: ``Problem`` (recoveryIncomplete) saying what is left.
  func remove() throws -> [String] {
    var removed: [String] = []
    do { try groups.thaw() } catch { throw incomplete("a group that stands still (\(groups.name))", error) }
    switch try endProcesses(processes) {
    case .gone(let ended): removed += ended
    case .left(let what): throw incomplete(what, nil)
    }
    // Before anything below is looked at: one whose process was killed answers nothing.
    for mount in try mounts() {
      do { try mount.remove() } catch { throw incomplete("mount \(mount.source) on \(mount.path)", error) }
      removed.append("mount \(mount.source) on \(mount.path)")
    }
    do { removed += try groups.remove().map { "control group \($0)" } } catch {
      throw incomplete("control group \(groups.name)", error)
    }
    for region in try listDirectory(directory) {
      if let segment = try removeSharedMemory(ofServerAt: paths.storeData(region)) {
        removed.append("\(segment) of \(region)")
      }
    }
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

  private func incomplete(_ what: String, _ cause: (any Error)?) -> Problem {
    Problem(
      .recoveryIncomplete, at: "lab \(paths.id)",
      "\(what) could not be removed\(cause.map { ": \($0)" } ?? "; it ignores SIGKILL"); what came before it is gone",
      fix: "mend the cause, then run: blackstart recover")
  }
}
