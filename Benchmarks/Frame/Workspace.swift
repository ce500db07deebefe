internal import Glibc
internal import Support

/// Runs `body` with a new directory that is removed afterwards. Others may enter it: PostgreSQL runs as another user.
func withWorkspace<T: Sendable>(_ body: (String) async throws -> T) async throws -> T {
  var template = Array("/tmp/blackstart-bench-XXXXXX".utf8CString)
  let path = template.withUnsafeMutableBufferPointer { buffer -> String? in
    guard let base = buffer.baseAddress, mkdtemp(base) != nil else { return nil }
    return String(cString: base)
  }
  guard let path else { throw SystemError("mkdtemp", "/tmp") }
  let outcome: Result<T, any Error>
  do {
    guard chmod(path, 0o755) == 0 else { throw SystemError("chmod", path) }
    outcome = .success(try await body(path))
  } catch { outcome = .failure(error) }
  try removeTree(path)
  return try outcome.get()
}

/// The `blackstart` executable: the one named, or the one beside this program.
///
/// - Throws: ``Problem`` (usage) if there is none.
func toolPath(_ named: String?) throws -> String {
  let directory = try ownPath().split(separator: "/").dropLast().joined(separator: "/")
  let path = named ?? "/\(directory)/blackstart"
  guard access(path, X_OK) == 0, let real = realpath(path, nil) else {
    throw Problem(
      .usage, at: path, "there is no blackstart executable", fix: "swift build -c release, or name one with --tool")
  }
  defer { free(real) }
  return String(cString: real)
}

/// The path of this program.
func ownPath() throws -> String {
  guard let path = realpath("/proc/self/exe", nil) else { throw SystemError("realpath", "/proc/self/exe") }
  defer { free(path) }
  return String(cString: path)
}
