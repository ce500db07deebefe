import Checks
import Scenarios
import Testing

@testable import Drill

/// When runbooks had stopped mirrors, from what the journal says of their steps.
@Suite struct MirrorPausesTests {
  private static let link = MirrorLink(from: "east", to: "eu")
  private static let back = MirrorLink(from: "eu", to: "east")

  private let steps = [
    RunbookStep(
      id: "pause", action: .pauseMirror(link), undo: .resumeMirror(link), timeout: .seconds(5)),
    RunbookStep(id: "stop", action: .kafka(.stopMirror(link)), timeout: .seconds(5)),
    RunbookStep(id: "stop-back", action: .kafka(.stopMirror(back)), timeout: .seconds(5)),
    RunbookStep(
      id: "resume", action: .resumeMirror(link), undo: .pauseMirror(link), timeout: .seconds(5)),
    RunbookStep(id: "look", action: .kafka(.mirrorStatus(.init(link: link))), timeout: .seconds(5)),
  ]

  private func pauses(_ changes: (Int64, String, StepChanged.State)...) -> [MirrorPause] {
    mirrorPauses(
      steps,
      changes.map { time, step, state in
        (time, StepChanged(runbook: "runbook", step: step, verb: "-", state: state, attempt: 1, detail: nil))
      })
  }

  private func pause(_ began: Int64, _ ended: Int64) -> MirrorPause {
    MirrorPause(MirrorDirection(from: "east", to: "eu"), began: began, ended: ended)
  }

  @Test func aPauseIsFromTheBeginningOfOneStepToTheEndOfAnother() {
    #expect(
      pauses(
        (10, "pause", .checking), (11, "pause", .acting), (12, "pause", .done), (20, "resume", .acting),
        (25, "resume", .verifying), (26, "resume", .done), (30, "look", .done)) == [pause(11, 26)])
  }

  @Test func whatIsNotLetGoOnIsNoPause() {
    #expect(pauses((11, "pause", .acting), (12, "pause", .done)) == [])
    #expect(pauses((11, "pause", .acting), (20, "resume", .acting), (25, "resume", .failed)) == [])
    #expect(pauses((20, "resume", .acting), (26, "resume", .done)) == [])
    // The other direction goes on; this one does not.
    #expect(pauses((11, "stop-back", .acting), (12, "stop-back", .done), (26, "resume", .done)) == [])
  }

  @Test func aStepThatIsTriedAgainOrStopsWhatIsPausedBeginsNoOther() {
    #expect(
      pauses(
        (11, "pause", .acting), (12, "pause", .resting), (13, "pause", .acting), (14, "pause", .done),
        (15, "stop", .acting), (16, "stop", .done), (26, "resume", .done)) == [pause(11, 26)])
  }

  @Test func takingBackEndsOrBeginsOne() {
    #expect(pauses((11, "pause", .acting), (12, "pause", .undoing), (15, "pause", .undone)) == [pause(11, 15)])
    #expect(
      pauses(
        (11, "pause", .acting), (26, "resume", .done), (30, "resume", .undoing), (31, "resume", .undone),
        (32, "pause", .undoing), (40, "pause", .undone)) == [pause(11, 26), pause(30, 40)])
  }
}
