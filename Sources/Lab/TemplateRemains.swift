internal import Glibc
internal import Support

/// Removes the half-made template that a killed `lab up` left in the cache, with the server that was making it.
///
/// One that is just being made is left alone: its maker holds the lock beside it.
///
/// - Returns: what was removed, in words.
/// - Throws: ``Problem`` (recoveryIncomplete) or ``SystemError``.
func removeHalfMadeTemplates(in cache: String) throws -> [String] {
  var removed: [String] = []
  for name in try listDirectory(cache) where name.hasSuffix(".draft") {
    let draft = "\(cache)/\(name)"
    let lock = open("\(cache)/\(name.dropLast(".draft".count)).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw SystemError("open", draft) }
    defer { close(lock) }
    if flock(lock, LOCK_EX | LOCK_NB) != 0 { continue }
    switch try endProcesses({ try processesWorking(on: draft) }) {
    case .gone(let ended): removed += ended
    case .left(let what):
      throw Problem(
        .recoveryIncomplete, at: draft, "\(what) ignores SIGKILL; the half-made template is left",
        fix: "end it, then run: blackstart recover")
    }
    if let segment = try removeSegment(ofServerAt: "\(draft)/data") { removed.append("\(segment) of a template") }
    try removeTree(draft)
    removed.append("directory \(draft)")
  }
  return removed
}
