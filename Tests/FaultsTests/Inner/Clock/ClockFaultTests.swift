import Glibc
import Support
import Synchronization
import Testing

@testable import Faults

private let second: Int64 = 1_000_000_000

private func skew(
  _ skew: ClockSkew, _ choice: ProcessSelector.Choice, descendants: Bool = false, id: String = "f",
  lease: Duration = .seconds(30), heartbeat: Duration = .milliseconds(100)
) -> InnerFault {
  InnerFault(
    id: id, run: "test", node: "n", effect: .clock(skew),
    processes: ProcessSelector(choice, includesDescendants: descendants),
    timing: .init(lease: lease, heartbeat: heartbeat))
}

private func ahead(_ file: SharedFile, _ word: Int = 1) -> Int64 { file.word(word) - (readClock(0) - readClock(1)) }

/// Clock skew as a fault: promised, armed, followed, ended.
@Suite(.enabled(if: isRoot, "needs root to trace")) struct ClockFaultTests {
  @Test func armedReadBackAndGone() async throws {
    try await InnerScratch.with { scratch in
      try await TestProgram.clock().run { child, file in
        let fault = skew(
          ClockSkew(offsetNanoseconds: 500 * second, driftPartsPerBillion: 200_000), .process(child.identity))
        let receipt = try await scratch.holder.arm(fault)
        #expect(receipt.counters.coverage == 1)
        #expect(receipt.counters.hits == 1)
        #expect(receipt.evidence.contains { $0.contains("reads realtime ") }, "\(receipt.evidence)")
        #expect(receipt.mechanisms[0].mechanism == .clockStub)
        #expect(try await eventually(within: .seconds(10)) { abs(ahead(file) - 500 * second) < second })
        let promised = try #require(scratch.keeper.all.first)
        #expect(!promised.isSettled)
        let outcome = try await scratch.holder.disarm("f")
        #expect(outcome.end == .disarmed)
        #expect((outcome.evidence ?? []).contains { $0.contains("byte for byte") }, "\(outcome.evidence ?? [])")
        #expect((outcome.evidence ?? []).contains { $0.contains("afterwards") }, "\(outcome.evidence ?? [])")
        #expect(try await eventually(within: .seconds(10)) { abs(ahead(file)) < second })
        #expect(scratch.keeper.all.allSatisfy { $0.isSettled })
        #expect(try isClean(child.identity))
        #expect(file.word(10) == 0)
      }
    }
  }

  /// Heartbeats keep it alive far beyond the silence that would end it.
  @Test func heartbeatsKeepItAndTheLeaseEndsIt() async throws {
    try await InnerScratch.with { scratch in
      try await TestProgram.clock().run { child, file in
        let fault = skew(
          ClockSkew(offsetNanoseconds: 500 * second), .process(child.identity), lease: .seconds(2),
          heartbeat: .milliseconds(100))
        _ = try await scratch.holder.arm(fault)
        try await Task.sleep(for: .milliseconds(900))
        #expect(abs(ahead(file) - 500 * second) < second)
        #expect(try await eventually(within: .seconds(10)) { scratch.events.end != nil })
        #expect(scratch.events.end?.end == .leaseExpired)
        #expect(try await eventually(within: .seconds(10)) { abs(ahead(file)) < second })
      }
    }
  }

  @Test func forkedAndExecutedChildrenAreFollowed() async throws {
    try await InnerScratch.with { scratch in
      try await TestProgram.clock().run { child, file in
        let fault = skew(
          ClockSkew(offsetNanoseconds: 500 * second), .process(child.identity), descendants: true,
          heartbeat: .milliseconds(50))
        _ = try await scratch.holder.arm(fault)
        for kind in [1, 2] as [Int64] {
          file.set(8, 0)
          file.set(13, 0)
          file.set(12, kind)
          #expect(try await eventually(within: .seconds(10)) { file.word(8) != 0 && file.word(13) > 2 })
          let pid = Int32(file.word(8))
          #expect(try await eventually(within: .seconds(10)) { abs(ahead(file, 9) - 500 * second) < second })
          // Longer than the silence, so that the child's own stub must have been prolonged.
          try await Task.sleep(for: .milliseconds(400))
          #expect(abs(ahead(file, 9) - 500 * second) < second, "kind \(kind)")
          #expect(try await scratch.holder.counters(of: "f").inner?.coverage == 1)
          let identity = try #require(ProcessIdentity(of: pid))
          if kind == 2 {
            _ = try await scratch.holder.disarm("f")
            #expect(try isClean(identity))
          }
          kill(pid, SIGKILL)
        }
        #expect(try isClean(child.identity))
      }
    }
  }

  /// What cannot be reached among many is said, and counted.
  @Test func coverageBelowOneIsReported() async throws {
    let players = Players()
    try await InnerScratch.with(players: { _ in players.all }) { scratch in
      try await TestProgram.clock().run { child, _ in
        players.add(child.identity)
        let tracer = try TracerThread("debugger")
        try await TestProgram.clock().run { other, _ in
          let held = other.identity
          players.add(held)
          try await tracer.run { _ = try $0.seize(held) }
          let receipt = try await scratch.holder.arm(
            skew(ClockSkew(offsetNanoseconds: second), .role("both")))
          #expect(receipt.counters.coverage == 0.5)
          #expect(receipt.evidence.contains { $0.contains("coverage 1 of 2") && $0.contains("traces it already") })
          _ = try await scratch.holder.disarm("f")
          try await tracer.run { $0.detachAll() }
        }
      }
    }
  }

  @Test func whatCannotBeSkewedIsRefusedAndUnchanged() async throws {
    try await InnerScratch.with { scratch in
      func refusal(_ choice: ProcessSelector.Choice, _ error: ClockSkew = .init(offsetNanoseconds: second)) async
        -> String
      {
        do {
          _ = try await scratch.holder.arm(skew(error, choice))
          return "armed"
        } catch { return "\(error)" }
      }
      try await TestProgram.clock().run { child, _ in
        let identity = child.identity
        let reused = ProcessIdentity(pid: identity.pid, startTicks: identity.startTicks + 1)
        #expect(await refusal(.process(reused)).contains("nothing was changed"))
        #expect(await refusal(.process(reused)).contains("another process"))
        #expect(await refusal(.process(identity), ClockSkew(offsetNanoseconds: 0)).contains("neither"))
        let tracer = try TracerThread("debugger")
        try await tracer.run { _ = try $0.seize(identity) }
        #expect(await refusal(.process(identity)).contains("traces it already"))
        try await tracer.run { $0.detachAll() }
        #expect(scratch.keeper.all.isEmpty, "nothing was promised for what was not made")
      }
      let filtered = try await TestProgram.compiled("filtered", filteredProgram)
      try await filtered.run { child, _ in
        #expect(await refusal(.process(child.identity)).contains("seccomp"))
        #expect(child.end == nil)
        let clean = try isClean(child.identity)
        #expect(clean)
      }
    }
  }

  /// A fault that hits a process under another skew would undo the other's bytes.
  @Test func twoSkewsOfOneProcessAreRefused() async throws {
    try await InnerScratch.with { scratch in
      try await TestProgram.clock().run { child, _ in
        _ = try await scratch.holder.arm(skew(ClockSkew(offsetNanoseconds: second), .process(child.identity)))
        await #expect(throws: FaultError.self) {
          try await scratch.holder.arm(skew(ClockSkew(offsetNanoseconds: 1), .process(child.identity), id: "g"))
        }
        #expect(try await scratch.holder.disarm("f").end == .disarmed)
      }
    }
  }

  @Test func whatSomebodyElseUndoesIsReportedAsVanished() async throws {
    try await InnerScratch.with { scratch in
      try await TestProgram.clock().run { child, _ in
        _ = try await scratch.holder.arm(skew(ClockSkew(offsetNanoseconds: second), .process(child.identity)))
        let promised = try #require(scratch.keeper.all.first)
        for action in promised.record.actions { #expect(try action.perform(in: nil) == .removed) }
        #expect(try await eventually(within: .seconds(10)) { scratch.events.end != nil })
        guard case .vanished = scratch.events.end?.end else {
          Issue.record("\(String(describing: scratch.events.end))")
          return
        }
        // Again does no harm.
        for action in promised.record.actions { #expect(try action.perform(in: nil) == .absent) }
      }
    }
  }
}

/// Whether its vDSO is the kernel's, byte for byte.
func isClean(_ process: ProcessIdentity) throws -> Bool {
  let mapping = try VDSOMapping(of: process)
  let bytes = try ProcessMemory(of: process).read(mapping.start, count: mapping.size)
  return bytes == (try ClockTemplate(tag: 0).bytes)
}

/// Those who play a role.
private final class Players: Sendable {
  private let processes = Mutex<[ProcessIdentity]>([])
  func add(_ process: ProcessIdentity) { processes.withLock { $0.append(process) } }
  var all: [ProcessIdentity] { processes.withLock { $0 } }
}

/// Filters its system calls: every one is allowed, but who could know from outside.
private let filteredProgram = """
  #include <fcntl.h>
  #include <linux/filter.h>
  #include <linux/seccomp.h>
  #include <stdint.h>
  #include <sys/mman.h>
  #include <sys/prctl.h>
  #include <unistd.h>
  int main(int c, char **v) {
    volatile int64_t *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open(v[1], O_RDWR), 0);
    struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {1, all};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return 1;
    page[0] = 1;
    for (;;) pause();
  }
  """
