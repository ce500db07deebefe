internal import CKernel
internal import Glibc
internal import Support

/// How a node's clocks stood at one moment, and how they are kept.
struct NodeClockReading: Sendable, Hashable, Codable {
  /// Nanoseconds: the time of day, monotonic, and monotonic without any correction of its rate.
  var realtime: Int64
  var monotonic: Int64
  var raw: Int64
  /// By how much they may differ from having been read at one moment.
  var uncertainty: Int64
  var rate: ClockRate
  /// Whether fractions of the kernel's are nanoseconds, which is part of its state.
  var isNano: Bool
}

/// A clock that can be read and changed: a machine's, or a test's.
protocol AdjustableClock: Sendable {
  func read() throws(SystemError) -> (reading: NodeClockReading, state: Timex)
  @discardableResult func ask(_ request: Timex) throws(SystemError) -> Timex
}

/// The clock of the machine that this runs on.
struct NodeClock: AdjustableClock {
  /// Reads the clocks a few times, and takes the reading that took the shortest time. Changes nothing.
  func read() throws(SystemError) -> (reading: NodeClockReading, state: Timex) {
    let state = try ask(Timex())
    var best: NodeClockReading?
    for _ in 0..<16 {
      let raw = readClock(Int32(CLOCK_MONOTONIC_RAW))
      let monotonic = readClock(Int32(CLOCK_MONOTONIC))
      let realtime = readClock(Int32(CLOCK_REALTIME))
      let took = readClock(Int32(CLOCK_MONOTONIC_RAW)) - raw
      if took < best?.uncertainty ?? .max {
        best = NodeClockReading(
          realtime: realtime, monotonic: monotonic, raw: raw + took / 2, uncertainty: took,
          rate: ClockRate(frequency: state.frequency, tick: state.tick), isNano: state.status.contains(.nano))
      }
    }
    guard let best else { preconditionFailure("a clock was not read") }
    return (best, state)
  }

  /// Changes it as `request` says, in one call of the kernel: all of it, or nothing.
  @discardableResult
  func ask(_ request: Timex) throws(SystemError) -> Timex {
    var bytes = request.encoded
    guard bs_adjust_clock(&bytes, bytes.count) == 0, let answer = Timex(bytes) else {
      throw SystemError("clock_adjtime", "the node's clock")
    }
    return answer
  }
}
