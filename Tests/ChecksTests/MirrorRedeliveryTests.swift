import Checks
import Events
import Testing

/// What an at-least-once mirror may carry again, and what it may not.
@Suite struct MirrorRedeliveryTests {
  /// A clean drill whose mirror to eu brought a stretch of east's records once more.
  private struct Drill {
    var evidence = CleanDrill.evidence()
    /// East's records in eu's log, in its order.
    var mirrored: [LogRow]

    init() {
      mirrored = evidence.truth.logs["eu", default: []].filter { $0.origin == "east" }.sorted {
        $0.position < $1.position
      }
      evidence.contract.permissions = .atLeastOnceMirror
    }

    /// When a record was first seen in eu.
    func seen(_ event: EventID) -> Int64? {
      let names = evidence.history.names
      return evidence.history.operations.filter {
        $0.kind == .observe && $0.event == event && names.name(of: $0.node) == "eu"
      }.compactMap(\.completed).min()
    }

    /// Lets the records stand once more at the end of eu's log.
    mutating func carryAgain(_ rows: ArraySlice<LogRow>) {
      var last = evidence.truth.logs["eu", default: []].map(\.position).max() ?? 0
      for row in rows {
        last += 1
        var copy = row
        copy.position = last
        evidence.truth.logs["eu", default: []].append(copy)
      }
    }

    var noDuplicates: Verdict? {
      judge(evidence, checklist: [.noDuplicates, .mirrorLagZero]).items.first { $0.item == .noDuplicates }?.verdict
    }
  }

  /// The last records before the moment at which the worker ended: those that came after its position was kept.
  private func drill(interval: Int64) throws -> (drill: Drill, end: Int64, fresh: ArraySlice<LogRow>) {
    let drill = Drill()
    let end = CleanDrill.faultAt - second
    let before = drill.mirrored.prefix { (drill.seen($0.event) ?? .max) <= end }
    let fresh = before.drop { (drill.seen($0.event) ?? .min) < end - interval }
    try #require(fresh.count > 5)
    return (drill, end, fresh)
  }

  @Test func `what had come since the position was kept may come again, and is told`() throws {
    var (drill, end, fresh) = try drill(interval: 2 * second)
    drill.evidence.redelivery = MirrorRedelivery(positionsEvery: 2 * second, ends: [.init(into: "eu", at: end)])
    drill.carryAgain(fresh)
    guard case .pass(let coverage) = drill.noDuplicates else {
      Issue.record("\(drill.noDuplicates.map { "\($0)" } ?? "no verdict")")
      return
    }
    #expect(coverage.sentence.contains("no event twice but \(fresh.count) records of east once more in eu"))
    #expect(coverage.sentence.contains("may be, for"))
  }

  @Test func `more than that is a duplicate`() throws {
    var (drill, end, _) = try drill(interval: 2 * second)
    drill.evidence.redelivery = MirrorRedelivery(positionsEvery: second / 10, ends: [.init(into: "eu", at: end)])
    let before = drill.mirrored.prefix { (drill.seen($0.event) ?? .max) <= end }
    drill.carryAgain(before)
    let verdict = drill.noDuplicates
    #expect(verdict?.kind == .fail)
    #expect("\(verdict.map { "\($0)" } ?? "")".contains("more than the mirror may carry again"))
  }

  @Test func `without the end of a worker nothing may come again`() throws {
    var (drill, _, fresh) = try drill(interval: 2 * second)
    drill.evidence.redelivery = MirrorRedelivery(positionsEvery: 2 * second, ends: [])
    drill.carryAgain(fresh)
    #expect(drill.noDuplicates?.kind == .fail)
    // The worker of the other mirror explains nothing here.
    drill.evidence.redelivery = MirrorRedelivery(
      positionsEvery: 2 * second, ends: [.init(into: "east", at: CleanDrill.faultAt)])
    #expect(drill.noDuplicates?.kind == .fail)
  }

  @Test func `an exactly-once mirror may carry nothing again`() throws {
    var (drill, _, fresh) = try drill(interval: 2 * second)
    drill.evidence.contract.permissions = .none
    drill.carryAgain(fresh)
    #expect(drill.noDuplicates?.kind == .fail)
  }

  @Test func `an event that stands twice where it was written is a duplicate whatever mirrors may do`() throws {
    var (drill, end, _) = try drill(interval: 2 * second)
    drill.evidence.redelivery = MirrorRedelivery(positionsEvery: 60 * second, ends: [.init(into: "eu", at: end)])
    var own = try #require(drill.evidence.truth.logs["eu"]?.last { $0.origin == "eu" })
    own.position = (drill.evidence.truth.logs["eu", default: []].map(\.position).max() ?? 0) + 1
    drill.evidence.truth.logs["eu", default: []].append(own)
    #expect(drill.noDuplicates?.kind == .fail)
  }
}
