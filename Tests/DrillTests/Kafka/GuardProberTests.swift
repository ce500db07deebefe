import Events
import Support
import Testing

@testable import Drill

/// What guards are tried with.
@Suite struct GuardProberTests {
  @Test(arguments: [Int64(12), 100, 7, 2, 1_000_003]) func wrongTokensAreSmallerLargerOrNone(current: Int64) throws {
    for round in 0..<4 {
      let tokens = GuardProber.wrongTokens(current, round: round)
      #expect(tokens.map(\.0) == [.none, .stale, .inflated])
      #expect(tokens[0].1 == nil)
      let (stale, inflated) = (try #require(tokens[1].1), try #require(tokens[2].1))
      #expect(stale < current && stale >= 1)
      #expect(inflated > current)
    }
  }

  @Test func oneOfTwoStaleTokensIsGreaterAsText() throws {
    for current in [Int64(12), 100, 35] {
      let stale = try #require(GuardProber.wrongTokens(current, round: 1)[1].1)
      #expect(stale < current && "\(stale)" > "\(current)")
    }
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
