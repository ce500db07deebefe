import Glibc
import Support
import Testing

/// A person stops a drill in the middle of its runbook: it ends in a state with a name, with nothing left running.
@Suite("Cancelled runbooks", .serialized)
struct CancelledRunbookTests {
  /// Before the promotion everything is taken back; after it, down to the promotion.
  @Test(
    "cancelled in a step, it ends in a named safe state",
    arguments: [
      ("promote", "left at promote"), ("repoint", "standing after promote"),
    ])
  func endsInANamedState(step: String, state: String) async throws {
    try await withDirectory("runbook") { directory in
      let drill = try RunningDrill(
        in: directory, scenario: "\(Blackstart.package)/scenarios/failover-and-failback.yaml")
      try await drill.until("runbook.step") { $0["step"]?.string == step && $0["state"]?.string == "acting" }
      try drill.started.child.send(SIGINT)
      let result = try await drill.started.result()
      #expect(result.code == 130, "\(result.errors)")
      let journal = try drill.journal
      let end = try #require(journal.first { $0.type == "runbook.ended" })
      #expect(end.data["isComplete"]?.bool == false && end.data["isSafe"]?.bool == true)
      #expect(end.data["state"]?.string == state)
      #expect(end.data["leftAt"]?.string == step)
      // What was begun and not taken back is what the state's name says.
      let undone = journal.filter { $0.type == "runbook.step" && $0.data["state"]?.string == "undone" }
        .compactMap { $0.data["step"]?.string }
      #expect(undone == (step == "repoint" ? ["repoint"] : []))
      try drill.expectFaultsGone()
      try drill.expectNothingLeft()
    }
  }
}
