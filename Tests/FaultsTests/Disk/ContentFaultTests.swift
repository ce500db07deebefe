import Glibc
import Support
import Synchronization
import Testing

@testable import Faults

private let hasEvents = geteuid() == 0 && InnerProfile().has(.preContentEvents)

/// The use of files made late by whoever the kernel asks first (fanotify).
@Suite(.enabled(if: hasEvents, "needs root and a kernel with FAN_PRE_ACCESS")) struct ContentFaultTests {
  /// A directory on a disk, with files in it and in a directory below.
  private static func with(_ body: (String) async throws -> Void) async throws {
    let directory = "/var/tmp/bst-content-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try makeDirectory("\(directory)/below")
    for name in ["top", "below/slow", "below/fast"] { try writeFile("\(directory)/\(name)", [1]) }
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(directory)) } catch { outcome = .failure(error) }
    try removeTree(directory)
    try outcome.get()
  }

  /// How long another process takes to read a file.
  private static func reading(_ path: String) async throws -> Duration {
    let begun = ContinuousClock.now
    let end = try await ChildProcess(ProcessRequest("/bin/cat", [path])).wait()
    #expect(end == .exited(0))
    return ContinuousClock.now - begun
  }

  private static func fault(_ directory: String, _ latency: Duration, of paths: PathPattern = .all) -> InnerFault {
    InnerFault(
      id: "late", run: "test", node: "n",
      effect: .disk(.content(ContentLatency(directory, FileLatency(latency), of: paths))),
      timing: .init(lease: .seconds(60), heartbeat: .milliseconds(100), silence: .seconds(20)), seed: 3)
  }

  @Test func theUseOfChosenFilesIsLateUntilTheFaultEnds() async throws {
    try await Self.with { directory in
      try await InnerScratch.with { scratch in
        let receipt = try await scratch.holder.arm(
          Self.fault(directory, .milliseconds(400), of: PathPattern("below/slow")))
        #expect(receipt.mechanisms.map(\.mechanism) == [.preContent])
        #expect(receipt.evidence.first?.contains("2 marks") == true, "\(receipt.evidence)")
        #expect(try await Self.reading("\(directory)/below/slow") >= .milliseconds(400))
        let hits = try await scratch.holder.counters(of: "late").inner?.hits ?? 0
        #expect(hits >= 1)
        _ = try await Self.reading("\(directory)/below/fast")
        _ = try await Self.reading("\(directory)/top")
        let outcome = try await scratch.holder.disarm("late")
        #expect(outcome.counters.inner?.hits == hits, "no other file is meant")
        #expect(outcome.evidence?.first?.contains("no mark of this process") == true)
        _ = try await Self.reading("\(directory)/below/slow")
        #expect(outcome.counters.inner?.hits == hits)
      }
    }
  }

  /// Ours would wait for itself.
  @Test func ourOwnUseIsNotDelayed() async throws {
    try await Self.with { directory in
      try await InnerScratch.with { scratch in
        _ = try await scratch.holder.arm(Self.fault(directory, .seconds(50)))
        #expect(try readFile("\(directory)/top") == [1])
        #expect(try await scratch.holder.disarm("late").counters.inner?.hits == 0)
      }
    }
  }

  @Test func whoWaitsGoesOnWhenNoHeartbeatComesAnyMore() async throws {
    try await Self.with { directory in
      let begun = Timebase.system.monotonic()
      let loop = try ContentLoop(
        ContentLatency(directory, FileLatency(.seconds(50))), seed: 1, until: begun + 1_500_000_000, timebase: .system)
      let thread = try HolderThread(
        "content", timebase: .system, make: { loop }, tick: { $0.step() ? 0 : nil }, end: { $0.close() })
      #expect(loop.standing.marks == 2)
      let took = try await Self.reading("\(directory)/top")
      #expect(took < .seconds(40))
      #expect(loop.standing.marks == 0 && loop.standing.waiting == 0)
      #expect(loop.standing.tally.hit >= 1)
      _ = try await Self.reading("\(directory)/top")
      withExtendedLifetime(thread) {}
    }
  }

  /// What the guardian and `recover` do: nothing to a holder that holds nothing, or is gone.
  @Test func itsUndoEndsNobodyWhoHoldsNothing() async throws {
    let child = try ChildProcess(ProcessRequest("/bin/sleep", ["600"]))
    let undo = DiskUndo.release(ContentHold(holder: child.identity, directory: "/data"))
    #expect(try undo.perform() == .endedByItself("ended with its holder"))
    #expect(child.end == nil)
    try await child.terminate(Signal.kill)
    #expect(try undo.perform() == .endedByItself("ended with its holder"))
    let written = try decodeJSON(DiskUndo.self, from: encodeJSON(undo))
    #expect(written == undo && "\(undo)" == "latency of files below /data")
  }

  @Test func whatCannotBeIsRefused() async throws {
    try await InnerScratch.with { scratch in
      func why(_ fault: InnerFault) async -> String {
        do {
          _ = try await scratch.holder.arm(fault)
          return "nothing was refused"
        } catch { return "\(error)" }
      }
      #expect(await why(Self.fault("/no/such/directory", .seconds(1))).contains("No such file"))
      #expect(await why(Self.fault("data", .seconds(1))).contains("is not absolute"))
      #expect(await why(Self.fault("/var/tmp", .seconds(61))).contains("between 1 µs and 60 s"))
    }
  }
}
