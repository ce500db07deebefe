import Scenarios
import Support
import Testing

@testable import Drill

/// Conditions over time, on looks that a test makes up: 1 holds, 0 does not, `-` is no data; one a second.
@Suite struct ConditionWatchTests {
  private func outcome(
    _ quantifier: Quantifier?, _ looks: String, limit: Duration = .seconds(100)
  ) -> (outcome: ConditionWatch.Outcome, after: Int64) {
    var watch = ConditionWatch(quantifier, since: 0, limit: limit)
    var time: Int64 = 0
    for look in looks {
      let seen: Look = look == "-" ? .none("silent") : Look(holds: look != "0", value: "\(look)", seen: "\(look)")
      let outcome = watch.take(seen, at: time)
      if outcome != .open { return (outcome, time / 1_000_000_000) }
      time += 1_000_000_000
    }
    return (.open, time / 1_000_000_000)
  }

  @Test(arguments: [
    ("1", ConditionWatch.Outcome.met, Int64(0)), ("0-01", .met, 3), ("0000000", .missed("0"), 4),
    ("-----", .noData("no data: silent"), 4), ("0----", .missed("no data: silent"), 4), ("0-", .open, 2),
  ])
  func eventually(looks: String, expected: ConditionWatch.Outcome, after: Int64) {
    #expect(outcome(.eventually(within: .seconds(4)), looks) == (expected, after))
    #expect(outcome(nil, looks, limit: .seconds(4)) == (expected, after))
  }

  /// No data is not true: what nobody saw did not hold all the time.
  @Test(arguments: [
    ("11111", ConditionWatch.Outcome.met, Int64(3)), ("110", .missed("0"), 2), ("11-", .noData("no data: silent"), 2),
    ("0", .missed("0"), 0), ("11", .open, 2),
  ])
  func always(looks: String, expected: ConditionWatch.Outcome, after: Int64) {
    #expect(outcome(.always(for: .seconds(3)), looks) == (expected, after))
  }

  /// And it is not false either: what nobody saw may have happened.
  @Test(arguments: [
    ("0000", ConditionWatch.Outcome.met, Int64(3)), ("001", .missed("1"), 2), ("0-", .noData("no data: silent"), 1),
  ])
  func never(looks: String, expected: ConditionWatch.Outcome, after: Int64) {
    #expect(outcome(.never(for: .seconds(3)), looks) == (expected, after))
  }

  /// A break, a gap without data and another figure begin the time anew.
  @Test(arguments: [
    ("1111", ConditionWatch.Outcome.met, Int64(3)), ("1101111", .met, 6), ("11-1111", .met, 6), ("1122222", .met, 5),
    ("12121212121", .missed("1"), 10), ("00000000000", .missed("0"), 10),
    ("-----------", .noData("no data: silent"), 10),
  ])
  func stable(looks: String, expected: ConditionWatch.Outcome, after: Int64) {
    #expect(outcome(.stable(for: .seconds(3)), looks, limit: .seconds(10)) == (expected, after))
  }

  /// Exhaustively, to seven looks: a condition never comes to hold at a look that does not show it, and never without data.
  @Test func nothingHoldsThatWasNotSeen() {
    let quantifiers: [Quantifier] = [
      .eventually(within: .seconds(4)), .always(for: .seconds(2)), .never(for: .seconds(2)), .stable(for: .seconds(2)),
    ]
    var looks = [""]
    for _ in 0..<7 { looks = looks.flatMap { head in "01-".map { "\(head)\($0)" } } }
    for quantifier in quantifiers {
      for text in looks {
        let (result, after) = outcome(quantifier, text, limit: .seconds(5))
        guard result == .met else { continue }
        let seen = Array(text)[...Int(after)]
        switch quantifier {
        case .eventually: #expect(seen.last == "1")
        case .always: #expect(seen.allSatisfy { $0 == "1" } && seen.count > 2)
        case .never: #expect(seen.allSatisfy { $0 == "0" } && seen.count > 2)
        case .stable: #expect(seen.suffix(3).allSatisfy { $0 == "1" } && seen.count > 2)
        }
      }
    }
  }
}
