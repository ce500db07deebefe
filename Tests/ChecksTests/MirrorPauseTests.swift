import Checks
import Events
import Support
import Testing

/// Mirrors that a runbook had stopped for a while.
@Suite struct MirrorPauseTests: MirrorFindings {
  private static let flow = MirrorDirection(from: "east", to: "eu")

  private static let second: Int64 = 1_000_000_000

  /// A heartbeat a second for a minute, but for those of `silence` (seconds).
  private func beats(without silence: Range<Int64>) -> [MirrorEvent] {
    (0...60).filter { !silence.contains($0) }.map { MirrorEvent($0 * Self.second, .heartbeat) }
      + [MirrorEvent(60 * Self.second, .end)]
  }

  private func expectations(paused: [ClosedRange<Int64>], outages: [ClosedRange<Int64>] = []) -> MirrorExpectations {
    func nanoseconds(_ range: ClosedRange<Int64>) -> ClosedRange<Int64> {
      range.lowerBound * Self.second...range.upperBound * Self.second
    }
    return MirrorExpectations(
      flow: Self.flow, catchUp: 10 * Self.second, heartbeatGap: 5 * Self.second, outages: outages.map(nanoseconds),
      pauses: paused.map(nanoseconds))
  }

  @Test func `a mirror that was stopped on purpose is not expected to send heartbeats`() {
    #expect(anomalies(find(expectations(paused: []), beats(without: 20..<40))) == ["M12"])
    #expect(find(expectations(paused: [20...39]), beats(without: 20..<40)) == [])
    // Let go on, it has as long as it may take to come back, and no longer.
    #expect(find(expectations(paused: [20...32]), beats(without: 20..<40)) == [])
    #expect(anomalies(find(expectations(paused: [20...28]), beats(without: 20..<40))) == ["M12"])
    // Silent for too long before it was stopped.
    #expect(anomalies(find(expectations(paused: [27...39]), beats(without: 20..<40))) == ["M12"])
    // A pause within an outage counts once.
    #expect(find(expectations(paused: [24...28], outages: [20...39]), beats(without: 20..<40)) == [])
    #expect(anomalies(find(expectations(paused: [21...22], outages: [20...26]), beats(without: 20..<40))) == ["M12"])
  }

  @Test func `records that wait while a mirror is stopped are no lag of its`() {
    let events: [MirrorEvent] =
      [MirrorEvent(0, .record(.source, record(0, at: 0)))]
      + (1...50).map { MirrorEvent($0 * Self.second, .record(.source, record(UInt64($0), at: $0))) }
      + (0...50).map { MirrorEvent(50 * Self.second + $0, .record(.target, record(UInt64($0), at: $0))) }
      + [MirrorEvent(51 * Self.second, .end)]
    #expect(anomalies(find(expectations(paused: []), events)) == ["M17"])
    #expect(find(expectations(paused: [1...48]), events) == [])
    #expect(anomalies(find(expectations(paused: [1...30]), events)) == ["M17"])
  }
}
