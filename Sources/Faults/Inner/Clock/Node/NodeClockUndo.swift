internal import Glibc
internal import Support

/// How a node's clock becomes right again: what it was before, and what was to be made of it. Everything else follows from how it
/// stands when it is taken back, so that this is right whether the change was made or not, whoever takes it back, and however
/// long it was in force.
///
/// * A *step* moves the time of day against the monotonic clock, and nothing else does: the difference of the two tells whether
///   it is there.
/// * A *rate* moves the monotonic clock against the raw one, which no rate reaches: their difference tells exactly what the wrong
///   rate has come to by now, whenever it began.
/// * Both are made, and both are taken back, by one call of the kernel each. So there is no state in between.
/// * Between looking and that call the clock goes on at the wrong rate: whoever gets no processor there takes back too little. That
///   rest shows once the rate is right, does not grow any more, and is taken back by another step.
public struct NodeClockUndo: Sendable, Hashable, Codable {
  /// Just before it was promised.
  var before: NodeClockReading
  /// By how much the time of day was to be set ahead.
  var offset: Int64
  /// The rate that was to be set.
  var rate: ClockRate

  /// What makes it.
  var change: Timex {
    var request = Timex()
    if rate != before.rate { request.set(rate) }
    if offset != 0 { request.add(offset) }
    return request
  }

  /// What must be done, as the clock stands now.
  enum Decision: Sendable, Hashable {
    /// Nothing of it is there.
    case nothing
    /// This takes it back; `note`, if there is one, says what somebody else has done to the clock and was left alone.
    case undo(Timex, correction: Int64, note: String?)
    /// Somebody else has set the clock since; the text says how.
    case foreign(String)
  }

  /// Decides. Pure.
  func decide(_ now: NodeClockReading) -> Decision {
    let slack = before.uncertainty + now.uncertainty + 1_000
    // As if nothing had been: never made, taken back already, or set right by somebody else.
    if now.rate == before.rate, error(now).magnitude <= slack { return .nothing }
    if now.rate == before.rate, isRest(now, beyond: slack) {
      var request = Timex()
      request.add(-error(now))
      return .undo(request, correction: -error(now), note: nil)
    }
    let stepped = step(now)
    let hasStep = offset != 0 && (stepped - offset).magnitude <= slack
    let hasForeignStep = !hasStep && stepped.magnitude > slack
    let words =
      "its time of day was set \(Duration.nanoseconds(Int64(clamping: stepped.magnitude)).brief) "
      + (stepped < 0 ? "back" : "ahead")
    var request = Timex()
    var correction: Int64 = 0
    if hasStep { correction -= offset }
    if rate != before.rate {
      if now.rate == rate {
        request.set(before.rate)
        correction -= gained(now)
      } else if now.rate != before.rate {
        return .foreign(
          "its rate is one that somebody else has set" + (stepped.magnitude > slack ? ", and \(words)" : ""))
      }
    }
    if correction != 0 { request.add(correction) }
    if request.modes.isEmpty { return hasForeignStep ? .foreign(words) : .nothing }
    return .undo(request, correction: correction, note: hasForeignStep ? "\(words) by somebody else" : nil)
  }

  /// By how much the time of day was set since: that, and nothing else, moves it against the monotonic clock.
  func step(_ now: NodeClockReading) -> Int64 {
    (now.realtime &- now.monotonic) &- (before.realtime &- before.monotonic)
  }

  /// By how much the clocks have got ahead since by their rate alone, beyond what they did before.
  func gained(_ now: NodeClockReading) -> Int64 {
    (now.monotonic &- now.raw) &- (before.monotonic &- before.raw) &- before.rate.gain(over: now.raw &- before.raw)
  }

  /// How far the time of day is from what it would be, had nothing been done to it.
  func error(_ now: NodeClockReading) -> Int64 { step(now) &+ gained(now) }

