import Reports
import Support
import Testing

/// What other programs read.
@Suite struct MachineReportTests {
  @Test(arguments: [sampleRun(), sampleFailure(), emptyRun(), brokenRun()])
  func junitIsWellFormed(run: RunSummary) {
    #expect(isWellFormed(junitReport(run)) == nil)
  }

  @Test func junitCallsAFailureAFailureAndAnUntestedPropertyAnError() {
    let xml = junitReport(sampleFailure())
    #expect(xml.contains(#"tests="7" failures="1" errors="2""#))
    #expect(xml.contains(#"<failure type="FAIL" message="3 acknowledged events never reached eu"#))
    #expect(xml.contains(#"<error type="INCONCLUSIVE""#))
    #expect(xml.contains(#"<error type="VACUOUS""#))
    #expect(junitReport(sampleRun()).contains(#"tests="7" failures="0" errors="0""#))
  }

  /// CI must not see a suite without failures when the run was ended early.
  @Test func junitOfARunThatEndedEarlyHasAnError() {
    let xml = junitReport(emptyRun())
    #expect(xml.contains(#"tests="1" failures="0" errors="1""#))
    #expect(
      xml.contains(#"<error type="ENDED-EARLY" message="the steady state did not hold: mirror-lag ≤ 2s was 4.1 s"/>"#))
  }

  @Test func junitHoldsNoCharacterThatXMLForbids() {
    var run = sampleFailure()
    run.items[2].headline = "a\u{0}b\u{1B}c\u{FFFE}d\ne"
    let xml = junitReport(run)
    #expect(xml.contains("message=\"a\u{FFFD}b\u{FFFD}c\u{FFFD}d&#10;e\""))
    #expect(xml.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
  }

  /// The grammar of the text format, line by line.
  @Test(arguments: [sampleRun(), sampleFailure(), emptyRun(), brokenRun()])
  func metricsAreInTheTextFormat(run: RunSummary) {
    let text = metricsReport(run)
    #expect(text.hasSuffix("\n"))
    let sample = /blackstart_[a-z_]+\{([a-z_]+="([^"\\\n]|\\.)*",?)+\} (-?[0-9]+(\.[0-9]+)?|NaN)/
    let comment = /# (HELP blackstart_[a-z_]+ .+|TYPE blackstart_[a-z_]+ gauge)/
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
      #expect(line.wholeMatch(of: sample) != nil || line.wholeMatch(of: comment) != nil, "\(line)")
    }
  }

  @Test func metricsSayTheVerdictAndTheRecoveryPoint() {
    let text = metricsReport(sampleFailure())
    let item = #"blackstart_item_verdict{scenario="region-blackout",item="no-acknowledged-loss""#
    #expect(text.contains(#"\#(item),verdict="fail"} 1"#))
    #expect(text.contains(#"\#(item),verdict="pass"} 0"#))
    #expect(text.contains(#"blackstart_lost_events{scenario="region-blackout"} 3"#))
    #expect(text.contains(#"blackstart_run_exit_code{scenario="region-blackout"} 1"#))
  }

  @Test func metricLabelsAreEscaped() {
    var run = sampleRun()
    run.scenario = "a\"b\\c\nd"
    #expect(metricsReport(run).contains(#"{scenario="a\"b\\c\nd"}"#))
  }

  /// What was not measured is absent, not zero.
  @Test func metricsOfAnEmptyRunClaimNothing() {
    let text = metricsReport(emptyRun())
    for name in ["rto", "rpo", "lost", "verdict", "writes"] { #expect(!text.contains("blackstart_\(name)")) }
  }

  @Test func aSummarySurvivesItsJSON() throws {
    for run in [sampleRun(), sampleFailure(), emptyRun()] {
      #expect(try readSummary(Array(jsonReport(run, pretty: true).utf8), file: "summary.json") == run)
    }
  }

  @Test func aSummaryThatIsNoneIsRefused() throws {
    let bytes = Array(try jsonReport(sampleRun()).utf8)
    #expect(!bytes.contains(UInt8(ascii: "\n")))
    for length in stride(from: 0, to: bytes.count - 2, by: 101) {
      #expect(throws: Problem.self) { try readSummary(Array(bytes[..<length]), file: "summary.json") }
    }
    #expect(
      throws: Problem(
        .usage, at: "s.json", "is a summary of form 7; this version knows form 1",
        fix: "read it with the version that wrote it")
    ) { try readSummary(Array(#"{"format":7}"#.utf8), file: "s.json") }
  }

  /// A figure that is no number cannot be written as JSON: an error, not a file that nobody can read.
  @Test func aSummaryWithAFigureThatIsNoNumberIsAnError() {
    #expect(throws: (any Error).self) { try jsonReport(brokenRun()) }
  }
}
