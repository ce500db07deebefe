internal import Support

/// Decides when each packet goes on, or that it is lost. Pure: arrivals in, moments out; the same seed and the same
/// arrivals give the same moments.
///
/// It differs from netem (`net/sched/sch_netem.c`) in two ways: correlation repeats the variation of the packet before
/// with that probability, so that the distribution stays the one asked for (netem's weighted mean narrows it); and
/// packets keep their order unless told otherwise.
struct DelaySchedule: Sendable {
  /// What becomes of a packet.
  enum Fate: Sendable, Hashable {
    /// It goes on at this moment, nanoseconds on the monotonic clock.
    case release(at: Int64)
    /// It is thrown away.
    case drop
  }

  private let delay: Fault.Delay?
  private let reorder: Fault.Reorder?
  private let table: [Int16]?
  private var lost: LostNumbers?
  private var random: SeededRandom
  private var reorderRandom: SeededRandom
  private var variation: Int64?
  private var overtook: Bool?
  private var sinceOvertaking = 0
  private var lastRelease = Int64.min
  private var slots: SlotClock?

  init(_ settings: DelayLine.Settings) {
    delay = settings.delay
    reorder = settings.reorder
    table = settings.delay?.distribution.table
    lost = settings.losses.map(LostNumbers.init)
    random = SeededRandom(seed: settings.seed, for: "delay")
    reorderRandom = SeededRandom(seed: settings.seed, for: "reorder")
    slots = settings.delay?.slots.map { SlotClock($0, seed: settings.seed) }
  }

  /// The fate of the next packet.
  mutating func fate(ofArrivalAt arrival: Int64, lengthBytes: UInt32 = 0) -> Fate {
    if lost?.takeNext() == true { return .drop }
    guard let delay else { return .release(at: arrival) }
    // Drawn for an overtaking packet too, so that what follows does not depend on who overtakes.
    let time = max(0, delay.baseNanoseconds + nextVariation(delay))
    if nextOvertakes() { return .release(at: arrival) }
    var release = arrival + time
    if delay.keepsOrder { release = max(release, lastRelease) }
    if let slot = slots?.place(at: release, lengthBytes: lengthBytes) { release = slot }
    lastRelease = max(lastRelease, release)
    return .release(at: release)
  }

  private mutating func nextVariation(_ delay: Fault.Delay) -> Int64 {
    guard delay.jitterNanoseconds > 0 else { return 0 }
    if let variation, random.happens(delay.correlation) { return variation }
    let drawn: Int64
    if let table {
      let entry = Int64(table[Int(truncatingIfNeeded: random.below(UInt64(table.count)))])
      let product = entry * delay.jitterNanoseconds
      // Rounded to the nearest, as netem does.
      drawn = (product + (product < 0 ? -4096 : 4096)) / 8192
    } else {
      drawn = Int64(random.below(2 * UInt64(delay.jitterNanoseconds) + 1)) - delay.jitterNanoseconds
    }
    variation = drawn
    return drawn
  }

  private mutating func nextOvertakes() -> Bool {
    guard let reorder else { return false }
    sinceOvertaking += 1
    guard sinceOvertaking >= reorder.gap else { return false }
    let overtakes: Bool
    if let overtook, reorderRandom.happens(reorder.correlation) {
      overtakes = overtook
    } else {
      overtakes = reorderRandom.happens(reorder.probability)
    }
    overtook = overtakes
    if overtakes { sinceOvertaking = 0 }
    return overtakes
  }
}

/// Counts packets and knows which are lost.
private struct LostNumbers: Sendable {
  private let isLost: [Bool]
  private var next = 0

  init(_ losses: DelayLine.Settings.Losses) {
    var isLost = [Bool](repeating: false, count: Int(max(1, losses.period)))
    for number in losses.numbers where number < losses.period { isLost[Int(number)] = true }
    self.isLost = isLost
  }

  mutating func takeNext() -> Bool {
    defer { next = next + 1 == isLost.count ? 0 : next + 1 }
    return isLost[next]
  }
}

/// The moments at which bunches leave.
private struct SlotClock: Sendable {
  private let slots: Fault.Slots
  private var random: SeededRandom
  private var start = Int64.min
  private var packets: Int32 = 0
  private var bytes: Int64 = 0

  init(_ slots: Fault.Slots, seed: UInt64) {
    self.slots = slots
    random = SeededRandom(seed: seed, for: "slots")
  }

  /// The start of the first slot that is not before `time` and has room.
  mutating func place(at time: Int64, lengthBytes: UInt32) -> Int64 {
    if start < time {
      // After a long silence the slots begin anew; their moments in between would have been the same to everybody.
      if start == .min || time - start > 1000 * max(1, slots.maximumNanoseconds) { open(at: time) }
      while start < time { open(at: start + spacing()) }
    } else if isFull(lengthBytes) {
      open(at: start + spacing())
    }
    packets += 1
    bytes += Int64(lengthBytes)
    return start
  }

  private mutating func open(at moment: Int64) {
    start = moment
    packets = 0
    bytes = 0
  }

  /// A packet larger than a whole slot goes alone.
  private func isFull(_ lengthBytes: UInt32) -> Bool {
    (slots.packets > 0 && packets >= slots.packets)
      || (slots.bytes > 0 && packets > 0 && bytes + Int64(lengthBytes) > Int64(slots.bytes))
  }

  private mutating func spacing() -> Int64 {
    let span = UInt64(max(0, slots.maximumNanoseconds - slots.minimumNanoseconds))
    // Never 0, or there would be no next slot.
    return max(1, slots.minimumNanoseconds + Int64(random.below(span + 1)))
  }
}

extension SeededRandom {
  /// A number below `bound`, which is at least 1. The bias, one in 2⁶⁴ of the bound, is of no account here.
  mutating func below(_ bound: UInt64) -> UInt64 { next().multipliedFullWidth(by: bound).high }

  /// True with this probability; draws nothing where that is certain.
  mutating func happens(_ probability: Double) -> Bool {
    if probability <= 0 { return false }
    if probability >= 1 { return true }
    return Double(next() >> 11) * 0x1p-53 < probability
  }
}
