import Events
import Scenarios
@testable import Stacks
import Testing

@testable import Drill

/// Sets of events, compared stores, and steps in their order.
@Suite struct EventRangesTests {
  @Test func whatIsMissingIsListedEventByEvent() {
    let whole: EventRanges.Ranges = [1: [0...5, 8...9], 2: [0...0], 3: [4...4]]
    let part: EventRanges.Ranges = [1: [0...1, 3...4, 9...20], 3: [0...9]]
    #expect(EventRanges.subtract(part, from: whole).map(\.description) == ["p1-2", "p1-5", "p1-8", "p2-0"])
    #expect(EventRanges.subtract(whole, from: whole) == [])
    #expect(EventRanges.subtract([:], from: whole).count == Int(EventRanges.count(whole)))
  }

  @Test func aGroupHasAppliedWhatItsRangesHold() {
    let position = GroupPosition(group: "g", ordinal: 5, last: nil, applied: [1: [0...2, 5...6], 7: [3...3]])
    let held = (0..<10).filter { position.hasApplied(EventID(producer: 1, sequence: UInt64($0))) }
    #expect(held == [0, 1, 2, 5, 6])
    #expect(position.hasApplied(EventID(producer: 7, sequence: 3)))
    #expect(!position.hasApplied(EventID(producer: 2, sequence: 0)))
    #expect(position.count == 6)
  }

  @Test func anAlteredExportIsNotWhole() throws {
    let position = GroupPosition(
      group: "g", ordinal: 3, last: EventID(producer: 1, sequence: 2), applied: [1: [0...2], 4: [1...1], 9: [0...0]])
    var file = PositionFile(region: "eu", taken: "t", [GroupStand(region: "eu", position: position)])
    #expect(file.isWhole)
    file.groups[0].ordinal = 4
    #expect(!file.isWhole)
    file.groups = [position]
    file.groups[0].applied[4] = [1...2]
    #expect(!file.isWhole)
  }

  @Test func storesThatDifferAreNamedByBucket() {
    func digest(_ bucket: Int64, _ count: Int64, _ text: String) -> LogDigest {
      LogDigest(origin: "east", bucket: bucket, count: count, digest: text)
    }
    let east = [digest(0, 5, "a"), digest(1, 4, "b"), digest(2, 1, "c")]
    #expect(StackOperator.differences(["east": east, "eu": east]) == [])
    let eu = [digest(0, 5, "a"), digest(1, 4, "x")]
    #expect(
      StackOperator.differences(["east": east, "eu": eu]) == [
        "bucket east/1: east 4, eu 4 events", "bucket east/2: east 1, eu 0 events",
      ])
  }

  @Test func stepsComeAfterThoseThatTheyWaitFor() {
    func step(_ id: String, after: [String]) -> RunbookStep {
      RunbookStep(id: id, after: after, action: .wait(Pause(.seconds(1))), timeout: .seconds(2))
    }
    let steps = [step("a", after: ["c"]), step("b", after: []), step("c", after: ["b"]), step("d", after: [])]
    #expect(steps.inOrder.map(\.id) == ["b", "c", "a", "d"])
    #expect([step("x", after: ["y"]), step("y", after: ["x"])].inOrder.map(\.id) == ["x", "y"])
  }
}
