/// `struct timex` of 64-bit Linux (`linux/timex.h`, adjtimex(2)): what the kernel is asked about its clock, and what it answers.
/// Pure.
struct Timex: Sendable, Hashable {
  /// What is to be changed.
  struct Modes: OptionSet, Sendable, Hashable {
    let rawValue: UInt32
    /// ADJ_FREQUENCY: ``Timex/frequency`` is set.
    static let frequency = Modes(rawValue: 0x0002)
    /// ADJ_SETOFFSET: ``Timex/seconds`` and ``Timex/fraction`` are added to the time of day.
    static let setOffset = Modes(rawValue: 0x0100)
    /// ADJ_MICRO: fractions are microseconds from here on.
    static let micro = Modes(rawValue: 0x1000)
    /// ADJ_NANO: fractions are nanoseconds from here on.
    static let nano = Modes(rawValue: 0x2000)
    /// ADJ_TICK: ``Timex/tick`` is set.
    static let tick = Modes(rawValue: 0x4000)
  }

  /// How the clock is kept.
  struct Status: OptionSet, Sendable, Hashable {
    let rawValue: Int32
    /// STA_PLL: a daemon steers it.
    static let steered = Status(rawValue: 0x0001)
    /// STA_UNSYNC: nobody keeps it to any other clock.
    static let unsynchronized = Status(rawValue: 0x0040)
    /// STA_NANO: fractions are nanoseconds.
    static let nano = Status(rawValue: 0x2000)
  }

  /// Bytes of it.
  static let size = 208

  var modes: Modes = []
  /// What is left of a gradual adjustment, in nanoseconds or microseconds.
  var pending: Int64 = 0
  /// Parts per million, with 16 binary places.
  var frequency: Int64 = 0
  var status: Status = []
  /// A time, or a difference of times: seconds, rounded down.
  var seconds: Int64 = 0
  /// The rest of it, never negative: nanoseconds or microseconds.
  var fraction: Int64 = 0
  /// Microseconds from one tick of the user's clock to the next; 10,000 where nothing is changed.
  var tick: Int64 = 0

  init() {}

  /// As the kernel takes it.
  var encoded: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.size)
    bytes.put(UInt64(modes.rawValue), at: 0)  // and four bytes of padding
    bytes.put(UInt64(bitPattern: pending), at: 8)
    bytes.put(UInt64(bitPattern: frequency), at: 16)
    bytes.put(UInt64(UInt32(bitPattern: status.rawValue)), at: 40)  // likewise
    bytes.put(UInt64(bitPattern: seconds), at: 72)
    bytes.put(UInt64(bitPattern: fraction), at: 80)
    bytes.put(UInt64(bitPattern: tick), at: 88)
    return bytes
  }

  /// What the kernel answered; `nil` for too few bytes.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= Self.size else { return nil }
    modes = Modes(rawValue: UInt32(truncatingIfNeeded: bytes.word(at: 0)))
    pending = Int64(bitPattern: bytes.word(at: 8))
    frequency = Int64(bitPattern: bytes.word(at: 16))
    status = Status(rawValue: Int32(truncatingIfNeeded: bytes.word(at: 40)))
    seconds = Int64(bitPattern: bytes.word(at: 72))
    fraction = Int64(bitPattern: bytes.word(at: 80))
    tick = Int64(bitPattern: bytes.word(at: 88))
  }
}

/// How fast a clock runs, as the kernel keeps it: in two numbers of which one is coarse.
struct ClockRate: Sendable, Hashable, Codable {
  /// See ``Timex/frequency``.
  var frequency: Int64
  /// See ``Timex/tick``.
  var tick: Int64

  /// One part per million, in the unit of ``frequency``.
  static let perMillion: Int64 = 65_536
  /// One microsecond of ``tick``, in that unit: 100 ppm.
  private static let perTick = 100 * perMillion
  /// The most that the kernel takes of each: 500 ppm, and a tenth.
  private static let frequencies = -500 * perMillion...500 * perMillion
  private static let ticks: ClosedRange<Int64> = 9_000...11_000

  init(frequency: Int64, tick: Int64) {
    self.frequency = frequency
    self.tick = tick
  }

  /// Beyond that of a clock left alone, in the unit of ``frequency``.
  var total: Int64 { (tick - 10_000) * Self.perTick + frequency }

  /// This rate, changed by so much; `nil` where the kernel takes no such rate.
  ///
  /// The tick stays what it is where the frequency can express it.
  func changed(byPartsPerBillion drift: Int64) -> ClockRate? {
    let (product, overflow) = drift.multipliedReportingOverflow(by: Self.perMillion)
    guard !overflow, product.magnitude < 1 << 50 else { return nil }
    let change = product / 1_000
    let wanted = total + change
    var rate = ClockRate(frequency: frequency + change, tick: tick)
    if !Self.frequencies.contains(rate.frequency) {
      // The nearest tick; what is left is at most half of one.
      let half = wanted < 0 ? -Self.perTick / 2 : Self.perTick / 2
      rate.tick = 10_000 + (wanted + half) / Self.perTick
      rate.frequency = wanted - (rate.tick - 10_000) * Self.perTick
    }
    return Self.frequencies.contains(rate.frequency) && Self.ticks.contains(rate.tick) ? rate : nil
  }

  /// By how much a clock of this rate gets ahead of one left alone within `elapsed` nanoseconds.
  func gain(over elapsed: Int64) -> Int64 {
    Int64(clamping: Int128(elapsed) * Int128(total) / Int128(1_000_000 * Self.perMillion))
  }
}
