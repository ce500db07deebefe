import Glibc
import Netlink
import Support
import Synchronization
import TestSupport
import Testing

@testable import Lab

/// A state directory and a logs directory of this test's own, and what must be gone at its end.
struct Scratch {
  let directory: String
  var state: String { "\(directory)/state" }
  var logs: String { "\(directory)/logs" }

  func surroundings(
    program: String = "/bin/false", checkpoint: @escaping @Sendable (UndoEntry) throws -> Void = { _ in }
  ) -> LabSurroundings {
    var surroundings = LabSurroundings(stateDirectory: state, logsDirectory: logs, program: program)
    surroundings.checkpoint = checkpoint
    return surroundings
  }

  /// Fails the test if a lab has anything left.
  func expectNothing(of id: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) async throws {
    let found = try await remains(of: id)
    #expect(found == [], sourceLocation: sourceLocation)
  }

  /// What a lab has left: namespaces, processes, directories.
  func remains(of id: String) async throws -> [String] {
    var found = try NetworkNamespace.names().filter { $0.hasPrefix("bs-\(id)-") }
    found += try listDirectory("\(state)/labs")
    for listing in try await Lab.list(stateDirectory: state) { found += listing.processes }
    found += try processesWorking(on: directory).map { "\($0.command) \($0.process)" }
    return found
  }
}

/// A scratch for labs with Kafka.
func withKafkaScratch(_ body: (Scratch) async throws -> Void) async throws {
  try await withTemporaryDirectory("lab", remove: { try removeTree($0) }) { directory in
    // Making the class archives takes longer than everything else, so the machine's own cache serves.
    let scratch = Scratch(directory: directory)
    try makeDirectory("/var/cache/blackstart")
    try makeDirectory(scratch.state)
    guard symlink("/var/cache/blackstart", "\(scratch.state)/cache") == 0 else {
      throw SystemError("symlink", directory)
    }
    try await body(scratch)
  }
}

private let serial = Atomic<Int>(0)

/// An id that no other test run uses at the same time.
func uniqueID() -> String {
  let number = serial.wrappingAdd(1, ordering: .relaxed).newValue
  return "t\(String(getpid(), radix: 36))x\(number)"
}

/// A directory that PostgreSQL's user can reach, with the suite's template of the event store in it if it has one.
func withScratch(_ body: (Scratch) async throws -> Void) async throws {
  try await withTemporaryDirectory("lab", remove: { try removeTree($0) }) { directory in
    chmod(directory, 0o755)
    let scratch = Scratch(directory: directory)
    if let cache = SharedTemplate.cache {
      try makeDirectory(scratch.state)
      guard symlink(cache, "\(scratch.state)/cache") == 0 else { throw SystemError("symlink", cache) }
    }
    try await body(scratch)
  }
}

/// Lets the tests of a suite share one template of the event store: the first one makes it, which takes 2 s.
struct SharedTemplate: SuiteTrait, TestScoping {
  @TaskLocal static var cache: String?

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTemporaryDirectory("template", remove: { try removeTree($0) }) { directory in
      chmod(directory, 0o755)
      try await Self.$cache.withValue(directory) { try await function() }
    }
  }
}

/// Two stores and three votes, without control planes.
func storesOnly(_ id: String) -> LabSpecification {
  LabSpecification(
    id: id,
    regions: [
      RegionSpecification("east", [.store, .quorum]), RegionSpecification("eu", [.store, .quorum]),
      RegionSpecification("ap", [.quorum]),
    ], preferredWriter: "east")
}
