internal import Glibc
internal import Stacks
internal import Support

/// A half-made template that a killed `lab up` left in the cache.
struct TemplateRemains: Sendable {
  /// `CACHE/postgres-VERSION-DIGEST.draft`.
  let draft: String

  /// All that nobody works on: the maker of one holds the lock beside it.
  static func all(in cache: String) throws(SystemError) -> [TemplateRemains] {
    var found: [TemplateRemains] = []
    for name in try listDirectory(cache) where name.hasSuffix(".draft") {
      let remains = TemplateRemains(draft: "\(cache)/\(name)")
      if remains.withLock({}) != nil { found.append(remains) }
    }
    return found
  }

  /// The server that was making it.
  func processes() throws(SystemError) -> [LabProcess] { try processesWorking(on: draft) }

  /// Removes it with its processes; one that somebody has just taken up is left alone. Blocks.
  ///
  /// - Returns: what was removed, in words.
  /// - Throws: ``Problem`` (recoveryIncomplete) or ``SystemError``.
  func remove() throws -> [String] {
    try withLock {
      var removed: [String] = []
      switch try endProcesses(processes) {
      case .gone(let ended): removed += ended
      case .left(let what):
        throw Problem(
          .recoveryIncomplete, at: draft, "\(what) ignores SIGKILL; the half-made template is left",
          fix: "end it, then run: blackstart recover")
      }
      if let segment = try removeSharedMemory(ofServerAt: "\(draft)/data") {
        removed.append("\(segment) of a template")
      }
      try removeTree(draft)
      return removed + ["directory \(draft)"]
    } ?? []
  }

  /// Runs `body` with the maker's lock (`PostgresTemplate`) held; `nil` if somebody else has it.
  private func withLock<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T? {
    let lock = open("\(draft.dropLast(".draft".count)).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { return nil }  // the cache cannot be written: nobody can make a template there either
    defer { close(lock) }
    return flock(lock, LOCK_EX | LOCK_NB) == 0 ? try body() : nil
  }
}
