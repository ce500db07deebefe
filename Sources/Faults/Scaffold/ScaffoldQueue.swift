internal import Netlink

extension ScaffoldRequest.Queue {
  /// The queue in the kernel's terms; `nil` for a device that is down and needs none.
  var discipline: Discipline? {
    switch self {
    case .down: nil
    case .netem(let effect, let limitPackets, let seed):
      .netem(Netem(effect, limitPackets: limitPackets, seed: seed))
    case .tokenBucket(let rate):
      .tokenBucket(
        TokenBucket(bytesPerSecond: rate.bytesPerSecond, burstBytes: rate.burst, queueBytes: rate.queue))
    }
  }
}

extension Netem {
  /// An emulator that does what `effect` says, but for its loss and its cut, which rules do.
  init(_ effect: Fault.Effect, limitPackets: UInt32, seed: UInt64) {
    self.init(limitPackets: limitPackets)
    self.seed = seed
    if let delay = effect.delay {
      delayNanoseconds = delay.baseNanoseconds
      jitterNanoseconds = delay.jitterNanoseconds
      delayCorrelation = Portion(validated: delay.correlation)
      distribution =
        switch delay.distribution {
        case .uniform: []
        case .normal: DelayDistribution.normal.table
        case .pareto: DelayDistribution.pareto.table
        case .paretonormal: DelayDistribution.paretonormal.table
        case .table(let table): table
        }
      slots = delay.slots.map {
        Slots(
          minimumNanoseconds: $0.minimumNanoseconds, maximumNanoseconds: $0.maximumNanoseconds, packets: $0.packets,
          bytes: $0.bytes)
      }
      // With a rate, netem lets no packet leave before the one ahead of it; at this one none waits for its turn.
      if delay.keepsOrder, delay.jitterNanoseconds > 0 { bytesPerSecond = Self.unlimited }
    }
    if let rate = effect.rate { bytesPerSecond = rate.bytesPerSecond }
    if let reorder = effect.reorder {
      self.reorder = Portion(validated: reorder.probability)
      reorderCorrelation = Portion(validated: reorder.correlation)
      reorderGap = UInt32(clamping: max(1, reorder.gap))
    }
    if let duplicate = effect.duplicate {
      self.duplicate = Portion(validated: duplicate.probability)
      duplicateCorrelation = Portion(validated: duplicate.correlation)
    }
    if let corrupt = effect.corrupt {
      self.corrupt = Portion(validated: corrupt.probability)
      corruptCorrelation = Portion(validated: corrupt.correlation)
    }
  }

  /// A byte in less than a nanosecond, which is netem's smallest time: 2⁴⁰ bytes a second.
  private static let unlimited: UInt64 = 1 << 40
}

extension Portion {
  /// A fraction that the fault's validation has found to be within 0…1.
  fileprivate init(validated fraction: Double) {
    guard let portion = Portion(fraction) else { preconditionFailure("a fault with a probability of \(fraction)") }
    self = portion
  }
}

extension Discipline {
  /// Whether what the kernel shows is this, as far as it shows it: it keeps distributions to itself, tells a seed only if
  /// it took one, and rounds the sizes of a bucket to its own ticks.
  func isShown(by found: QueueingDiscipline) -> Bool {
    guard found.kind == kind else { return false }
    switch self {
    case .netem(var wanted):
      guard var shown = try? found.netem() else { return false }  // what does not parse is not this
      (wanted.distribution, wanted.seed) = ([], nil)
      (shown.distribution, shown.seed) = ([], nil)
      return shown == wanted
    case .tokenBucket(let wanted):
      guard let shown = try? found.tokenBucket() else { return false }
      return shown.bytesPerSecond == wanted.bytesPerSecond && shown.queueBytes == wanted.queueBytes
    case .hierarchicalTokenBucket, .packetQueue, .byteQueue: return true
    }
  }
}
