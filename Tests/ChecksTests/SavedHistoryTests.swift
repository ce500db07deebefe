import Checks
import Events
import FoundationEssentials
import Glibc
import Support
import Testing

/// The same verdict live and from the saved file, byte for byte; and never a pass from a file that is cut off.
@Suite struct SavedHistoryTests {
  @Test func `a saved history is judged as the live one was, and a cut one is inconclusive`() async throws {
    let path = "/tmp/checks-\(getpid())-\(UUID().uuidString).bsh"
    defer { unlink(path) }
    let evidence = CleanDrill.evidence(seed: 4)
    let recorder = try HistoryRecorder(path: path, runID: "clean", clock: { 1 }, wall: { 1 })
    for name in evidence.history.names.nodes { _ = recorder.node(name) }
    for name in evidence.history.names.groups { _ = recorder.group(name) }
    for name in evidence.history.names.codes { _ = recorder.code(name) }
    for (place, operation) in evidence.history.operations.enumerated() {
      recorder.record(operation)
      if place % 1000 == 999 { try await recorder.flush() }
    }
    try await recorder.close()

    var saved = evidence
    saved.history = HistoryEvidence(try History(path: path))
    #expect(saved.history.operations == evidence.history.operations)
    #expect(try encodeJSON(judge(saved)) == encodeJSON(judge(evidence)))

    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    var cut = evidence
    cut.history = HistoryEvidence(try History(bytes: Array(bytes.dropLast(1))))
    #expect(cut.history.operations.count == evidence.history.operations.count)
    let verdict = judge(cut)
    #expect(verdict.overall == .inconclusive, "\(complaints(verdict))")
  }
}
