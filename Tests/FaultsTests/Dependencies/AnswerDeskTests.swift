import Netlink
import Support
import Testing

@testable import Faults

@Suite struct AnswerDeskTests {
  private func desk(_ rules: Fault.NameRule...) -> AnswerDesk { AnswerDesk(.names(rules), begun: 0) }

  private let packet = AnswerPackets.four(AnswerPackets.answer)

  @Test func theFirstRuleThatFitsDecides() throws {
    let answer = try DNSAnswer(AnswerPackets.answer[...])
    let changed = try UDPPacket(packet).carrying(answer.refused(.noSuchName))
    #expect(
      desk(.init("other", .silence), .init("*.test", .noSuchName, delay: .milliseconds(2)), .init("*", .silence))
        .treat(packet, at: 0) == .change(afterNanoseconds: 2_000_000, changed))
    #expect(desk(.init("*", .silence)).treat(packet, at: 0) == .drop)
    #expect(desk(.init("other", .silence)).treat(packet, at: 0) == .pass)
    #expect(
      desk(.init("db.test", delay: .seconds(1))).treat(packet, at: 0)
        == .change(afterNanoseconds: 1_000_000_000, nil))
  }

  @Test func whatIsAskedForBesideAddressesIsLetAlone() {
    var mail = AnswerPackets.answer
    mail[22] = 15
    let wrong = Fault.NameRule("*", .addresses([.v4(1)], timeToLiveSeconds: 1))
    #expect(desk(wrong).treat(AnswerPackets.six(mail), at: 0) == .pass)
  }

  @Test func whatCannotBeReadPassesAndIsSaidTo() {
    let all = desk(.init("*", .silence))
    #expect(all.treat(packet, isWhole: false, at: 0) == .unreadable)
    #expect(all.treat(Array(packet.dropLast()), at: 0) == .unreadable)
    var question = AnswerPackets.answer
    question[2] = 1
    #expect(all.treat(AnswerPackets.four(question), at: 0) == .pass)
    let time = AnswerDesk(.time(.init(.seconds(1))), begun: 0)
    #expect(time.treat(AnswerPackets.four(AnswerPackets.reply + [1, 2, 3, 4]), at: 0) == .unreadable)
  }

  @Test func repliesAreShiftedByOffsetAndDrift() throws {
    let desk = AnswerDesk(.time(.init(.seconds(1), driftPartsPerBillion: 1_000_000)), begun: 5_000_000_000)
    let packet = AnswerPackets.six(AnswerPackets.reply, from: 123)
    let expected = try NTPReply(AnswerPackets.reply[...]).shifted(byNanoseconds: 1_010_000_000)
    #expect(
      try desk.treat(packet, at: 15_000_000_000)
        == .change(afterNanoseconds: 0, UDPPacket(packet).carrying(expected)))
  }

  /// Whatever comes, nothing is read beyond its end, and what goes on is a packet that can be read again.
  @Test func noBytesDoHarm() throws {
    var random = SeededRandom(seed: 20_261_128, for: "answers")
    let good = [AnswerPackets.four, AnswerPackets.six].flatMap { make in
      [make(AnswerPackets.answer, 53), make(AnswerPackets.reply, 123)]
    }
    let desks = [
      desk(.init("*", .noSuchName)), desk(.init("*", .addresses([.v4(1), .v6(1, 1)], timeToLiveSeconds: 1))),
      AnswerDesk(.time(.init(.seconds(1))), begun: 0),
    ]
    var changes = 0
    for round in 0..<6000 {
      var bytes = good[round % good.count]
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0 where !bytes.isEmpty: bytes.removeLast(Int.random(in: 0...min(9, bytes.count), using: &random))
        case 1: bytes.append(UInt8.random(in: 0...255, using: &random))
        default:
          if let place = bytes.indices.randomElement(using: &random) {
            bytes[place] = UInt8.random(in: 0...255, using: &random)
          }
        }
      }
      for desk in desks {
        guard case .change(_, let changed?) = desk.treat(bytes, at: 0) else { continue }
        changes += 1
        #expect(throws: Never.self) { try UDPPacket(changed) }
      }
    }
    #expect(changes > 300, "hardly any packet was good enough to be changed")
  }
}
