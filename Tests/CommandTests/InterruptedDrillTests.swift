import Glibc
import Support
import Testing

/// Whoever stops a drill, in whatever phase, gets back a machine without its faults and its lab, and the evidence so far.
@Suite("Interrupted drills", .serialized, .enabled(if: geteuid() == 0, "a drill needs root"))
struct InterruptedDrillTests {
  @Test("Ctrl-C in the baseline: nothing was injected, status 130")
  func interruptInBaseline() async throws {
    try await withDirectory("stop") { directory in
      let drill = try RunningDrill(in: directory)
      try await drill.until(phase: "baseline")
      try drill.started.child.send(Signal.interrupt)
      let result = try await drill.started.result()
      #expect(result.code == 130)
      #expect(result.errors.contains("Stopping: faults are taken back, evidence is kept, the lab goes down."))
      #expect(!result.errors.contains("error:"), "\(result.errors)")
      #expect(result.output.contains("ended early: the run was stopped; all faults are verified gone"))
      #expect(try !drill.journal.contains { $0.type == "fault.arming" })
      try drill.expectNothingLeft()
      try drill.expectEvidence()
    }
  }

  /// The second Ctrl-C says that it goes on, and does not hurry it: half a rollback is none.
  @Test("Ctrl-C twice in the fault phase: the fault is verified gone, status 130; a cut journal is reported still")
  func interruptInFault() async throws {
    try await withDirectory("stop") { directory in
      let drill = try RunningDrill(in: directory)
      try await drill.until("fault.proven")
      try drill.started.child.send(Signal.interrupt)
      try await drill.until("fault.disarming")
      try drill.started.child.send(Signal.interrupt)
      let result = try await drill.started.result()
      #expect(result.code == 130)
      #expect(result.errors.contains("Still rolling back. Faults end with this process in any case"))
      try drill.expectFaultsGone()
      try drill.expectNothingLeft()
      try drill.expectEvidence()

      try await judgesWhatIsLeft(of: drill.directory, in: directory)
    }
  }

  /// A power cut leaves a journal whose last line is half written.
  private func judgesWhatIsLeft(of run: String, in directory: String) async throws {
    let journal = "\(run)/journal.jsonl"
    let bytes = try readFile(journal)
    let lines = bytes.count(where: { $0 == UInt8(ascii: "\n") })
    try writeFile(journal, Array(bytes.dropLast(40)))
    let cut = try await Blackstart.run(["report", run], in: directory)
    #expect(cut.code == 7, "\(cut.errors)")
    #expect(cut.errors == "")
    let text = unwrapped(cut.output)
    #expect(
      text.contains("the record is not whole: the end of the journal (line \(lines) is cut off)"), "\(cut.output)")

    // One that was altered is believed up to there.
    try writeFile(
      journal, Array(String(decoding: bytes, as: UTF8.self).replacing("fault.proven", with: "fault.proved").utf8))
    let altered = try await Blackstart.run(["report", run], in: directory)
    #expect(altered.code == 7, "\(altered.errors)")
    #expect(unwrapped(altered.output).contains("does not continue the chain)"))
  }

  /// The text without the line breaks that a narrow terminal needs.
  private func unwrapped(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  @Test("flushing all rules in the region leaves the drill in force; SIGTERM then ends it with status 143")
  func flushAndTerminate() async throws {
    try await withDirectory("stop") { directory in
      let drill = try RunningDrill(in: directory)
      try await drill.until("fault.proven")
      let namespace = try drill.namespace("east")
      func nft(_ words: String...) async throws -> Blackstart.Result {
        try await Blackstart.command("/usr/sbin/ip", ["netns", "exec", namespace, "nft"] + words, in: directory)
      }
      let before = try await nft("list", "tables")
      #expect(before.output.contains("bs_"), "\(before)")
      let flush = try await nft("flush", "ruleset")
      let after = try await nft("list", "tables")
      #expect(after.output == before.output, "flush: \(flush)")

      // Three heartbeats later the drill still goes on, and nothing passes.
      let now = try #require(try drill.journal.last?.t)
      try await drill.until("sample") { _ in (try? drill.journal.last?.t ?? 0 > now + 3_000_000_000) == true }
      #expect(try !drill.journal.contains { $0.type == "fault.lapsed" || $0.type == "run.aborted" })
      let east = try #require(try drill.journal.last { $0.type == "sample" }?.data["lag"]?["east→eu"]?["age"]?.integer)
      #expect(east > 2_000_000_000, "the mirror caught up while it should be cut off")

      try drill.started.child.send(Signal.terminate)
      let result = try await drill.started.result()
      #expect(result.code == 143)
      try drill.expectFaultsGone()
      try drill.expectNothingLeft()
      try drill.expectEvidence()
    }
  }

  @Test("two drills whose directories have the same name leave each other alone; a reader that goes away ends none")
  func twoAtATime() async throws {
    try await withDirectory("stop") { directory in
      var ends: [Int32] = [0, 0]
      try #require(pipe(&ends) == 0)
      defer { close(ends[1]) }
      let first = try RunningDrill(in: directory, run: "a/run", arguments: ["--json"], output: ends[1])
      close(ends[0])
      try await first.until(phase: "baseline")
      let second = try RunningDrill(in: directory, run: "b/run")
      try await second.until("lab.up")
      #expect(try first.namespace("east") != second.namespace("east"))

      try second.started.child.send(Signal.terminate)
      #expect(try await second.started.result().code == 143)
      try second.expectEvidence()
      #expect(try !first.journal.contains { $0.type == "run.aborted" }, "the second drill ended the first")
      let standing = try listDirectory("/run/netns")
      #expect(try standing.contains(first.namespace("east")))
      #expect(try !standing.contains(second.namespace("east")))

      try first.started.child.send(Signal.terminate)
      #expect(try await first.started.result().code == 143)
      try first.expectNothingLeft()
      try first.expectEvidence()
    }
  }

  @Test("kill -9 in the fault phase: the fault is gone at once, recover removes the rest, the evidence can be read")
  func killed() async throws {
    try await withDirectory("stop") { directory in
      let drill = try RunningDrill(in: directory)
      try await drill.until("fault.proven")
      let namespace = try drill.namespace("east")
      try drill.started.child.send(Signal.kill)
      let result = try await drill.started.result()
      #expect(result.code == 137)
      let tables = try await Blackstart.command(
        "/usr/sbin/ip", ["netns", "exec", namespace, "nft", "list", "tables"], in: directory)
      #expect(tables.code == 0)
      #expect(!tables.output.contains("bs_"), "\(tables.output)")

      let report = try await Blackstart.run(["report", drill.directory], in: directory)
      #expect(report.code == 7, "\(report.errors)")
      #expect(
        unwrapped(report.output).contains("the record is not whole: the end of the journal (it stops after '"),
        "\(report.output)")

      let list = try await Blackstart.run(["recover", "--list", "--state", drill.state], in: directory)
      #expect(list.output.contains(": abandoned, ") && list.output.contains("  namespace \(namespace)\n"))
      let recover = try await Blackstart.run(["recover", "--state", drill.state], in: directory)
      #expect(recover.code == 0)
      #expect(recover.output.contains("removed namespace \(namespace)\n"), "\(recover.output)")
      try drill.expectNothingLeft()
    }
  }
}
