import Drill
import Scenarios
import Support
import TestSupport

/// The root of the package, from the place of this file.
let packageRoot = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

/// The scenario in `file`, a path within the package, with `changes` made to its text.
func scenario(_ file: String, _ changes: [(String, String)] = []) throws -> LoadedScenario {
  var text = String(decoding: try readFile("\(packageRoot)/\(file)"), as: UTF8.self)
  for (old, new) in changes {
    guard text.contains(old) else { throw Problem(.usage, at: file, "does not contain '\(old)'") }
    text = text.replacing(old, with: new)
  }
  return try parseScenario(Array(text.utf8), file: file)
}

/// A run directory of the test's own, empty.
func withRunDirectory<T>(_ body: (RunDirectory) async throws -> T) async throws -> T {
  try await withTemporaryDirectory("drill", remove: { try removeTree($0) }) { path in
    try await body(RunDirectory(creating: "\(path)/run"))
  }
}

/// What `body` throws as a ``Problem``; `nil` if nothing.
func problem(_ body: () throws -> Void) throws -> Problem? {
  do { try body() } catch let problem as Problem { return problem }
  return nil
}
