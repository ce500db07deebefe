import Checks
import Events
import Support
import Testing

/// The kinds of verdict, item by item.
func kinds(_ verdict: DrillVerdict) -> [ChecklistItem: Verdict.Kind] {
  Dictionary(uniqueKeysWithValues: verdict.items.map { ($0.item, $0.verdict.kind) })
}

/// The headlines of everything that is no pass.
func complaints(_ verdict: DrillVerdict) -> String {
  verdict.items.filter { $0.verdict.kind != .pass }.map {
    "\($0.item.rawValue): \($0.verdict.kind): \($0.verdict.headline)"
  }
  .joined(separator: "\n")
}

@Suite struct JudgeTests {
  @Test(arguments: 0..<10)
  func `a clean drill passes every item`(seed: UInt64) {
    let verdict = judge(CleanDrill.evidence(seed: seed))
    #expect(verdict.overall == .pass, "\(complaints(verdict))")
    #expect(verdict.exitCode == .pass)
    #expect(verdict.items.count == 7)
  }
}
