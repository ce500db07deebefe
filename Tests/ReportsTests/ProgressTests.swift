import Reports
import Support
import Testing

/// The line that lives while a run goes on.
@Suite struct ProgressTests {
  static func sample() -> Progress {
    var progress = Progress(phase: "timeline", elapsed: 26.4, phaseElapsed: 14.5, phaseLimit: 40)
    progress.faults = ["blackout"]
    progress.acknowledgedPerSecond = 50
    progress.troubledPerSecond = 8.5
    progress.lag = [.init("east → eu", 14.4), .init("eu → east", nil)]
    progress.leader = "eu"
    progress.token = 57
    progress.packetsDropped = 5120
    return progress
  }

  @Test func theLineHasEverythingWhenThereIsRoom() {
    #expect(
      ProgressLine(width: 200).line(Self.sample())
        == "timeline 15/40 s  fault blackout  leader eu #57  ack 50/s  err 8.5/s  lag east → eu 14.4 s, eu → east ?"
        + "  met 5,120")
  }

  @Test func theLeastImportantIsLeftOutFirst() {
    let line = ProgressLine(width: 80).line(Self.sample())
    #expect(line == "timeline 15/40 s  fault blackout  leader eu #57  ack 50/s  err 8.5/s")
  }

  /// A line as wide as the terminal would wrap, and then rewriting it would leave rubbish behind.
  @Test(arguments: 2...160) func theLineIsNarrowerThanTheTerminal(width: Int) {
    let line = ProgressLine(width: width).line(Self.sample())
    #expect(line.count < width)
    #expect(line.hasPrefix("t"))
  }

  @Test func colorDoesNotCountAsWidth() {
    let colored = ProgressLine(width: 80, color: true).line(Self.sample())
    #expect(colored.replacing(/\u{1B}\[[0-9;]*m/, with: "") == ProgressLine(width: 80).line(Self.sample()))
  }

  @Test func aRewrittenLineTakesTheOldOneAway() {
    let text = ProgressLine(width: 80).rewritten(Self.sample())
    #expect(text.hasPrefix("\r") && text.hasSuffix("\u{1B}[K"))
  }

  @Test func nobodyLeadingIsSaid() {
    var progress = Self.sample()
    progress.leader = nil
    progress.token = nil
    #expect(ProgressLine(width: 200).line(progress).contains("leader nobody"))
  }

  @Test func aPlainLineHasNoControlCharacter() {
    var progress = Self.sample()
    progress.faults = ["a\u{1B}[2Jb\n"]
    let line = ProgressLine.plain(progress)
    #expect(line.hasPrefix("[26.4 s] timeline 15/40 s  fault a\u{FFFD}[2Jb "))
    #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }

  @Test func progressSurvivesItsJSON() throws {
    #expect(try decodeJSON(Progress.self, from: encodeJSON(Self.sample())) == Self.sample())
  }
}
