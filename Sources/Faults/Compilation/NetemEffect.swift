internal import Netlink

extension Fault.Effect {
  /// Everything of the effect but its cut and its loss as one network emulator.
  ///
  /// - Parameter seed: where its chance begins, on kernels that take one.
  func netem(seed: UInt64) -> Netem {
    // A packet of a limited stream may be as small as 64 bytes; what waits for the rate comes on top.
    let packetsPerSecond = rate.map { min(1_000_000, $0.bytesPerSecond / 64) } ?? 1_000_000
    let waiting = rate.map { UInt64($0.queue) / 64 } ?? 0
    let limit = Netem.packetsHeld(
      packetsPerSecond: packetsPerSecond,
      delayNanoseconds: (delay?.baseNanoseconds ?? 0) + (delay?.slots?.maximumNanoseconds ?? 0),
      jitterNanoseconds: delay?.jitterNanoseconds ?? 0)
    var netem = Netem(limitPackets: UInt32(clamping: min(4_000_000, UInt64(limit) + waiting)))
    netem.seed = seed
    if let delay {
      netem.delayNanoseconds = delay.baseNanoseconds
      netem.jitterNanoseconds = delay.jitterNanoseconds
      netem.delayCorrelation = Portion(delay.correlation) ?? .none
      netem.distribution = delay.jitterNanoseconds == 0 ? [] : delay.distribution.netemTable
      netem.slots = delay.slots.map {
        Netem.Slots(
          minimumNanoseconds: $0.minimumNanoseconds, maximumNanoseconds: $0.maximumNanoseconds, packets: $0.packets,
          bytes: $0.bytes)
      }
      // netem sorts packets by their time, so jitter reorders; with a rate, none leaves before the one in front of it. At
      // this one even 64 KiB take less than half a microsecond.
      if delay.jitterNanoseconds > 0, delay.keepsOrder { netem.bytesPerSecond = 1 << 37 }
    }
    if let reorder {
      netem.reorder = Portion(reorder.probability) ?? .none
      netem.reorderCorrelation = Portion(reorder.correlation) ?? .none
      netem.reorderGap = UInt32(clamping: reorder.gap)
    }
    if let duplicate {
      netem.duplicate = Portion(duplicate.probability) ?? .none
      netem.duplicateCorrelation = Portion(duplicate.correlation) ?? .none
    }
    if let corrupt {
      netem.corrupt = Portion(corrupt.probability) ?? .none
      netem.corruptCorrelation = Portion(corrupt.correlation) ?? .none
    }
    if let rate { netem.bytesPerSecond = rate.bytesPerSecond }
    return netem
  }
}

extension Fault.Distribution {
  /// As netem wants it: nothing for uniform.
  fileprivate var netemTable: [Int16] {
    switch self {
    case .uniform: []
    case .normal: DelayDistribution.normal.table
    case .pareto: DelayDistribution.pareto.table
    case .paretonormal: DelayDistribution.paretonormal.table
    case .table(let values): values
    }
  }
}
