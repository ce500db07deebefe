import Support
import Testing

@testable import Drill

/// When something happened, by the word of a control plane: its own word where it goes by our clock, and ours where it may not.
@Suite struct AuthorityBoardTests {
  private func view(_ region: String) -> AuthoritySeen {
    AuthoritySeen(
      region: region, role: "writer", writer: region, ownToken: 7, token: 7, storeMode: "rw", storeHighest: 7,
      etcdLeader: nil, etcdReachable: true)
  }

  @Test func aPlaneWithAnotherMonotonicClockIsNotBelievedAboutTimes() {
    let board = AuthorityBoard(
      timebase: Timebase(monotonic: { 50_000_000_000 }, wall: { 0 }), distrusted: ["eu"])
    #expect(board.take(view("east"), changed: 49_900_000_000))
    #expect(board.grants[7]?.at == 49_900_000_000)
    #expect(board.firstSeen(.init(store: "east", token: 7, mode: "rw")) == 49_900_000_000)
    // Half a second behind, which could pass for a recent word.
    #expect(board.take(view("eu"), changed: 49_500_000_000))
    #expect(board.firstSeen(.init(store: "eu", token: 7, mode: "rw")) == 50_000_000_000)
  }

  @Test func aTimeThatCannotBeIsNotBelievedEither() {
    let board = AuthorityBoard(timebase: Timebase(monotonic: { 50_000_000_000 }, wall: { 0 }))
    #expect(board.take(view("ap"), changed: 172_850_000_000_000))
    #expect(board.grants[7]?.at == 50_000_000_000)
  }
}
