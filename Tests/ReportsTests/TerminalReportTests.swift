import Reports
import Support
import Testing

/// The report in a terminal.
@Suite struct TerminalReportTests {
  @Test(arguments: [sampleRun(), sampleFailure(), emptyRun(), brokenRun()])
  func noLineIsWiderThan100Columns(run: RunSummary) {
    for line in terminalReport(run, color: false).split(separator: "\n") {
      #expect(line.count <= 100, "\(line)")
    }
  }

  @Test func colorChangesNothingButColor() {
    for run in [sampleRun(), sampleFailure(), emptyRun()] {
      let colored = terminalReport(run, color: true)
      #expect(colored.contains("\u{1B}["))
      #expect(colored.replacing(/\u{1B}\[[0-9;]*m/, with: "") == terminalReport(run, color: false))
    }
  }

  @Test func withoutColorThereIsNoControlCharacter() {
    let text = terminalReport(sampleFailure(), color: false)
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
  }

  /// What a server answered may stand in a witness; the terminal must not obey it.
  @Test func nothingRecordedReachesTheTerminalAsACommand() {
    var run = sampleFailure()
    let attack = "\u{1B}]0;owned\u{7}\u{1B}[2J\r\n\u{202E}"
    run.scenario += attack
    run.items[2].headline += attack
    run.items[2].witness = attack
    run.faults[0].what += attack
    let text = terminalReport(run, color: false)
    #expect(text.unicodeScalars.allSatisfy { ($0.value >= 0x20 || $0 == "\n") && $0.value != 0x202E })
  }

  @Test func everyItemStandsWithItsVerdictAndReason() {
    let text = terminalReport(sampleFailure(), color: false)
    let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for item in sampleFailure().items {
      #expect(words.contains("\(item.verdict.word) \(item.id) \(item.headline)"))
    }
  }

  @Test func aFailureShowsDetailsAndWitnessAndAPassDoesNot() {
    let text = terminalReport(sampleFailure(), color: false)
    #expect(text.contains("· eu was sealed at position 1,204"))
    #expect(text.contains("witness  {\"events\":[\"p1-410\""))
    #expect(!terminalReport(sampleRun(), color: false).contains("witness"))
  }

  @Test func aRunWithoutVerdictIsNoPass() {
    let text = terminalReport(emptyRun(), color: false)
    #expect(text.hasPrefix(" NO VERDICT  region-blackout  nothing was judged, exit 3\n"))
    #expect(text.contains("ended early: the steady state did not hold"))
    #expect(!text.contains("PASS"))
  }

  @Test func aFaultThatMayRemainIsShouted() {
    var run = sampleRun()
    run.faults[0].end = nil
    let words = terminalReport(run, color: false).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(words.contains("in force from 11.9 s, NOT VERIFIED GONE"))
  }

  @Test func theWholeReportReadsLikeThis() {
    var run = sampleFailure()
    run.items.removeSubrange(4...)
    #expect(
      terminalReport(run, color: false) == """
         FAIL  region-blackout  1 FAIL, 1 INCONCLUSIVE, 2 of 4 items pass, exit 1
          East is cut off from every other region; eu takes over and east comes back fenced.
          2026-11-20T08:12:03.250Z, 70.4 s, seed 20261120, run 2026-11-20T08-12-03Z-region-blackout-7f3a

          phases   preflight 4.60 s ▸ baseline 7.30 s ▸ timeline 40.0 s ▸ heal 200 ms ▸ recovery 12.1 s
                   quiescence 2.90 s ▸ verdict 3.30 s
          fault    blackout cuts east off from eu and ap, both ways, in force 11.9 s to 52.0 s (40.1 s),
                   18,203 packets met
          writes   by producers: 3,955 acknowledged, 64 unknown, 844 refused
          leader   east with token 41 from 3.9 s to 21.2 s, eu with token 57 from 24.9 s to the end
          RTO      14.3 s until first acknowledged write under the new token
                   detection                    1.17 s  ████
                   election                     11.8 s  ████████████████████████████████████████
                   seal of the new store        310 ms  █
                   first acknowledged write     1.03 s  ███▌
                   producers outside east back  660 ms  ██▎
          RPO      37 acknowledged events missing at promotion, spanning 1.82 s; 3 LOST

          PASS          mirror-lag-zero       both mirrors caught up 1.3 s after heal, 3,412 events by
                                              identity (within 5m)
          PASS          no-duplicates         5,210 events in two logs and two projections, each once
          FAIL          no-acknowledged-loss  3 acknowledged events never reached eu: p1-410, p1-411, p1-412
                                              (rpo 1m)
                        · acknowledged between 10.2 s and 10.5 s, before the cut
                        · eu was sealed at position 1,204
                        witness  {"events":["p1-410","p1-411","p1-412"],"store":"eu","sealedAt":1204,"note":
                                 "<script>alert(1)</script>"}
          INCONCLUSIVE  stale-token-rejected  nobody tried a stale token on eu after heal

          checker  finds 5 of 5 planted faults of the stack
          report   runs/2026-11-20T08-12-03Z-region-blackout-7f3a/report.html
          again    blackstart run scenarios/region-blackout.yaml --seed 20261120

        """)
  }
}
