import Glibc
import Support
import Testing

@testable import Faults

/// What the guardian and recover do to processes, from a record alone.
@Suite struct ProcessUndoTests {
  @Test func aStoppedProcessGoesOnOnceAndNoOtherIsTouched() async throws {
    try await InnerScratch.with { scratch in
      let child = try scratch.start()
      try child.send(Signal.stop)
      #expect(try await eventually(within: .seconds(5)) { state(child.identity) == "T" })
      let later = ProcessIdentity(pid: child.identity.pid, startTicks: child.identity.startTicks + 1)
      #expect(try ProcessUndo.resume(later, command: "sleep").perform() == .absent)
      #expect(state(child.identity) == "T")
      #expect(try ProcessUndo.resume(child.identity, command: "sleep").perform() == .removed)
      #expect(goesOn(child.identity))
      #expect(try ProcessUndo.resume(child.identity, command: "sleep").perform() == .absent)
    }
  }

  @Test func aProcessThatNobodyTracesNeedsNothing() async throws {
    try await InnerScratch.with { scratch in
      let child = try scratch.start()
      let undo = ProcessUndo.release(child.identity, command: "sleep", tracer: try .current())
      #expect(try undo.perform() == .endedByItself("ended with its tracer"))
      #expect(goesOn(child.identity))
    }
  }

  @Test func whatCannotBeMendedIsSaid() throws {
    let undo = UndoAction.processes(.nothing(what: "end of etcd (pid 7)", why: "is for whoever supervises it to mend"))
    let fault = InnerFault(
      id: "f", run: "r", node: "n", effect: .processes(.kill), processes: .init(.name("etcd")),
      timing: .init(lease: .seconds(1)))
    let record = UndoRecord(fault, actions: [undo])
    #expect(
      try record.undo(in: nil) == ["nothing to remove: end of etcd (pid 7) is for whoever supervises it to mend"])
    #expect(try decodeJSON(UndoRecord.self, from: encodeJSON(record)) == record)
  }
}
