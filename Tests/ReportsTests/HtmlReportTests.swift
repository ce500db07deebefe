import Glibc
import Reports
import Support
import Testing

/// The HTML report. `BLACKSTART_KEEP=1` leaves the files in /tmp, to be looked at.
@Suite struct HtmlReportTests {
  @Test func theReportNeedsNothingFromElsewhere() {
    for run in [sampleRun(), sampleFailure()] {
      let page = htmlReport(run).replacing("http://www.w3.org/2000/svg", with: "")  // a name, not an address
      for forbidden in ["http:", "https:", "//", "<script", "<link", "<img", "@import", "url(", "onload"] {
        #expect(!page.contains(forbidden), "\(forbidden)")
      }
    }
  }

  @Test func nothingRecordedBecomesMarkup() {
    var run = sampleFailure()
    let attack = "\"'><script>alert(1)</script><b a=\"&"
    run.scenario = attack
    run.purpose = attack
    run.runID = attack
    run.directory = attack
    run.command = attack
    run.ending = attack
    run.killRate = attack
    run.versions = [Fact(attack, attack)]
    run.items = [
      ItemSummary(
        id: attack, title: attack, verdict: .fail, headline: attack, details: [attack], level: attack, witness: attack)
    ]
    run.phases[0].name = attack
    run.faults[0].id = attack
    run.faults[0].what = attack
    run.recoveryTime?.stages[0].name = attack
    run.recoveryTime?.meaning = attack
    run.recoveryPoint?.events[0].id = attack
    run.recoveryPoint?.events[0].disposition = attack
    run.writes[0].region = attack
    run.lag[0].name = attack
    run.reigns[0].holder = attack
    run.events[0].what = attack
    run.evidence[0].name = attack
    let page = htmlReport(run)
    #expect(!page.contains("<script"))
    #expect(!page.contains("<b a="))
    #expect(isWellFormed(page) == nil)
  }

  /// Every element is closed, in order: a browser that has to guess shows something else than was meant.
  @Test(arguments: [sampleRun(), sampleFailure(), emptyRun(), brokenRun()])
  func everyElementIsClosed(run: RunSummary) {
    #expect(isWellFormed(htmlReport(run)) == nil)
    if getenv("BLACKSTART_KEEP") != nil { keep(htmlReport(run), run.runID) }
  }

  /// A figure that is no number must not reach a coordinate.
  @Test func coordinatesAreNumbers() {
    for run in [sampleRun(), emptyRun(), brokenRun()] {
      let page = htmlReport(run)
      #expect(!page.contains("nan") && !page.contains("inf\""))
    }
  }

  @Test func aFailureIsOpenAndShowsItsWitness() {
    let page = htmlReport(sampleFailure())
    #expect(page.contains(#"<details class="item" open="">"#))
    #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    #expect(page.contains(#"<p class="stamp fail">FAIL</p>"#))
    #expect(page.contains(#"<td class="lost">LOST</td>"#))
  }

  @Test func aRunWithoutVerdictSaysSo() {
    let page = htmlReport(emptyRun())
    #expect(page.contains(">NO VERDICT<"))
    #expect(page.contains("the steady state did not hold"))
    #expect(!page.contains(">PASS<"))
  }

  /// Where the lag could not be read, the line is broken: two pieces for each mirror of the sample.
  @Test func aGapInTheReadingsIsAGapInTheLine() {
    let page = htmlReport(sampleRun())
    #expect(page.split(separator: "<path class=\"lag l0\"").count - 1 == 2)
    var whole = sampleRun()
    whole.lag[0].samples.removeAll { $0.seconds == nil }
    #expect(htmlReport(whole).split(separator: "<path class=\"lag l0\"").count - 1 == 1)
  }

  @Test func aFaultNeverVerifiedGoneIsShadedToTheEnd() {
    var run = sampleRun()
    run.faults[0].end = nil
    #expect(htmlReport(run).contains("blackout, in force 58.5 s"))
    run.faults[0].start = nil
    #expect(!htmlReport(run).contains(#"<rect class="fault""#))
  }

  /// An hour of seconds is drawn in bars that can be told apart.
  @Test func aLongRunIsDrawnInFewerBars() {
    var run = sampleRun()
    run.seconds = 3600
    run.writes = [
      WriteSeries(
        region: "east", acknowledged: Array(repeating: 60, count: 3600), unknown: Array(repeating: 0, count: 3600),
        failed: Array(repeating: 0, count: 3600))
    ]
    let page = htmlReport(run)
    #expect(page.contains("writes a second, mean of 13 s each"))
    #expect(page.split(separator: "<rect class=\"acked\"").count - 1 == 277)
    #expect(page.contains("60/s acknowledged"))
  }
}

private func keep(_ page: String, _ name: String) {
  guard let file = fopen("/tmp/blackstart-report-\(name).html", "w") else { return }
  fputs(page, file)
  fclose(file)
}
