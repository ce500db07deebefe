import Glibc
import Netlink
import Support
import Synchronization
import Testing

@testable import Lab

/// Real namespaces, real etcd, real PostgreSQL. One after the other, for each takes the whole machine for a second.
@Suite(.serialized, SharedTemplate(), .enabled(if: geteuid() == 0, "labs need root"))
struct LabTests {
  @Test func aLabAnswersAndGoesDownWithoutATrace() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let lab = try await Lab.up(storesOnly(id), scratch.surroundings())
      let segments = try segments(of: lab, scratch)
      for segment in segments { #expect(try isThere(segment)) }
      let status = try await lab.status()
      #expect(status.isReady, "\(status)")
      #expect(
        status.servers.map { "\($0.region) \($0.kind.rawValue)" } == [
          "ap etcd", "east etcd", "east store", "eu etcd", "eu store",
        ])
      #expect(["east", "eu", "ap"].contains(status.etcdLeader))
      #expect(status.mirrors.map { "\($0.origin)>\($0.target)" }.sorted() == ["east>eu", "eu>east"])
      let modes = ["lab.json": 0o600, "owner.json": 0o644]
      for (file, mode) in modes {
        var information = stat()
        #expect(stat("\(scratch.state)/labs/\(id)/\(file)", &information) == 0)
        #expect(Int(information.st_mode & 0o777) == mode, "\(file)")
      }
      let removed = try await lab.down()
      #expect(removed.contains("namespace bs-\(id)-wan"))
      try await scratch.expectNothing(of: id)
      for segment in segments { #expect(try !isThere(segment)) }
      #expect(try listDirectory(scratch.logs).count == 5)
      let password = lab.password
      for log in try listDirectory(scratch.logs) {
        let text = String(decoding: try readFile("\(scratch.logs)/\(log)"), as: UTF8.self)
        #expect(!text.contains(password), "\(log)")
      }
    }
  }

  @Test func twoLabsStandSideBySideAndAnotherProcessCanOpenThem() async throws {
    try await withScratch { scratch in
      let (first, second) = (uniqueID(), uniqueID())
      // The template is made once for both.
      async let a = Lab.up(storesOnly(first), scratch.surroundings())
      async let b = Lab.up(storesOnly(second), scratch.surroundings())
      let (labA, labB) = (try await a, try await b)
      #expect(try await labB.status().isReady)
      try labA.keep()

      let opened = try Lab.open(first, stateDirectory: scratch.state)
      let status = try await opened.status()
      #expect(status.isReady && status.standing == "kept by lab up")
      #expect(opened.regions.map(\.name) == ["east", "eu", "ap"])
      #expect(opened.etcdEndpoints(preferring: "eu") == [2, 1, 3].map { "http://10.91.\($0).1:2379" })

      #expect(try await Lab.down(first, stateDirectory: scratch.state).contains("namespace bs-\(first)-eu"))
      #expect(try await labB.status().isReady)
      try await labB.down()
      try await scratch.expectNothing(of: first)
      try await scratch.expectNothing(of: second)
      #expect(try await labB.down() == [])
      await #expect(throws: Problem.self) { try await Lab.down(first, stateDirectory: scratch.state) }
      #expect(throws: Problem.self) { try Lab.open(first, stateDirectory: scratch.state) }
    }
  }

  /// What `kill -9` of the maker leaves at each of its steps: nobody cleans up, then `recover` does.
  @Test func abandonedAtAnyStepNothingIsLeftAfterRecovery() async throws {
    try await withScratch { scratch in
      var step = 1
      while true {
        let id = uniqueID()
        let budget = Atomic<Int>(step)
        let gate = Budget(budget)
        do {
          let lab = try await Lab.up(storesOnly(id), scratch.surroundings { _ in try gate.spend() })
          try await lab.down()
          break  // it had fewer steps than that
        } catch is Lab.Abandoned {}
        // Its owner, this process, is alive: nobody touches it unasked.
        #expect(try await Lab.recover(stateDirectory: scratch.state).isEmpty, "step \(step)")
        #expect(try await Lab.list(stateDirectory: scratch.state).map(\.id) == [id], "step \(step)")
        try writeOwner(scratch, id, ProcessIdentity(pid: getpid(), startTicks: 1))
        let removed = try await Lab.recover(stateDirectory: scratch.state)
        #expect(removed.contains("directory \(scratch.state)/labs/\(id)"), "step \(step)")
        try await scratch.expectNothing(of: id)
        #expect(try await Lab.recover(stateDirectory: scratch.state).isEmpty, "step \(step)")
        step += 1
      }
      #expect(step > 15)
    }
  }

  @Test func cancelledHalfWayItIsTakenDown() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let reached = Reached()
      let surroundings = scratch.surroundings { entry in
        if case .started = entry { reached.set() }
      }
      let task = Task { try await Lab.up(storesOnly(id), surroundings) }
      await reached.wait()
      task.cancel()
      await #expect(throws: CancellationError.self) { _ = try await task.value }
      try await scratch.expectNothing(of: id)
    }
  }

  @Test func aTakenPortIsNamedWithItsCauseAndNothingIsLeft() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let squatter = Mutex<Int32>(-1)
      let holder = Held(squatter)
      let surroundings = scratch.surroundings { entry in
        guard case .starting(let name) = entry, name == ServerName(region: "eu", kind: .store) else { return }
        try holder.listen(on: 5432, in: NetworkNamespace.open(named: "bs-\(id)-eu"))
      }
      let problem = await #expect(throws: Problem.self) { _ = try await Lab.up(storesOnly(id), surroundings) }
      holder.close()
      #expect(problem?.place == "eu store")
      #expect(problem?.code == .steadyState)
      #expect(problem?.what.contains("Address already in use") == true)
      #expect(problem?.fix?.hasPrefix("the port is taken") == true)
      try await scratch.expectNothing(of: id)
      #expect(fileExists("\(scratch.logs)/eu-store.log"))
    }
  }

  @Test func aMissingControlPlaneProgramIsNamed() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let problem = await #expect(throws: Problem.self) {
        _ = try await Lab.up(.standard(id: id), scratch.surroundings(program: "/nonexistent/blackstart"))
      }
      #expect(problem?.what == "it cannot be started: execve /nonexistent/blackstart: No such file or directory (2)")
      try await scratch.expectNothing(of: id)
    }
  }

  @Test func aControlPlaneThatEndsAtOnceIsReportedWithItsLog() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let problem = await #expect(throws: Problem.self) {
        _ = try await Lab.up(.standard(id: id), scratch.surroundings(program: "/bin/false"))
      }
      #expect(problem?.what == "it exited with status 1; its log is empty")
      #expect(problem?.fix?.hasPrefix("read \(scratch.logs)/") == true)
      try await scratch.expectNothing(of: id)
    }
  }

  @Test func aFullDiskIsNamedAndNothingIsLeft() async throws {
    try await withScratch { scratch in
      try removeTree(scratch.state)
      try makeDirectory(scratch.state)
      let mount = try ChildProcess(
        ProcessRequest("/bin/mount", ["-t", "tmpfs", "-o", "size=20m,mode=0755", "none", scratch.state]))
      #expect(await mount.wait() == .exited(0))
      let id = uniqueID()
      let problem = await #expect(throws: (any Error).self) {
        _ = try await Lab.up(storesOnly(id), scratch.surroundings())
      }
      #expect("\(problem.map { "\($0)" } ?? "")".lowercased().contains("no space left on device"))
      try await scratch.expectNothing(of: id)
      let unmount = try ChildProcess(ProcessRequest("/bin/umount", ["-l", scratch.state]))
      #expect(await unmount.wait() == .exited(0))
    }
  }

  @Test func whatIsNotOursIsRefusedAndLeftAlone() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let foreign = "bs-\(id)-eu"
      _ = try NetworkNamespace.create(named: foreign)
      let problem = await #expect(throws: Problem.self) {
        _ = try await Lab.up(storesOnly(id), scratch.surroundings())
      }
      #expect(problem?.place == "/run/netns/\(foreign)")
      #expect(try NetworkNamespace.exists(named: foreign))
      #expect(try listDirectory("\(scratch.state)/labs").isEmpty)
      try NetworkNamespace.delete(named: foreign)

      let lab = try await Lab.up(
        LabSpecification(id: id, regions: [RegionSpecification("a", [])], preferredWriter: ""), scratch.surroundings())
      let taken = await #expect(throws: Problem.self) {
        _ = try await Lab.up(storesOnly(id), scratch.surroundings())
      }
      #expect(taken?.what == "there is a lab '\(id)' already; it was not touched")
      #expect(try listDirectory("\(scratch.state)/labs") == [id])
      #expect(try await lab.status().isReady)
      try await lab.down()
    }
  }

  @Test func aDamagedJournalDoesNotKeepRecoveryFromFindingEverything() async throws {
    try await withScratch { scratch in
      for damage in ["cut", "gone", "altered", "record", "everything"] {
        let id = uniqueID()
        _ = try await Lab.up(storesOnly(id), scratch.surroundings())
        let directory = "\(scratch.state)/labs/\(id)"
        let bytes = try readFile("\(directory)/lab.jsonl")
        switch damage {
        case "cut": try writeFile("\(directory)/lab.jsonl", Array(bytes.prefix(bytes.count / 3)))
        case "altered": try writeFile("\(directory)/lab.jsonl", [0xFF] + bytes)
        case "gone": try writeFile("\(directory)/lab.jsonl", Array("\n".utf8))
        case "record": try removeTree("\(directory)/lab.json")
        default: for name in ["lab.json", "owner.json"] { try writeFile("\(directory)/\(name)", [0]) }
        }
        try removeTree("\(directory)/owner.json")
        if damage == "record" || damage == "everything" {
          #expect(throws: Problem.self) { _ = try Lab.open(id, stateDirectory: scratch.state) }
        }
        let removed = try await Lab.recover(stateDirectory: scratch.state)
        #expect(removed.contains("namespace bs-\(id)-ap"), "\(damage)")
        try await scratch.expectNothing(of: id)
      }
    }
  }

  @Test func recoveryTouchesOnlyWhatNobodyAnswersFor() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let empty = LabSpecification(id: id, regions: [RegionSpecification("a", [])], preferredWriter: "")
      let lab = try await Lab.up(empty, scratch.surroundings())
      func recovered(force: Bool = false) async throws -> Int {
        try await Lab.recover(stateDirectory: scratch.state, force: force).count
      }
      #expect(try await recovered() == 0)
      try lab.keep()
      #expect(try await recovered() == 0)
      #expect(try await Lab.list(stateDirectory: scratch.state).map(\.standing) == [.kept])
      // Kept, but before the machine was started again.
      var owner = try LabOwner.mine(.kept)
      owner.boot = "another"
      try writeFile("\(scratch.state)/labs/\(id)/owner.json", encodeJSON(owner))
      #expect(try await Lab.list(stateDirectory: scratch.state).map(\.standing) == [.abandoned])
      try lab.keep()
      #expect(try await recovered(force: true) == 3)
      try await scratch.expectNothing(of: id)

      let dead = ProcessIdentity(pid: getpid(), startTicks: 1)
      try makeDirectory("\(scratch.state)/labs/\(LabClaim(id: id, process: dead).directoryName)")
      let living = LabClaim(id: id, process: try #require(ProcessIdentity(of: getpid()))).directoryName
      try makeDirectory("\(scratch.state)/labs/\(living)")
      #expect(try await recovered() == 1)
      #expect(try listDirectory("\(scratch.state)/labs") == [living])
    }
  }

  /// A recorded number that another process has now, or that was recorded before a reboot, is not touched.
  @Test func aReusedProcessNumberIsNotEnded() async throws {
    try await withScratch { scratch in
      let bystander = try ChildProcess(ProcessRequest("/bin/sleep", ["60"]))
      let name = ServerName(region: "east", kind: .store)
      let boot = try bootID()
      let victims = [
        (boot, ProcessIdentity(pid: bystander.identity.pid, startTicks: bystander.identity.startTicks - 1)),
        ("another", bystander.identity),
      ]
      for (boot, process) in victims {
        let id = uniqueID()
        let paths = LabPaths(stateDirectory: scratch.state, id: id)
        try makeDirectory(paths.directory)
        let journal = try UndoJournal(creating: paths.journal, timebase: .system, run: nil) { _ in }
        try await journal.write(.begin(boot: boot))
        try await journal.write(.started(StartedServer(name: name, process: process, logPath: "")))
        #expect(try await Lab.recover(stateDirectory: scratch.state) == ["directory \(paths.directory)"])
        #expect(bystander.identity.isAlive)
      }
      let id = uniqueID()
      let paths = LabPaths(stateDirectory: scratch.state, id: id)
      try makeDirectory(paths.directory)
      let journal = try UndoJournal(creating: paths.journal, timebase: .system, run: nil) { _ in }
      try await journal.write(.begin(boot: boot))
      try await journal.write(.started(StartedServer(name: name, process: bystander.identity, logPath: "")))
      #expect(try await Lab.recover(stateDirectory: scratch.state).count == 2)
      #expect(await bystander.wait() == .signalled(9))
    }
  }

  /// The template is made outside of any namespace, by a server of its own.
  @Test func aTemplateThatItsKilledMakerLeftIsRemovedWithItsServer() async throws {
    try await withScratch { scratch in
      let cache = "\(scratch.state)/cache"
      try removeTree(cache)  // only the link
      try makeDirectory("\(cache)/postgres-15-x.draft/data")
      let program = "\(scratch.directory)/postgres"
      try writeFile(program, try readFile("/bin/sleep"), mode: 0o755)
      var request = ProcessRequest(program, ["60"])
      request.directory = "\(cache)/postgres-15-x.draft/data"
      let server = try ChildProcess(request)
      let shell = try ChildProcess(ProcessRequest("/bin/sleep", ["60"]))
      let listed = try await Lab.list(stateDirectory: scratch.state)
      #expect(listed.map(\.id) == ["template"])
      #expect(listed.first?.processes == ["postgres (\(server.identity))"])
      let removed = try await Lab.recover(stateDirectory: scratch.state)
      #expect(removed.last == "directory \(cache)/postgres-15-x.draft")
      #expect(await server.wait() == .signalled(9))
      #expect(shell.identity.isAlive)
      try await shell.terminate()
      #expect(try listDirectory(cache) == ["postgres-15-x.lock"])
    }
  }

  @Test func aServerThatDiesIsReportedAndTheRestGoesDown() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let lab = try await Lab.up(storesOnly(id), scratch.surroundings())
      let segments = try segments(of: lab, scratch)
      for segment in segments { #expect(try isThere(segment)) }
      let store = try #require(lab.servers.first { $0.region == "eu" && $0.kind == .store })
      let ended = await withTaskGroup(of: ServerEnded?.self) { group in
        group.addTask {
          let (stream, continuation) = AsyncStream.makeStream(of: ServerEnded.self)
          return await withTaskGroup(of: ServerEnded?.self) { inner in
            inner.addTask {
              await lab.superviseServers {
                continuation.yield($0)
                return nil
              }
              return nil
            }
            inner.addTask {
              for await end in stream { return end }
              return nil
            }
            for await end in inner where end != nil {
              inner.cancelAll()
              return end
            }
            return nil
          }
        }
        // The worst case: PostgreSQL cannot give back its shared memory.
        group.addTask {
          do { _ = try store.process.send(Signal.kill) } catch { Issue.record(error) }
          return nil
        }
        var found: ServerEnded?
        for await end in group { found = end ?? found }
        return found
      }
      #expect(ended?.region == "eu" && ended?.kind == .store)
      #expect(ended?.end == .signalled(9))
      let status = try await lab.status()
      #expect(!status.isReady)
      #expect(status.servers.first { $0.region == "eu" && $0.kind == .store }?.detail == "its process has ended")
      try await lab.down()
      try await scratch.expectNothing(of: id)
      for segment in segments { #expect(try !isThere(segment)) }
    }
  }
}

