import Events
import FoundationEssentials
import Testing

@Suite struct EventIDTests {
  @Test(arguments: ["p0-0", "p3-142", "p4294967295-18446744073709551615"])
  func `an event id reads back as it is printed`(text: String) throws {
    let id = try #require(EventID(text))
    #expect(id.description == text)
    #expect(try JSONDecoder().decode([EventID].self, from: JSONEncoder().encode([id])) == [id])
  }

  @Test(arguments: [
    "", "p", "p-", "p1", "p1-", "p-1", "1-1", "p01-1", "p1-01", "p+1-1", "p1--1", "p1-2-3", " p1-1", "p1-1 ", "P1-1",
    "p4294967296-0", "p0-18446744073709551616", "p1-x", "p１-1",
  ])
  func `other spellings are no event id`(text: String) {
    #expect(EventID(text) == nil)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([EventID].self, from: JSONEncoder().encode([text]))
    }
  }

  @Test func `event ids are ordered by producer, then by sequence`() {
    let ids = ["p0-9", "p1-0", "p1-2", "p2-1"].compactMap { EventID($0) }
    #expect(ids.shuffled().sorted() == ids)
  }
}
