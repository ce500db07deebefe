import Guards
import Testing

private func token(_ value: Int64) -> FencingToken {
  guard let token = FencingToken(value) else { preconditionFailure("\(value) is no token") }
  return token
}

private func reign(_ value: Int64) -> TokenReading { .held(token(value), holder: "east") }

private func fence(highest: Int64? = nil, reading: TokenReading? = nil, plant: GuardPlant? = nil) -> TokenFence {
  var fence = TokenFence(highest: highest.map(token), maximumAge: .seconds(2), plant: plant)
  if let reading { fence.note(reading, askedAt: 1_000) }
  return fence
}

@Suite struct TokenFenceTests {
  @Test func withoutATokenNothingPasses() {
    #expect(fence(reading: reign(7)).judge(.absent, at: 1_000) == .refused(.noToken))
    #expect(fence(reading: reign(7)).judge(.malformed("7 "), at: 1_000) == .refused(.malformedToken))
  }

  @Test func theTokenOfAnEarlierReignIsRefused() {
    #expect(fence(reading: reign(7)).judge(.token(token(6)), at: 1_000) == .refused(.staleToken))
    // Known from before, although the authority is silent.
    #expect(fence(highest: 7).judge(.token(token(6)), at: 1_000) == .refused(.staleToken))
  }

  /// A token that the authority never issued must not pass, and must not lock the true leader out afterwards.
  @Test func anInflatedTokenIsRefusedAndChangesNothing() {
    let fence = fence(reading: reign(7))
    #expect(fence.judge(.token(token(1_000_007)), at: 1_000) == .refused(.inflatedToken))
    #expect(fence.highest == token(7))
    #expect(fence.judge(.token(token(7)), at: 1_000) == .allowed(.currentToken))
  }

  /// 9 is below 10 as a number and above it as text. The planted fault lets the old leader in; the real guard does not.
  @Test func tokensAreNumbersAndThePlantTakesThemForText() {
    #expect(fence(reading: reign(10)).judge(.token(token(9)), at: 1_000) == .refused(.staleToken))
    let planted = fence(reading: reign(10), plant: .comparesText)
    #expect(planted.judge(.token(token(9)), at: 1_000) == .allowed(.currentToken))
    #expect(planted.judge(.token(token(10)), at: 1_000) == .allowed(.currentToken))
    #expect(planted.judge(.absent, at: 1_000) == .refused(.noToken))
    #expect(fence(reading: reign(10), plant: .pass).judge(.absent, at: 1_000) == .allowed(.planted))
  }

  @Test func aSilentAuthorityClosesTheGuard() {
    let fence = fence(reading: reign(7))
    #expect(fence.judge(.token(token(7)), at: 2_000_001_000) == .allowed(.currentToken))
    #expect(fence.judge(.token(token(7)), at: 2_000_001_001) == .refused(.authorityUnknown))
    #expect(Self.neverHeard.judge(.token(token(7)), at: 0) == .refused(.authorityUnknown))
  }

  private static let neverHeard = TokenFence(highest: nil, maximumAge: .seconds(2))

  @Test func whenNobodyHoldsAuthorityTheLastTokenIsNoLongerGood() {
    var fence = fence(reading: reign(7))
    fence.note(.vacant, askedAt: 2_000)
    #expect(fence.judge(.token(token(7)), at: 2_000) == .refused(.noAuthority))
    #expect(fence.highest == token(7))
  }

  /// etcd restored from a backup hands out lower revisions again.
  @Test func anAuthorityThatFellBackIsNotBelieved() {
    var fence = fence(highest: 9)
    fence.note(reign(7), askedAt: 1_000)
    #expect(fence.judge(.token(token(9)), at: 1_000) == .refused(.authorityRegressed))
    #expect(fence.judge(.token(token(7)), at: 1_000) == .refused(.staleToken))
  }

  @Test func anAnswerThatWasOvertakenTakesNothingBack() {
    var fence = fence(reading: reign(8))
    fence.note(reign(7), askedAt: 500)
    #expect(fence.reading == reign(8))
    #expect(fence.rise(by: reign(8)) == nil)
    #expect(fence.rise(by: reign(9)) == token(9))
  }

  @Test(arguments: [
    "", "0", "-1", "+7", " 7", "7 ", "007", "7e1", "0x7", "９", "7.0", "9223372036854775808", "99999999999999999999",
  ])
  func whatIsNoTokenIsNotReadAsOne(text: String) { #expect(FencingToken(text: text) == nil) }

  @Test func tokensTravelInClientIDsAndHeaders() {
    #expect(FencingToken(text: "9223372036854775807")?.value == .max)
    #expect(PresentedToken(clientID: "bs;token=7") == .token(token(7)))
    #expect(PresentedToken(clientID: "token=7;admin") == .token(token(7)))
    #expect(PresentedToken(clientID: nil) == .absent)
    #expect(PresentedToken(clientID: "mytoken=7") == .absent)
    #expect(PresentedToken(clientID: "bs;token=7;token=7") == .malformed("7,7"))
    #expect(PresentedToken(clientID: "bs;token=") == .malformed(""))
    #expect(PresentedToken([]) == .absent)
    #expect(PresentedToken(["7", "8"]) == .malformed("7,8"))
    #expect(PresentedToken([String(repeating: "9", count: 100)]).text?.count == 64)
  }
}