/// Throws ``Lab/Abandoned`` once it is spent; then at every later step too, as a dead process makes no further one.
private final class Budget: Sendable {
  private let left: Atomic<Int>
  init(_ left: consuming Atomic<Int>) { self.left = left }
  func spend() throws {
    if left.wrappingSubtract(1, ordering: .relaxed).newValue <= 0 { throw Lab.Abandoned() }
  }
}

/// Lets a test wait until the code under test has come somewhere.
private final class Reached: Sendable {
  private let stream = AsyncStream.makeStream(of: Void.self)
  func set() { stream.continuation.yield() }
  func wait() async { for await _ in stream.stream { return } }
}

/// A listening socket inside a namespace.
private final class Held: Sendable {
  private let descriptor: Mutex<Int32>
  init(_ descriptor: consuming Mutex<Int32>) { self.descriptor = descriptor }

  func listen(on port: UInt16, in namespace: NetworkNamespace) throws {
    let number: Int32 = try namespace.run {
      // Both families: PostgreSQL goes on with one address if only the other is taken.
      let socket = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      let bound = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
      guard bound == 0, Glibc.listen(socket, 1) == 0 else { throw SystemError("bind", "port \(port)") }
      return socket
    }
    descriptor.withLock { $0 = number }
  }

  func close() { descriptor.withLock { _ = Glibc.close($0) } }
}

func writeOwner(_ scratch: Scratch, _ id: String, _ process: ProcessIdentity) throws {
  var owner = try LabOwner.mine(.building)
  owner.process = process
  try writeFile("\(scratch.state)/labs/\(id)/owner.json", encodeJSON(owner))
}

/// The System V segments of a lab's stores, as `key id` (line 7 of `postmaster.pid`).
private func segments(of lab: Lab, _ scratch: Scratch) throws -> [[Substring]] {
  try lab.servers.filter { $0.kind == .store }.map { server in
    let path = "\(scratch.state)/labs/\(lab.specification.id)/\(server.region)/postgres/postmaster.pid"
    let lines = String(decoding: try readFile(path), as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    return lines.count > 6 ? lines[6].split(separator: " ") : []
  }
}

private func isThere(_ segment: [Substring]) throws -> Bool {
  let lines = String(decoding: try readFile("/proc/sysvipc/shm"), as: UTF8.self).split(separator: "\n")
  return lines.contains { $0.split(separator: " ").prefix(2) == segment[...] }
}
