import Glibc
import Support
import Testing

/// A person stops a drill in the middle of its runbook: it ends in a state with a name, with nothing left running.
@Suite("Cancelled runbooks")
struct CancelledRunbookTests {
  /// While it waits for the heal: what came after the promotion is taken back, the last step first.
  @Test("cancelled after the promotion, it ends there, and nothing is left running")
  func endsInANamedState() async throws {
    try await withDirectory("runbook") { directory in
      let drill = try RunningDrill(
        in: directory, scenario: "\(Blackstart.package)/scenarios/failover-and-failback.yaml")
      try await drill.until("runbook.step") { $0["step"]?.string == "restore" && $0["state"]?.string == "checking" }
      try drill.started.child.send(SIGINT)
      let result = try await drill.started.result()
      #expect(result.code == 130, "\(result.errors)")
      let journal = try drill.journal
      let end = try #require(journal.first { $0.type == "runbook.ended" })
      #expect(end.data["isComplete"]?.bool == false && end.data["isSafe"]?.bool == true)
      #expect(end.data["state"]?.string == "standing after promote")
      #expect(end.data["leftAt"]?.string == "restore")
      let undone = journal.filter { $0.type == "runbook.step" && $0.data["state"]?.string == "undone" }
        .compactMap { $0.data["step"]?.string }
      #expect(undone == ["hold-readers", "repoint"])
      try drill.expectFaultsGone()
      try drill.expectNothingLeft()
    }
  }
}
