import Faults
import Netlink
import Scenarios
import Testing

@testable import Drill

/// Answers in a scenario's words become answers in the words of the fault engine.
@Suite struct ChangedAnswersTests {
  @Test func namesKeepTheirOrderAndWhatIsAnswered() {
    let answers = AnswerFault.names([
      NameAnswer(name: "a", answer: .refusal(.nxdomain)), NameAnswer(name: "b", answer: .refusal(.servfail)),
      NameAnswer(name: "c", answer: .refusal(.refused)), NameAnswer(name: "d", answer: .refusal(.none)),
      NameAnswer(name: "*.e", answer: .addresses(["10.0.0.9", "fd00::9"]), late: .seconds(2)),
      NameAnswer(name: "*", late: .milliseconds(5)),
    ])
    let addresses: [IPAddress] = [.v4(0x0A00_0009), .v6(0xFD00 << 48, 9)]
    #expect(
      Fault.Answers(answers)
        == .names([
          .init("a", .noSuchName), .init("b", .serverFailure), .init("c", .refusal), .init("d", .silence),
          .init("*.e", .addresses(addresses, timeToLiveSeconds: 5), delay: .seconds(2)),
          .init("*", .unchanged, delay: .milliseconds(5)),
        ]))
  }

  @Test func theTimeIsShiftedByOffsetAndDrift() {
    let time = AnswerFault.time(offset: Offset(nanoseconds: -5), drift: Drift(partsPerBillion: 7))
    #expect(Fault.Answers(time) == .time(.init(.nanoseconds(-5), driftPartsPerBillion: 7)))
  }
}
