import Support
import Testing

@testable import Scenarios

/// A scenario's text with a smaller timeline: what stays, stays byte for byte.
@Suite struct RestrictTimelineTests {
  private let text = """
    seed: 1
    timeline:
      # about a
      - { id: a, for: 10s, fault: x } # cut
      # about b
      - id: b
        for: 1m
        fault: y

      # about c
      - { id: c, for: 5s }
    # after
    recovery: { within: 60s }

    """

  private func restricted(_ holds: [String: Duration]) throws -> String {
    String(decoding: try restrictTimeline(Array(text.utf8), file: "s.yaml", to: holds), as: UTF8.self)
  }

  @Test func nothingChangesWhenAllStays() throws {
    #expect(try restricted(["a": .seconds(10), "b": .seconds(60), "c": .seconds(5)]) == text)
  }

  @Test func entriesGoWithTheirLines() throws {
    let lines = try restricted(["b": .seconds(7)]).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(
      lines == [
        "seed: 1", "timeline:", "  # about a", "  # about b", "  - id: b", "    for: 7s", "    fault: y", "",
        "  # about c", "# after", "recovery: { within: 60s }", "",
      ])
  }

  @Test func durationsAreWrittenInPlace() throws {
    let short = try restricted(["a": .milliseconds(2500), "b": .seconds(60), "c": .seconds(5)])
    #expect(short == text.replacing("for: 10s", with: "for: 2500ms"))
  }

  @Test func aTextThatDoesNotAllowItIsRefused() {
    for wrong in ["seed: 1\n", "timeline: []\n", "timeline: [{ id: a, for: 1s }]\n"] {
      #expect(throws: Problem.self) {
        try restrictTimeline(Array(wrong.utf8), file: "s.yaml", to: ["a": .seconds(1)])
      }
    }
    #expect(throws: Problem.self) {
      try restrictTimeline(Array("timeline:\n  - { id: a, for: \"1s\" }\n".utf8), file: "s", to: ["a": .seconds(2)])
    }
  }
}
