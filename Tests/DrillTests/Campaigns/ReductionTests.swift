import Support
import TestSupport
import Testing

@testable import Drill

/// The search for the smallest failing timeline, played against systems whose smallest one is known.
@Suite struct ReductionTests {
  private func whole(_ count: Int, seconds: Int64 = 16) -> TimelinePart {
    TimelinePart(holds: Dictionary(uniqueKeysWithValues: (0..<count).map { ("f\($0)", seconds * 1_000_000_000) }))
  }

  /// Plays a search to its end against `fails`.
  private func search(
    _ reduction: Reduction, fails: (TimelinePart) -> Bool
  ) -> (result: TimelinePart, tries: [TimelinePart: Bool]) {
    var known: [TimelinePart: Bool] = [:]
    while true {
      switch reduction.step(known: known) {
      case .done(let part): return (part, known)
      case .test(let part):
        #expect(known[part] == nil, "\(part) is asked for twice")
        known[part] = fails(part)
      }
    }
  }

  /// Every pair of eight faults that fail only together is found, and nothing else stays.
  @Test func theFaultsThatMatterAreFound() {
    for first in 0..<8 {
      for second in first..<8 {
        let needed: Set<String> = ["f\(first)", "f\(second)"]
        let (result, _) = search(Reduction(of: whole(8), resolution: .seconds(100))) {
          needed.isSubset(of: $0.holds.keys)
        }
        #expect(Set(result.holds.keys) == needed)
      }
    }
  }

  @Test func durationsAreFoundToWithinTheResolution() {
    for least in stride(from: Int64(500_000_000), through: 16_000_000_000, by: 700_000_000) {
      let (result, _) = search(Reduction(of: whole(3), resolution: .milliseconds(500))) {
        ($0.holds["f1"] ?? 0) >= least
      }
      let found = result.holds["f1"] ?? 0
      #expect(Set(result.holds.keys) == ["f1"])
      #expect(found >= least && found - least <= 500_000_000, "\(found) for \(least)")
    }
  }

  /// What fails only as a whole stays whole.
  @Test func nothingIsTakenAwayThatMatters() {
    let all = whole(5)
    let (result, _) = search(Reduction(of: all)) { $0 == all }
    #expect(result == all)
  }

  /// Results that are given again lead to where the search stood: every prefix of a search goes on to the same end.
  @Test func anInterruptedSearchGoesOn() {
    func fails(_ part: TimelinePart) -> Bool { (part.holds["f2"] ?? 0) > 3_000_000_000 && part.holds["f5"] != nil }
    let reduction = Reduction(of: whole(6))
    let (result, tries) = search(reduction, fails: fails)
    for count in 0..<tries.count {
      var known = Dictionary(uniqueKeysWithValues: tries.shuffled().prefix(count).map { ($0.key, $0.value) })
      while case .test(let part) = reduction.step(known: known) { known[part] = fails(part) }
      #expect(reduction.step(known: known) == .done(result))
    }
  }

  @Test func theRecordComesBackForItsItemOnly() async throws {
    try await withTemporaryDirectory("reduction", remove: { try removeTree($0) }) { directory in
      let path = "\(directory)/tries.json"
      var record = ReductionRecord(item: "no-duplicates")
      record.tries.append(.init(part: whole(2), failed: true, code: 1, directory: "t"))
      try record.save(path)
      #expect(try ReductionRecord(resuming: path, item: "no-duplicates") == record)
      #expect(try ReductionRecord(resuming: path, item: "mirror-lag-zero").tries == [])
    }
  }
}
