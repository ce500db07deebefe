import PassThrough
import Support
import Testing

@testable import Faults

@Suite struct DiskDisturbanceTests {
  private func fault(_ effect: DiskDisturbance, processes: ProcessSelector? = nil) -> InnerFault {
    InnerFault(
      id: "slow", run: "r", node: "n", effect: .disk(effect), processes: processes, timing: .init(lease: .seconds(5)))
  }

  private let everything = InnerProfile(
    answers: [.passThrough: .there("/dev/fuse"), .tracing: .there("ptrace"), .pidfd: .there("pidfd_open")])
  private let nothing = InnerProfile(answers: [:])

  @Test func aPlanNamesTheRulesAndWhatTheyCannotReach() throws {
    let rule = FileRule(
      paths: PathPattern("pg_wal/**"), operations: [.fdatasync],
      effect: .latency(FileLatency(.milliseconds(10), jitter: .milliseconds(2))))
    let plan = try InnerFaultPlan(fault(.files(DirectoryRules("/data", [rule]))), on: everything)
    #expect(
      plan.changes == [
        "FUSE mount over /data, from before what uses it is started until it has ended",
        "below /data: fdatasync of pg_wal/**: 10.0 ms ± 2.00 ms later",
      ])
    #expect(plan.limits.contains { $0.contains("cost, also while no rule is in force") })
    #expect(plan.limits.contains { $0.contains("ENOTCONN") })
    #expect(!plan.limits.contains { $0.contains("torn") })
  }

  @Test func whatANodeDoesNotOfferIsRefusedWithItsReason() {
    let files = fault(.files(DirectoryRules("/data", [.diskFull()])))
    #expect { try InnerFaultPlan(files, on: nothing) } throws: { "\($0)".contains("no directory can be prepared") }
    let calls = fault(
      .calls(CallLatency([.fsync], FileLatency(.milliseconds(1)))), processes: ProcessSelector(.name("postgres")))
    #expect { try InnerFaultPlan(calls, on: nothing) } throws: { "\($0)".contains("no ptrace") }
    #expect(throws: Never.self) { try InnerFaultPlan(calls, on: everything) }
  }

  @Test func systemCallsNeedProcesses() {
    let calls = fault(.calls(CallLatency([.fsync], FileLatency(.milliseconds(1)))))
    #expect { try calls.validate() } throws: { "\($0)".contains("which processes are meant") }
  }

  @Test func allOfItSurvivesTheJournal() throws {
    for (_, example) in DiskDisturbance.examples {
      let before = fault(example, processes: ProcessSelector(.name("any")))
      #expect(try decodeJSON(InnerFault.self, from: encodeJSON(before)) == before)
    }
    let undo: [DiskUndo] = [
      .unmount(MountedPlace(path: "/data", source: "blackstart-1")),
      .thaw(FrozenSystem(path: "/data", device: "7:0")),
      .removeFiller(FillerFile(in: "/data", run: "r", fault: "f")),
    ]
    #expect(try decodeJSON([DiskUndo].self, from: encodeJSON(undo)) == undo)
  }

  /// Witness: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
  @Test func systemCallsAreKnownByTheirNumbers() {
    #expect(SystemCallNumbers.x86[74] == .fsync && SystemCallNumbers.x86[18] == .write)
    #expect(SystemCallNumbers.arm64[82] == .fsync && SystemCallNumbers.arm64[67] == .read)
    for table in [SystemCallNumbers.x86, SystemCallNumbers.arm64] {
      #expect(Set(table.values) == CallLatency.possible)
      #expect(table.count == 12)
    }
  }
}
