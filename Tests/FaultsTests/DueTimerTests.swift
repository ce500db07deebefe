import Glibc
import Support
import Testing

@testable import Faults

@Suite struct DueTimerTests {
  private func fires(_ descriptor: Int32, withinMilliseconds limit: Int32) -> Bool {
    var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&item, 1, limit) == 1
  }

  @Test func aMomentThatIsPastFiresAtOnceAlsoAfterAFiring() throws {
    var timer = try DueTimer()
    let descriptor = timer.fileDescriptor
    let past = Timebase.system.monotonic() - 1_000_000
    try timer.set(past, hasFired: false)
    #expect(fires(descriptor, withinMilliseconds: 1000))
    // The firing is noted and the next moment, past as well, is set: it must fire again.
    try timer.set(past + 1, hasFired: true)
    #expect(fires(descriptor, withinMilliseconds: 1000))
    // The same moment again is not forgotten either.
    try timer.set(past + 1, hasFired: true)
    #expect(fires(descriptor, withinMilliseconds: 1000))
  }

  @Test func itFiresNotBeforeItsMomentAndNotAfterItWasTakenBack() throws {
    var timer = try DueTimer()
    let descriptor = timer.fileDescriptor
    let due = Timebase.system.monotonic() + 20_000_000
    try timer.set(due, hasFired: false)
    #expect(fires(descriptor, withinMilliseconds: 5000))
    #expect(Timebase.system.monotonic() >= due)
    try timer.set(Timebase.system.monotonic() + 20_000_000, hasFired: true)
    try timer.set(nil, hasFired: false)
    #expect(!fires(descriptor, withinMilliseconds: 60))
  }
}