  /// Whether the clock is wrong by what a take-back left: the wrong rate was in force, is not any more, and what it is wrong by is at
  /// most what that rate came to in the second before it was taken back.
  private func isRest(_ now: NodeClockReading, beyond slack: Int64) -> Bool {
    let second: Int64 = 1_000_000_000
    let wrong = rate.gain(over: second) - before.rate.gain(over: second)
    return gained(now).magnitude > slack && error(now).magnitude <= wrong.magnitude
  }

  /// Takes it back and verifies that it is gone.
  func perform() throws -> UndoAction.Result { try takeBack().result }

  /// - Returns: what it came to, with the evidence.
  func takeBack(_ clock: some AdjustableClock = NodeClock()) throws -> (result: UndoAction.Result, evidence: [String]) {
    var corrected: Int64 = 0
    // Once, and again for a rest; each of these takes back all that the one before could not know of.
    for attempt in 0..<5 {
      let now = try clock.read().reading
      switch decide(now) {
      case .nothing where attempt == 0:
        return (.absent, ["the node's clock is as it was: \(words(now))"])
      case .nothing:
        return (.removed, ["the node's clock was set \(corrected) ns ahead, and is as it was: \(words(now))"])
      case .foreign(let what):
        let ours = attempt == 0 ? "" : "the node's clock was set \(corrected) ns ahead; "
        return (.foreign(what), ["\(ours)left alone: \(what)"])
      case .undo(let request, let correction, let note):
        try clock.ask(request)
        if !before.isNano {
          var unit = Timex()
          unit.modes = .micro
          try clock.ask(unit)
        }
        corrected += correction
        let after = try clock.read().reading
        guard after.rate == before.rate else {
          throw SystemError("clock_adjtime", "the node's clock, whose rate is not what it was", number: EIO)
        }
        if let note {
          return (
            .foreign(note),
            ["the node's clock was set \(corrected) ns ahead, and is as it was: \(words(after)); \(note)"]
          )
        }
      }
    }
    let now = try clock.read().reading
    throw SystemError(
      "clock_adjtime", "the node's clock, which is still \(error(now)) ns from what it would be", number: EIO)
  }

  /// `rate +0.000 ppm, 12 ns from what it would be (±1.20 µs)`.
  func words(_ now: NodeClockReading) -> String {
    let ppm = Double(now.rate.total) / Double(ClockRate.perMillion)
    let uncertainty = Duration.nanoseconds(before.uncertainty + now.uncertainty).brief
    return
      "rate \(ppm < 0 ? "−" : "+")\(fixed(abs(ppm), 3)) ppm, \(error(now)) ns from what it would be (±\(uncertainty))"
  }
}

extension Timex {
  /// Asks for a rate.
  mutating func set(_ rate: ClockRate) {
    modes.formUnion([.frequency, .tick])
    frequency = rate.frequency
    tick = rate.tick
  }

  /// Asks for the time of day to be set ahead. The kernel then counts fractions in nanoseconds until it is told otherwise.
  mutating func add(_ nanoseconds: Int64) {
    modes.formUnion([.setOffset, .nano])
    seconds = nanoseconds / 1_000_000_000
    fraction = nanoseconds % 1_000_000_000
    if fraction < 0 { (seconds, fraction) = (seconds - 1, fraction + 1_000_000_000) }
  }
}

extension NodeClockUndo: CustomStringConvertible {
  /// `change of the node's clock (+5 s)`.
  public var description: String {
    var parts: [String] = []
    if offset != 0 {
      parts.append("\(offset < 0 ? "−" : "+")\(Duration.nanoseconds(Int64(clamping: offset.magnitude)).brief)")
    }
    if rate != before.rate {
      parts.append("rate \(fixed(Double(rate.total - before.rate.total) / Double(ClockRate.perMillion), 3)) ppm")
    }
    return "change of the node's clock (\(parts.joined(separator: ", ")))"
  }
}
