import Checks
import Drill
import Events
import Support
import Testing

/// What became of an event, from a run directory.
@Suite struct TraceTests {
  private static let recorded = "\(packageRoot)/Tests/Fixtures/recorded-blackout"

  /// Every question has an answer for every event that the run knows.
  @Test func aThousandRandomEventsAnswerAllQuestions() throws {
    let record = try RunRecord(reading: RunDirectory(opening: Self.recorded))
    let written = record.history.operations.filter { $0.kind == .append || $0.kind == .staleAppend }
    let ids = Array(Set(written.map(\.event))).sorted()
    let acknowledged = Set(written.filter { $0.outcome == .ok }.map(\.event))
    var random = SeededRandom(seed: 17)
    let drawn = (0..<1000).compactMap { _ in ids.randomElement(using: &random) }
    let lineages = record.lineages(of: Set(drawn))
    for event in drawn {
      let lineage = try #require(lineages.found[event])
      #expect(lineage.isKnown)
      #expect(lineage.published == .yes, "\(event)")
      #expect((lineage.acknowledged == .yes) == acknowledged.contains(event), "\(event)")
      let answers = [
        lineage.replicated, lineage.processed, lineage.tookEffectOnce, lineage.reconciled, lineage.refused,
      ]
      for answer in answers {
        if case .unknown(let missing) = answer { Issue.record("\(event): \(missing)") }
      }
      if acknowledged.contains(event) {
        #expect(Set(lineage.stores) == ["east", "eu"], "\(event)")
        #expect(lineage.tookEffectOnce == .yes, "\(event)")
        #expect(lineage.copies.allSatisfy { $0.firstSeen != nil && $0.inLog == true }, "\(event)")
      }
    }
  }

  @Test(arguments: [
    (EventID(producer: 99, sequence: 0), "there is no producer 99"),
    (EventID(producer: 0, sequence: 100_000), "producer 0 went from p0-0 to p0-"),
  ]) func anEventThatIsNotThereIsSaid(event: EventID, words: String) throws {
    let directory = try RunDirectory(opening: Self.recorded)
    let said = try problem { _ = try trace(event, in: directory) }
    #expect(said?.code == .usage)
    #expect(said?.what.contains("this run knows no event \(event)") == true)
    #expect(said?.what.contains(words) == true, "\(said?.what ?? "")")
  }
}
