import Testing

@testable import Faults

@Suite struct NTPReplyTests {
  private func read(_ bytes: [UInt8]) throws -> NTPReply { try NTPReply(bytes[...]) }

  @Test func theServersThreeStampsAreShiftedAndTheAskersIsNot() throws {
    let shifted = try read(AnswerPackets.reply).shifted(byNanoseconds: 5_500_000_000)
    #expect(shifted[..<16] == AnswerPackets.reply[..<16])
    #expect(shifted[16..<24].elementsEqual([0, 0, 1, 6, 0x80, 0, 0, 0]))
    #expect(shifted[24..<32] == AnswerPackets.reply[24..<32])
    #expect(shifted[32..<40].elementsEqual([0, 0, 1, 9, 0, 0, 0, 0]))
    #expect(shifted[40...].elementsEqual([0, 0, 1, 9, 0xC0, 0, 0, 0]))
  }

  @Test func timeGoesBackAndAroundTheEndOfItsEra() throws {
    let back = try read(AnswerPackets.reply).shifted(byNanoseconds: -260_000_000_000)
    #expect(back[40...].elementsEqual([0, 0, 0, 0, 0x40, 0, 0, 0]))
    let before = try read(AnswerPackets.reply).shifted(byNanoseconds: -261_000_000_000)
    #expect(before[40...].elementsEqual([0xFF, 0xFF, 0xFF, 0xFF, 0x40, 0, 0, 0]))
    #expect(NTPReply.units(1) == 4 && NTPReply.units(-1) == 0 &- 4)
    #expect(NTPReply.units(1_000_000_000) == 1 << 32 && NTPReply.units(-1_500_000_000) == 0 &- (3 << 31))
    #expect(NTPReply.units(999_999_999) == 4_294_967_292)
  }

  @Test func aStampOfNoTimeStaysOne() throws {
    var bytes = AnswerPackets.reply
    bytes.replaceSubrange(16..<24, with: [UInt8](repeating: 0, count: 8))
    #expect(try read(bytes).shifted(byNanoseconds: 1_000_000_000)[16..<24].allSatisfy { $0 == 0 })
  }

  @Test(arguments: 0..<AnswerPackets.reply.count) func aTruncatedReplyIsAnError(_ length: Int) {
    #expect(throws: AnswerError.self) { try read(Array(AnswerPackets.reply.prefix(length))) }
  }

  @Test func whatMustNotBeChangedIsSaidToBe() {
    func refused(_ bytes: [UInt8], _ expected: AnswerError) { #expect(throws: expected) { try read(bytes) } }
    var bytes = AnswerPackets.reply
    bytes[0] = 0x23
    refused(bytes, .notMeant("no reply of a time server"))
    bytes[0] = 0x2C
    refused(bytes, .notMeant("another version of NTP"))
    bytes = AnswerPackets.reply
    bytes[1] = 0
    refused(bytes, .notMeant("a refusal to serve"))
    refused(AnswerPackets.reply + [0, 0, 0, 1] + [UInt8](repeating: 7, count: 16), .notMeant("authenticated"))
  }

  @Test func anOffsetGrowsByItsDrift() {
    let shift = Fault.TimeShift(.seconds(1), driftPartsPerBillion: -200_000)
    #expect(shift.offset(after: 0) == 1_000_000_000)
    #expect(shift.offset(after: 10_000_000_000) == 998_000_000)
    #expect(
      Fault.TimeShift(.zero, driftPartsPerBillion: 100_000_000).offset(after: 604_800_000_000_000) == 60_480_000_000_000
    )
  }
}
