import Scenarios
import Support
import Testing

/// What a person reads about each mistake, word for word.
@Suite struct MessageTests {
  @Test(arguments: GoldenFile("form.txt").cases) func mistakesOfFormReadAsRecorded(mistake: GoldenCase) {
    #expect(mistake.actual == mistake.messages || recording)
  }

  @Test(arguments: GoldenFile("units.txt").cases) func mistakesOfUnitReadAsRecorded(mistake: GoldenCase) {
    #expect(mistake.actual == mistake.messages || recording)
  }

  @Test(arguments: GoldenFile("meaning.txt").cases) func mistakesOfMeaningReadAsRecorded(mistake: GoldenCase) {
    #expect(mistake.actual == mistake.messages || recording)
  }

  @Test(arguments: GoldenFile("language.txt").cases) func mistakesOfTheWholeLanguageReadAsRecorded(mistake: GoldenCase)
  {
    #expect(mistake.actual == mistake.messages || recording)
  }

  @Test(arguments: GoldenFile("targets.txt").cases) func mistakesOfTargetsReadAsRecorded(mistake: GoldenCase) {
    #expect(mistake.actual == mistake.messages || recording)
  }

  /// A golden file that is empty, or a case without a message, would pass without testing anything; but for what says that it is
  /// right, which must have none.
  @Test func everyCaseHasAMessage() {
    let files = ["form.txt", "units.txt", "meaning.txt", "language.txt", "targets.txt"].map(GoldenFile.init)
    #expect(files.allSatisfy { $0.cases.count > 10 })
    let isAsItMust = files.flatMap(\.cases).allSatisfy { $0.messages.isEmpty == $0.name.hasSuffix("which is right") }
    #expect(isAsItMust || recording)
    if recording { files.forEach { $0.record() } }
  }
}
