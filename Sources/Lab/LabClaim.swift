internal import Glibc
internal import Support

/// The directory of a lab while it has no name yet: `.ID.PID.TICKS`, renamed to `ID` once it says who owns it.
///
/// So a lab's directory has an owner from its first instant, and of two who want the same id one is refused.
struct LabClaim: Sendable, Hashable {
  var id: String
  var process: ProcessIdentity

  var directoryName: String { ".\(id).\(process.pid).\(process.startTicks)" }

  init(id: String, process: ProcessIdentity) {
    self.id = id
    self.process = process
  }

  init?(directoryName: String) {
    let parts = directoryName.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].isEmpty, let pid = Int32(parts[2]), let ticks = UInt64(parts[3]) else {
      return nil
    }
    id = String(parts[1])
    process = ProcessIdentity(pid: pid, startTicks: ticks)
  }

  /// Makes the lab's directory with its record and owner, all at once.
  ///
  /// - Throws: ``Problem`` (usage) if the id is taken; nothing is left then.
  static func take(_ paths: LabPaths, record: LabRecord, owner: LabOwner) throws {
    let labs = LabPaths.labs(in: paths.stateDirectory)
    let temporary = "\(labs)/\(LabClaim(id: paths.id, process: owner.process).directoryName)"
    do {
      // Below it lie PostgreSQL's data, whose user must be able to pass; the files with secrets are for root only.
      try makeDirectory(temporary)
      try record.write(to: "\(temporary)/lab.json")
      try writeFile("\(temporary)/owner.json", encodeJSON(owner))
      guard rename(temporary, paths.directory) == 0 else {
        let number = errno
        if number == ENOTEMPTY || number == EEXIST {
          throw Problem(
            .usage, at: paths.directory, "there is a lab '\(paths.id)' already; it was not touched",
            fix: "blackstart lab down --name \(paths.id), or blackstart recover if its run was killed")
        }
        throw SystemError("rename", paths.directory, number: number)
      }
    } catch {
      try removeTree(temporary)
      throw error
    }
  }
}
