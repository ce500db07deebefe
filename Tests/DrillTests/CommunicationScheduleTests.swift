import Support
import Testing

@testable import Drill

/// When communications are due, on a clock that a test sets.
@Suite struct CommunicationScheduleTests {
  private let five = CommunicationSchedule.Entry(id: "t5", anchor: "fault", due: .seconds(300), grace: .seconds(60))
  private let fifteen = CommunicationSchedule.Entry(id: "t15", anchor: "fault", due: .seconds(900), grace: .zero)
  private let never = CommunicationSchedule.Entry(id: "n", anchor: "step x", due: .zero, grace: .zero)

  @Test func timesCountFromTheFirstTimeTheirAnchorHappened() {
    var schedule = CommunicationSchedule([fifteen, never, five], speed: 60)
    #expect(schedule.next == nil)
    schedule.happened("fault", at: 1_000_000_000)
    schedule.happened("fault", at: 99_000_000_000)
    #expect(schedule.next == 6_000_000_000)
    #expect(schedule.ready(at: 5_999_999_999) == [])
    #expect(schedule.ready(at: 6_000_000_000) == [five])
    #expect(schedule.ready(at: 16_000_000_000) == [five, fifteen])
  }

  @Test func latenessCountsBeyondTheGraceAndNothingIsSentTwice() {
    var schedule = CommunicationSchedule([five, fifteen], speed: 1)
    schedule.happened("fault", at: 0)
    #expect(schedule.conclude(five, .sent(at: 359_000_000_000)) == nil)
    #expect(schedule.ready(at: .max) == [fifteen])
    #expect(schedule.conclude(fifteen, .sent(at: 900_000_000_001)) == 1)
    #expect(schedule.pending == [])
  }

  @Test func whatFailedIsNotPendingAnyMore() {
    var schedule = CommunicationSchedule([five, never], speed: 1)
    schedule.happened("fault", at: 0)
    #expect(schedule.conclude(five, .failed("full")) == nil)
    #expect(schedule.pending == [never])
    #expect(schedule.outcomes["t5"] == .failed("full"))
  }
}
