import Support
import Testing

@Test(arguments: [
  (Duration.zero, "0s"), (.milliseconds(250), "250ms"), (.seconds(10), "10s"), (.seconds(300), "5m"),
  (.seconds(3600), "1h"), (.seconds(5400), "90m"), (.microseconds(1500), "1500us"), (.nanoseconds(1), "1ns"),
  (.milliseconds(-1500), "-1500ms"),
])
func durationTextIsTheShortestExactOne(duration: Duration, text: String) {
  #expect(duration.text == text)
}

@Test(arguments: [
  (Duration.nanoseconds(999), "999 ns"), (.microseconds(310), "310 µs"), (.milliseconds(1250), "1.25 s"),
  (.milliseconds(12), "12.0 ms"), (.seconds(119), "119 s"), (.seconds(120), "2.00 min"), (.zero, "0.00 ns"),
])
func durationForPeopleHasThreeFigures(duration: Duration, text: String) {
  #expect(duration.brief == text)
}

@Test func nanosecondsSaturateInsteadOfTrapping() {
  #expect(Duration.seconds(Int64.max).nanoseconds == .max)
  #expect(Duration.seconds(Int64.min).nanoseconds == .min)
  #expect(Duration.milliseconds(-1500).nanoseconds == -1_500_000_000)
  #expect(Duration.nanoseconds(1_999_999).milliseconds == 1)
  #expect(Duration.milliseconds(2500).inSeconds == 2.5)
}

@Test(arguments: [
  (0.0, 2, "0.00"), (1.005, 1, "1.0"), (-0.04, 1, "0.0"), (-0.06, 1, "-0.1"), (12.5, 0, "13"), (3.14159, 3, "3.142"),
])
func fixedWritesExactlyTheDecimalsAskedFor(value: Double, digits: Int, text: String) {
  #expect(fixed(value, digits) == text)
}

@Test func fixedDoesNotTrapOnWhatHasNoDecimals() {
  #expect(fixed(.infinity, 2) == "inf")
  #expect(fixed(.nan, 2) == "nan")
  #expect(fixed(1e300, 2) == "1e+300")
}

@Test(arguments: [
  (Int64(0), "1970-01-01T00:00:00.000Z"), (1_795_162_323_250_999_999, "2026-11-20T08:12:03.250Z"),
  (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"), (-1_000_000, "1969-12-31T23:59:59.999Z"),
])
func timestampsAreRFC3339InUTC(nanoseconds: Int64, text: String) {
  #expect(timestamp(nanoseconds) == text)
}

@Test func theSystemsMonotonicClockDoesNotGoBack() {
  let first = Timebase.system.monotonic()
  #expect(Timebase.system.monotonic() >= first)
  #expect(Timebase.system.wall() > 1_700_000_000_000_000_000)
}
