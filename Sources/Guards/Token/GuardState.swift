internal import CKernel
internal import Glibc
internal import Support

/// What a guard must not forget: the highest token it has seen, and whether it is frozen. A small file, replaced as a whole and
/// synced, in a directory that one process at a time holds.
struct GuardState: Sendable {
  private struct Content: Codable {
    var authority: String
    var highest: Int64?
    var frozen: Bool
  }

  private let path: String
  private let lock: Descriptor
  private var content: Content

  /// Opens the state in `directory`, which is made if it is not there.
  ///
  /// - Parameter authority: what issues the tokens; a state that was kept for another one is refused.
  /// - Throws: ``Problem`` when another guard holds the directory, or its file is damaged or of another authority: to begin
  ///   anew would be to forget the highest token.
  init(directory: String, authority: String) throws {
    try makeDirectory(directory, mode: 0o700)
    path = "\(directory)/guard.json"
    lock = try Descriptor.open("\(directory)/lock", O_RDWR | O_CREAT, mode: 0o600)
    content = Content(authority: authority, highest: nil, frozen: false)
    guard bs_try_lock_exclusive(lock.number) == 0 else {
      throw Problem(
        .usage, at: directory, "another guard uses this state directory; nothing was started",
        fix: "give each guard a directory of its own")
    }
    guard fileExists(path) else {
      try save()
      return
    }
    do { content = try decodeJSON(Content.self, from: try readFile(path, limit: 1 << 16)) } catch {
      throw Problem(
        .usage, at: path, "the guard's state is damaged: \(error); nothing was started",
        fix: "write the highest token ever used into it, as {\"authority\": …, \"frozen\": false, \"highest\": N}")
    }
    guard content.authority == authority else {
      throw Problem(
        .usage, at: path, "this state belongs to '\(content.authority)', not to '\(authority)'; nothing was started",
        fix: "give the guard another state directory, or the authority that it had")
    }
  }

  var highest: FencingToken? { content.highest.flatMap { FencingToken($0) } }
  var isFrozen: Bool { content.frozen }

  /// Keeps a token; it is on disk when this returns.
  mutating func keep(_ highest: FencingToken) throws { try change { $0.highest = highest.value } }

  /// Keeps whether the guard is frozen.
  mutating func keep(isFrozen: Bool) throws { try change { $0.frozen = isFrozen } }

  private mutating func change(_ body: (inout Content) -> Void) throws {
    let before = content
    body(&content)
    do { try save() } catch {
      content = before
      throw error
    }
  }

  private func save() throws {
    try writeFile(path, try encodeJSON(content), mode: 0o600)
    try syncDirectory(of: path)
  }
}
