import Support
import Testing

@testable import Faults

@Suite struct ClockOffsetTests {
  /// Whatever the way there and back takes, the truth lies within the uncertainty.
  @Test func theTruthLiesWithinTheUncertaintyWhateverTheWay() throws {
    var random = SeededRandom(seed: 5)
    for _ in 0..<2_000 {
      let truth = Int64.random(in: -5_000_000_000...5_000_000_000, using: &random)
      let samples = (0..<8).map { round in
        let sent = Int64(1_000_000_000 * round)
        let there = Int64.random(in: 0...2_000_000, using: &random)
        let back = Int64.random(in: 0...2_000_000, using: &random)
        return ClockSample(
          sent: sent, answered: sent + there + truth, received: sent + there + back, at: sent)
      }
      let offset = try #require(ClockOffset(node: "n", samples))
      #expect(abs(offset.offsetNanoseconds - truth) <= offset.uncertaintyNanoseconds)
      #expect(offset.samples == 8)
    }
  }

  @Test func theShortestWaySaysMostAndTheLatestOfEqualOnes() {
    func sample(_ way: Int64, at: Int64) -> ClockSample {
      ClockSample(sent: 0, answered: way / 2 + 7, received: way, at: at)
    }
    let offset = ClockOffset(
      node: "n", [sample(1_000, at: 1), sample(10, at: 2), sample(10, at: 3), sample(500, at: 4)])
    #expect(offset?.uncertaintyNanoseconds == 5)
    #expect(offset?.atNanoseconds == 3)
    #expect(offset?.offsetNanoseconds == 7)
    #expect(offset?.isSurelyWrong == true)
  }

  @Test func withoutAnAnswerNothingIsKnown() {
    #expect(ClockOffset(node: "n", []) == nil)
    // The recorder's own clock was set back meanwhile.
    #expect(ClockOffset(node: "n", [ClockSample(sent: 10, answered: 5, received: 9, at: 1)]) == nil)
  }

  @Test func programsThatAreNotReachedAreWarnedOf() {
    func program(_ types: [UInt8], note: [UInt8] = []) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 64 + types.count * 56)
      bytes.put(64, at: 32)
      bytes[56] = UInt8(types.count)
      for (index, type) in types.enumerated() { bytes[64 + index * 56] = type }
      return bytes + note
    }
    #expect(ClockReach.warnings(program: program([6, 3, 1]), maps: []).isEmpty)
    #expect(ClockReach.warnings(program: program([1, 1]), maps: []).count == 1)
    let go: [UInt8] = [4, 0, 0, 0, 83, 0, 0, 0, 4, 0, 0, 0] + Array("Go\0\0".utf8)
    #expect(ClockReach.warnings(program: program([1, 1], note: go), maps: []).isEmpty)
    #expect(ClockReach.warnings(program: program([3]), maps: Array("/usr/lib/libjvm.so\n".utf8)).count == 1)
    #expect(ClockReach.warnings(program: [], maps: Array("libfaketimeMT.so.1".utf8)).count == 2)
  }
}
