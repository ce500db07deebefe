import Faults
import Glibc
import Support
import Testing

@testable import Lab

/// The program that the build made beside these tests: a lab's control planes are that program.
private let program =
  String(#filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()) + "/.build/debug/blackstart"

/// Labs with control planes, and labs whose maker is killed.
@Suite(
  .serialized, .enabled(if: geteuid() == 0, "labs need root"),
  .enabled(if: fileExists(program), "swift build makes .build/debug/blackstart"))
struct WholeLabTests {
  /// The clocks of a process's own time namespace beside the machine's, in seconds: monotonic, then boot time.
  private func clockOffsets(of server: LabServer) throws -> [Int64] {
    let text = String(decoding: try readFile("/proc/\(server.process.pid)/timens_offsets"), as: UTF8.self)
    return text.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int64($0) } }
  }

  /// The servers of ap live in another time: the lab comes up all the same, and says who writes.
  @Test func thePreferredRegionIsTheWriterWhenUpReturns() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let journal = try Journal(creating: "\(scratch.directory)/journal.jsonl", timebase: .system)
      var surroundings = scratch.surroundings(program: program)
      surroundings.journal = journal
      var specification = LabSpecification.standard(id: id, leaseTTLSeconds: 5)
      specification.regions[2].clocks = TimeOffsets(monotonicNanoseconds: 172_800_000_000_000)
      let lab = try await Lab.up(specification, surroundings)
      let status = try await lab.status()
      #expect(status.isReady, "\(status)")
      #expect(status.servers.count == 8)
      #expect(status.writer == "east")
      let token = try #require(status.token)
      #expect(token > 0)
      func detail(_ region: String, _ kind: ServerKind) -> String? {
        status.servers.first { $0.region == region && $0.kind == kind }?.detail
      }
      #expect(detail("east", .store) == "read-write, fence at token \(token) of east")
      #expect(detail("eu", .store)?.hasPrefix("read-only") == true)
      #expect(detail("east", .controlPlane)?.hasPrefix("writer") == true)
      for server in lab.servers {
        #expect(try clockOffsets(of: server) == (server.region == "ap" ? [172_800, 0] : [0, 0]), "\(server.name)")
      }
      // Started again, it has the clocks that are asked for then; and the next time those again.
      var etcd = try #require(lab.servers.first { $0.region == "ap" && $0.kind == .etcd })
      for clocks in [TimeOffsets(boottimeNanoseconds: 3_600_000_000_000), nil] {
        try etcd.process.send(Signal.kill)
        #expect(etcd.process.waitUntilGone(limit: .seconds(10)))
        etcd = try await lab.restart(etcd, clocks: clocks)
        #expect(try clockOffsets(of: etcd) == [0, 3_600])
      }
      try await lab.down()
      try await scratch.expectNothing(of: id)
      let types = try JournalContents(path: journal.path).records.map(\.type)
      #expect(types.first == "lab.begin" && types.contains("lab.ready"))
      #expect(types.count { $0 == "lab.process.started" } == 10)
    }
  }

  /// The promise itself: whatever the instant, `recover` finds what is left, for its maker wrote it down first.
  @Test func killedAtAnyInstantNothingIsLeftAfterRecovery() async throws {
    try await withScratch { scratch in
      var random = SeededRandom(seed: 20_261_121)
      for round in 0..<8 {
        let id = uniqueID()
        let child = try ChildProcess(
          ProcessRequest(program, ["lab", "up", "--name", id, "--state", scratch.state, "--logs", scratch.logs]))
        // The first rounds also cut the making of the template short.
        let delay = Duration.milliseconds(Int.random(in: 1...(round < 4 ? 2000 : 1200), using: &random))
        try await ContinuousClock().sleep(for: delay)  // the instant is what this test is about
        try child.send(Signal.kill)
        _ = await child.wait()
        let before = try await Lab.list(stateDirectory: scratch.state)
        // One that was already kept is nobody's remains.
        let force = before.contains { $0.standing == .kept }
        _ = try await Lab.recover(stateDirectory: scratch.state, force: force)
        try await scratch.expectNothing(of: id)
        #expect(try listDirectory("\(scratch.state)/cache").filter { $0.hasSuffix(".draft") } == [], "after \(delay)")
      }
    }
  }

  /// Everything of ours is killed, the process behind the mount too, and one group stands still.
  @Test func preparedStoresAndControlGroupsAreRemovedByTheirNamesAlone() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let disks = try LabDisks(regions: ["eu"], run: id, stateDirectory: scratch.state, program: program)
      var surroundings = scratch.surroundings(program: program)
      surroundings.disks = disks
      surroundings.groups = [.processor, .freezer]
      let lab = try await Lab.up(storesOnly(id), surroundings)
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await Self.look(at: lab, id, scratch, disks)) } catch { outcome = .failure(error) }

      _ = try await Lab.recover(stateDirectory: scratch.state, id: id, force: true)
      try outcome.get()
      try await scratch.expectNothing(of: id)
      #expect(try OwnedGroups(lab: id).existing() == [])
      #expect(try MountedPlace.all(below: scratch.state).isEmpty)
      #expect(try await onOwnThread("close") { disks.close() } == [])
    }
  }

  /// Looks whether all is as it should be, and then does its worst.
  private static func look(at lab: Lab, _ id: String, _ scratch: Scratch, _ disks: LabDisks) async throws {
    let listing = try #require(try await Lab.list(stateDirectory: scratch.state).first { $0.id == id })
    let mounts = listing.others.filter { $0.hasSuffix("\(scratch.state)/labs/\(id)/eu/postgres") }
    #expect(mounts.count == 1 && listing.others.contains { $0.hasPrefix("control group ") }, "\(listing.others)")
    #expect(try await lab.status().others == listing.others)
    #expect(try #require(disks.disks(of: "eu")).prepared.count == 1)
    #expect(try #require(disks.disks(of: "east")).prepared.isEmpty)

    // Each server is in a group of its own, with all that it has started.
    let store = try #require(lab.servers.first { $0.region == "eu" && $0.kind == .store })
    for group in listing.others.filter({ $0.hasPrefix("control group") }).compactMap({ $0.split(separator: " ").last }
    ) {
      let members = String(decoding: try readFile("\(group)/eu-store/cgroup.procs"), as: UTF8.self)
        .split(separator: "\n").map(String.init)
      #expect(members.contains("\(store.process.pid)") && members.count > 3)
      #expect(try listDirectory(String(group)).filter { $0.contains("-") }.sorted().first == "ap-etcd")
      try await Self.put("1", into: "\(group)/eu-store/cgroup.freeze")
    }
    for prepared in try #require(disks.disks(of: "eu")).prepared { try prepared.server.send(Signal.kill) }
  }

  private static func put(_ text: String, into file: String) async throws {
    guard fileExists(file) else { return }
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0, write(descriptor, text, text.utf8.count) == text.utf8.count else {
      throw SystemError("write", file)
    }
    close(descriptor)
  }
}
