internal import Netlink
internal import Support

/// A lab, or a half-made template of its stores, that has something on this machine; for `recover --list`.
public struct LabListing: Sendable {
  /// Its id; `template` for a template.
  public var id: String
  /// Whether somebody answers for it.
  public var standing: LabStanding
  /// Its directory.
  public var directory: String
  /// Its namespaces that exist.
  public var namespaces: [String]
  /// Its processes that run: command and pid.
  public var processes: [String]
  /// What else it has on the machine: mounts and control groups, in words.
  public var others: [String] = []
}

extension Lab {
  /// What labs a state directory has, and what of them exists. Changes nothing.
  ///
  /// - Throws: ``SystemError`` or `NetlinkError` when the facts cannot be read.
  public static func list(stateDirectory: String) async throws -> [LabListing] {
    let stateDirectory = absolutePath(stateDirectory)
    return try await onOwnThread("lab-list") {
      let boot = try bootID()
      let labs = try ids(in: stateDirectory).map { id in
        let paths = LabPaths(stateDirectory: stateDirectory, id: id)
        let remains = try LabRemains(paths, boot: boot)
        return LabListing(
          id: id, standing: standing(paths, boot: boot), directory: paths.directory,
          namespaces: try remains.namespaces(),
          processes: try remains.processes().map { "\($0.command) (\($0.process))" },
          others: try remains.others())
      }
      let templates = try TemplateRemains.all(in: LabPaths.cache(in: stateDirectory)).map { template in
        LabListing(
          id: "template", standing: .abandoned, directory: template.draft, namespaces: [],
          processes: try template.processes().map { "\($0.command) (\($0.process))" })
      }
      return labs + templates
    }
  }

  /// Removes every lab that nobody answers for, whatever state it is in: processes, namespaces, directories.
  ///
  /// - Parameters:
  ///   - id: only this lab; `nil` for all.
  ///   - force: also labs that are kept or in use. Their runs then see their servers die.
  /// - Returns: what was removed, in words; empty if there was nothing.
  /// - Throws: `Problems` (recoveryIncomplete) naming what is left, after trying every lab.
  public static func recover(
    stateDirectory: String, id only: String? = nil, force: Bool = false
  ) async throws -> [String] {
    let stateDirectory = absolutePath(stateDirectory)
    let (removed, failures) = try await onOwnThread("lab-recover") { () -> ([String], [Problem]) in
      let boot = try bootID()
      var removed: [String] = []
      var failures: [Problem] = []
      for id in try ids(in: stateDirectory) where only == nil || only == id {
        let paths = LabPaths(stateDirectory: stateDirectory, id: id)
        if !force && standing(paths, boot: boot) != .abandoned { continue }
        do {
          removed += try LabRemains(paths, boot: boot).remove()
        } catch let problem as Problem {
          failures.append(problem)
        } catch {
          failures.append(
            Problem(.recoveryIncomplete, at: "lab \(id)", "\(error)", fix: "run blackstart recover again"))
        }
      }
      removed += try removeUnclaimed(in: stateDirectory)
      for template in try TemplateRemains.all(in: LabPaths.cache(in: stateDirectory)) {
        removed += try template.remove()
      }
      return (removed, failures)
    }
    if !failures.isEmpty { throw Problems(failures) }
    return removed
  }

  /// The labs that have a directory. A namespace is never older or younger than its lab's directory.
  private static func ids(in stateDirectory: String) throws -> [String] {
    try listDirectory(LabPaths.labs(in: stateDirectory))
      .filter { LabSpecification.isName($0, atMost: 16, digitFirst: true) }
  }

  static func standing(_ paths: LabPaths, boot: String) -> LabStanding {
    // No owner, or half of one, is what a kill in the midst of `remove` leaves.
    guard let bytes = try? readFile(paths.owner, limit: 1 << 16),
      let owner = try? decodeJSON(LabOwner.self, from: bytes)
    else { return .abandoned }
    return owner.standing(boot: boot)
  }

  /// Directories that were being prepared under a name of their own when their process died.
  private static func removeUnclaimed(in stateDirectory: String) throws -> [String] {
    let labs = LabPaths.labs(in: stateDirectory)
    var removed: [String] = []
    for name in try listDirectory(labs) {
      guard let claim = LabClaim(directoryName: name), !claim.process.isAlive else { continue }
      try removeTree("\(labs)/\(name)")
      removed.append("directory \(labs)/\(name)")
    }
    return removed
  }
}
