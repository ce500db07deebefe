import Foundation
import Support

/// Where programs are looked for: the caller's own search path, which has the compiler that built these tests.
let searchPath = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"

/// The program of this name on the search path; `nil` if there is none.
func program(_ name: String) -> String? {
  searchPath.split(separator: ":").map { "\($0)/\(name)" }.first(where: fileExists)
}
