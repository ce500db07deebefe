import Support
import Testing

@testable import Drill

/// Runs that are repeated: their seeds, when they end, and what all of them come to.
@Suite struct CampaignTests {
  private func campaign(_ count: Int, untilFail: Bool = false, codes: [ExitCode]) -> Campaign {
    var campaign = Campaign(seed: 7, count: count, untilFail: untilFail)
    for code in codes {
      guard let (number, seed) = campaign.next else { break }
      campaign.take(.init(number: number, seed: seed, code: code.rawValue, directory: "d", items: [:]))
    }
    return campaign
  }

  @Test func seedsFollowFromTheFirstAndDiffer() {
    let campaign = Campaign(seed: 7, count: 100, untilFail: false)
    let seeds = (1...100).map(campaign.seed)
    #expect(seeds[0] == 7)
    #expect(Set(seeds).count == 100)
    #expect(seeds.allSatisfy { $0 <= UInt64(Int64.max) })
    #expect(seeds == (1...100).map(Campaign(seed: 7, count: 1, untilFail: true).seed))
    #expect(seeds[1] != Campaign(seed: 8, count: 1, untilFail: true).seed(of: 2))
  }

  @Test func itEndsAfterTheLastRun() {
    #expect(campaign(2, codes: [.pass]).next?.number == 2)
    #expect(campaign(2, codes: [.pass, .pass]).next == nil)
    #expect(campaign(3, codes: [.fail]).next?.number == 2)
    #expect(campaign(3, codes: [.steadyState]).next?.number == 2)
  }

  @Test(arguments: [ExitCode.fail, .aborted, .faultNotApplied, .steadyState])
  func untilFailEndsWithTheFirstFailure(code: ExitCode) {
    #expect(campaign(9, untilFail: true, codes: [.pass, .inconclusive]).next?.number == 3)
    #expect(campaign(9, untilFail: true, codes: [.pass, code]).next == nil)
  }

  /// A fault may remain, or a person wants to stop: the next run would only make it worse.
  @Test(arguments: [ExitCode.recoveryIncomplete, .interrupted, .terminated])
  func nothingFollowsWhatMayRemain(code: ExitCode) {
    #expect(campaign(9, codes: [code]).next == nil)
    #expect(campaign(9, codes: [code]).code == code)
  }

  @Test func theGravestCodeIsThatOfAll() {
    #expect(campaign(3, codes: [.pass, .pass, .pass]).code == .pass)
    #expect(campaign(3, codes: [.pass, .inconclusive, .pass]).code == .inconclusive)
    #expect(campaign(3, codes: [.fail, .inconclusive, .pass]).code == .fail)
    #expect(campaign(3, codes: [.fail, .faultNotApplied, .pass]).code == .faultNotApplied)
    #expect(campaign(3, codes: [.fail, .recoveryIncomplete]).code == .recoveryIncomplete)
    #expect(campaign(3, codes: []).code == .usage)
  }
}
