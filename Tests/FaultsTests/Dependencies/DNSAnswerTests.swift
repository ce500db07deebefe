import Netlink
import Testing

@testable import Faults

/// Bytes by RFC 1035 §4; what real resolvers make of them is tested in `AnswerHoldingTests`.
@Suite struct DNSAnswerTests {
  private func read(_ bytes: [UInt8]) throws -> DNSAnswer { try DNSAnswer(bytes[...]) }

  @Test func anErrorIsWrittenSo() throws {
    let answer = try read(AnswerPackets.answer)
    #expect(answer.name == "db.Test" && answer.type == 1)
    #expect(
      answer.refused(.noSuchName)
        == [0xAB, 0xCD, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 1] + AnswerPackets.question + AnswerPackets.options)
    #expect(answer.refused(.serverFailure)[3] == 0x82 && answer.refused(.refusal)[3] == 0x85)
  }

  @Test func addressesAreWrittenSo() throws {
    let addresses: [IPAddress] = [.v4(0xC000_0201), .v6(0x2001_0DB8 << 32, 1), .v4(0xC000_0202)]
    let four = try read(AnswerPackets.answer).answered(addresses, timeToLiveSeconds: 0x01020304)
    #expect(
      four == [0xAB, 0xCD, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 1] + AnswerPackets.question
        + [0xC0, 12, 0, 1, 0, 1, 1, 2, 3, 4, 0, 4, 192, 0, 2, 1]
        + [0xC0, 12, 0, 1, 0, 1, 1, 2, 3, 4, 0, 4, 192, 0, 2, 2] + AnswerPackets.options)
    var bytes = AnswerPackets.answer
    bytes[22] = 28
    let six = try #require(try read(bytes).answered(addresses, timeToLiveSeconds: 5))
    #expect(six[7] == 1 && six[25..<37].elementsEqual([0xC0, 12, 0, 28, 0, 1, 0, 0, 0, 5, 0, 16]))
    #expect(six[37..<53].elementsEqual(addresses[1].bytes))
    // A family that none was given of has no addresses.
    #expect(try read(bytes).answered([.v4(1)], timeToLiveSeconds: 5)?[7] == 0)
    bytes[22] = 15  // MX
    #expect(try read(bytes).answered(addresses, timeToLiveSeconds: 5) == nil)
  }

  @Test func withoutOptionsNoneAreGiven() throws {
    var bytes = Array(AnswerPackets.answer.prefix(41))
    bytes[11] = 0
    let refused = try read(bytes).refused(.refusal)
    #expect(refused.count == 25 && refused[11] == 0)
  }

  @Test(arguments: 0..<AnswerPackets.answer.count) func aTruncatedAnswerIsAnError(_ length: Int) {
    #expect(throws: AnswerError.self) { try read(Array(AnswerPackets.answer.prefix(length))) }
  }

  @Test func whatIsNoAnswerToOneQuestionIsSaidToBe() {
    func refused(_ place: Int, _ value: UInt8, _ expected: AnswerError) {
      var bytes = AnswerPackets.answer
      bytes[place] = value
      #expect(throws: expected) { try read(bytes) }
    }
    refused(2, 0x05, .notMeant("a question"))
    refused(2, 0xA8, .notMeant("no answer to one question"))
    refused(5, 2, .notMeant("no answer to one question"))
    refused(12, 0xC0, .malformed("the name"))
    refused(12, 63, .truncated("the name"))
    refused(25, 0x80, .malformed("the name of a record"))
    refused(36, 200, .truncated("a record"))
  }

  @Test func namesAreComparedWithoutCaseAndWithWhatIsBelowThem() {
    func matches(_ pattern: String, _ name: String) -> Bool { NamePattern(pattern).matches(name) }
    #expect(matches("db.example", "DB.Example") && matches("db.example.", "db.example"))
    #expect(!matches("db.example", "db.example.org") && !matches("db.example", "xdb.example"))
    #expect(matches("*.example", "a.b.EXAMPLE") && !matches("*.example", "example"))
    #expect(!matches("*.example", "a.bexample") && matches("*", "anything") && matches("*", ""))
    func overlap(_ one: String, _ two: String) -> Bool {
      let pair = (NamePattern(one), NamePattern(two))
      #expect(pair.0.overlaps(pair.1) == pair.1.overlaps(pair.0))
      return pair.0.overlaps(pair.1)
    }
    #expect(overlap("a.b", "A.b") && overlap("*", "a") && overlap("*.b", "a.b") && overlap("*.a.b", "*.b"))
    #expect(!overlap("a.b", "c.b") && !overlap("*.b", "b") && !overlap("*.a", "*.b"))
  }
}
