import Glibc
import Support
import Testing

@testable import Faults

/// A directory of this test's own that is prepared for disk faults, unmounted whatever happens.
struct Prepared {
  let directory: PreparedDirectory
  var path: String { directory.path }

  static func with(
    _ options: PreparedDirectory.Options = .init(), before: (String) throws -> Void = { _ in },
    _ body: (Prepared) async throws -> Void
  ) async throws {
    try await withDirectory("disk") { path in
      let data = "\(path)/data"
      try makeDirectory(data)
      try before(data)
      let directory = try PreparedDirectory(
        data, id: "data", run: path, node: "n", program: Blackstart.program, options: options)
      let outcome: Result<Void, any Error>
      do {
        try await body(Prepared(directory: directory))
        outcome = .success(())
      } catch { outcome = .failure(error) }
      // A test that failed may have left files open.
      if try directory.place.isThere() { try directory.unmount(lazily: true) }
      try outcome.get()
    }
  }

  /// Puts rules in force for long enough.
  func arm(_ rules: FileRule..., seed: UInt64 = 1, for life: Duration = .seconds(60)) throws {
    try directory.arm("test", rules, seed: seed, until: Timebase.system.monotonic() + life.nanoseconds)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func shell(_ script: String) async throws -> String {
    let result = try await Blackstart.command("/bin/sh", ["-ec", "cd \(path); \(script)"], in: "/")
    #expect(result.code == 0, "\(result.errors)")
    return result.output
  }
}

/// An open file, and what the kernel says to each call: 0 or more, or a negative errno.
final class OpenFile {
  let descriptor: Int32

  init(_ path: String, _ flags: Int32 = O_RDWR | O_CREAT) throws {
    descriptor = open(path, flags | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError("open", path) }
  }

  deinit { close(descriptor) }

  func write(_ bytes: [UInt8], at offset: Int = 0) -> Int { said(pwrite(descriptor, bytes, bytes.count, offset)) }
  func sync() -> Int { said(Int(fsync(descriptor))) }
  func syncData() -> Int { said(Int(fdatasync(descriptor))) }

  private func said(_ result: Int) -> Int { result < 0 ? -Int(errno) : result }
}

let isRoot = geteuid() == 0

/// Looks until `condition` holds, for longer than it can take.
func withinTime(_ condition: () throws -> Bool) async throws -> Bool {
  let deadline = ContinuousClock.now + .seconds(20)
  while try !condition() {
    if ContinuousClock.now > deadline { return false }
    try await Task.sleep(for: .milliseconds(5))  // another process is at work, which sends no event
  }
  return true
}
