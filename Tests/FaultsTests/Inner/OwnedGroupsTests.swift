import Glibc
import Support
import Testing

@testable import Faults

/// Control groups of a lab's servers: made where faults need them, entered before a program is loaded, found by name, removed.
@Suite struct OwnedGroupsTests {
  private static func groups() -> OwnedGroups { OwnedGroups(lab: "t\(getpid())x\(UInt32.random(in: 0 ... .max))") }

  /// What this machine has a controller for.
  private static let uses: [OwnedGroups.Use] =
    geteuid() == 0 ? OwnedGroups.Use.allCases.filter { (try? groups().places(for: [$0])) != nil } : []

  @Test func nothingIsMadeWhereNothingIsNeeded() throws {
    #expect(try Self.groups().places(for: []) == [])
    #expect(try Self.groups().existing() == [])
    #expect(try Self.groups().remove() == [])
  }

  @Test(.enabled(if: !uses.isEmpty, "no control group can be made here"))
  func aProgramIsInItsGroupFromItsFirstInstructionAndTheGroupsGoByTheirName() async throws {
    let groups = Self.groups()
    let places = try groups.places(for: Set(Self.uses))
    let directories = try groups.make("eu-store", in: places)
    let outcome: Result<Void, any Error>
    do {
      var request = ProcessRequest("/bin/sh", ["-c", "sleep 600 & wait"])
      request.controlGroups = directories
      let child = try ChildProcess(request)
      for directory in directories {
        // What it starts is in the group as well, however early.
        #expect(try await eventually(within: .seconds(20)) { try ControlGroups.members(of: directory).count == 2 })
        #expect(try ControlGroups.members(of: directory).contains(child.identity.pid))
      }
      if Self.uses.contains(.processor) {
        let file = ["cpu.max", "cpu.cfs_quota_us"].first { name in
          directories.contains { fileExists("\($0)/\(name)") }
        }
        #expect(file != nil, "the group can be limited")
      }
      if Self.uses.contains(.disk) {
        #expect(
          directories.contains { fileExists("\($0)/io.max") || fileExists("\($0)/blkio.throttle.read_iops_device") })
      }
      #expect(try groups.existing() == places)
      #expect(throws: SystemError.self, "somebody is in it") { try groups.remove() }

      // Frozen, nothing in it could be ended in version 1.
      for directory in directories {
        for (file, text) in [("cgroup.freeze", "1"), ("freezer.state", "FROZEN")]
        where fileExists("\(directory)/\(file)") {
          try Self.put(text, into: "\(directory)/\(file)")
        }
      }
      try groups.thaw()
      for directory in directories {
        for member in try ControlGroups.members(of: directory) {
          _ = try ProcessIdentity(of: member)?.send(Signal.kill)
        }
      }
      #expect(child.identity.waitUntilGone(limit: .seconds(20)))
      outcome = .success(())
    } catch { outcome = .failure(error) }
    #expect(try groups.remove() == places)
    #expect(try groups.existing() == [])
    try outcome.get()
  }

  @Test func aGroupThatIsNotThereIsNamedWhenAProgramIsToEnterIt() {
    var request = ProcessRequest("/bin/true")
    request.controlGroups = ["/sys/fs/cgroup/no-such-group"]
    #expect {
      try ChildProcess(request)
    } throws: {
      "\($0)".contains("/sys/fs/cgroup/no-such-group/cgroup.procs")
    }
  }

  private static func put(_ text: String, into file: String) throws {
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", file) }
    defer { close(descriptor) }
    guard write(descriptor, text, text.utf8.count) == text.utf8.count else { throw SystemError("write", file) }
  }
}
