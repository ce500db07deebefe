import Events
import Support
import Testing

@testable import Drill

/// What guards are tried with.
@Suite struct GuardProberTests {
  @Test(arguments: [Int64(12), 100, 7, 2, 1_000_003]) func wrongTokensAreSmallerLargerOrNone(current: Int64) throws {
    for round in 0..<4 {
      let tokens = GuardProber.wrongTokens(current, earlier: [], round: round)
      #expect(tokens.map(\.0) == [.none, .stale, .inflated])
      #expect(tokens[0].1 == nil)
      let (stale, inflated) = (try #require(tokens[1].1), try #require(tokens[2].1))
      #expect(stale < current && stale >= 1)
      #expect(inflated > current)
    }
  }

  @Test func oneOfTwoStaleTokensIsGreaterAsText() throws {
    for current in [Int64(12), 100, 35] {
      let stale = try #require(GuardProber.wrongTokens(current, earlier: [], round: 1)[1].1)
      #expect(stale < current && "\(stale)" > "\(current)")
    }
  }

  /// Once there were reigns, stale tokens are theirs, each in its turn; smaller numbers are tried beside them, under their own word.
  @Test func staleTokensAreThoseOfEarlierReigns() throws {
    let rounds = (0..<8).map { GuardProber.wrongTokens(35, earlier: [12, 23], round: $0) }
    let stale = try rounds.map { try #require($0.first { $0.0 == .stale }?.1) }
    #expect(Set(stale) == [12, 23])
    #expect(stale[0] == 23)
    for tokens in rounds { #expect(tokens.map(\.0) == [.none, .stale, .invented, .inflated]) }
    #expect(rounds[1][2].1 == 9)
    // A number that was a reign's is not called invented.
    #expect(GuardProber.wrongTokens(13, earlier: [12], round: 0).map(\.0) == [.none, .stale, .inflated])
  }

  @Test func everySchemaIsAnObjectOfItsOwn() throws {
    let schemas = (0..<3).map { GuardProber.schema("stale_in_eu_\($0)") }
    #expect(Set(schemas).count == 3)
    for schema in schemas {
      guard case .object(let fields) = try decodeJSON(JSONValue.self, from: Array(schema.utf8)) else {
        Issue.record("no object: \(schema)")
        continue
      }
      #expect(fields["type"] == .string("record"))
    }
  }
}
