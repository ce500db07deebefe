// The wire form of sch_netem (`linux/pkt_sched.h`, TCA_NETEM_…). Everything is in the host's byte order: first the struct
// tc_netem_qopt, then attributes behind it in the same payload.

extension Netem {
  /// The content of TCA_OPTIONS.
  ///
  /// - Parameter overwrites: for a change of a live one, which must also forget the distribution that it has.
  func write(to writer: inout MessageWriter, overwrites: Bool) throws(WireError) {
    let (lossPortion, lossCorrelation) =
      if case .random(let portion, let correlation) = loss { (portion, correlation) } else { (Portion.none, .none) }
    writer.host(Self.ticks(delayNanoseconds))
    writer.host(limitPackets)
    writer.host(lossPortion.rawValue)
    writer.host(reorderGap)
    writer.host(duplicate.rawValue)
    writer.host(Self.ticks(jitterNanoseconds))
    try writer.hosts(1, [delayCorrelation.rawValue, lossCorrelation.rawValue, duplicateCorrelation.rawValue])  // CORR
    try writer.hosts(3, [reorder.rawValue, reorderCorrelation.rawValue])  // REORDER
    try writer.hosts(4, [corrupt.rawValue, corruptCorrelation.rawValue])  // CORRUPT
    try writeLoss(to: &writer)
    let isWide = bytesPerSecond > UInt64(UInt32.max)
    if isWide { try writer.attribute(8) { $0.host(bytesPerSecond) } }  // RATE64
    try writer.attribute(6) { writer in  // RATE: struct tc_netem_rate
      writer.host(isWide ? .max : UInt32(bytesPerSecond))
      writer.host(packetOverheadBytes)
      writer.host(UInt64(0))  // no cells
    }
    try writer.hosts(7, [0])  // ECN: lost packets are lost, not marked
    try writer.attribute(10) { $0.host(delayNanoseconds) }  // LATENCY64
    try writer.attribute(11) { $0.host(jitterNanoseconds) }  // JITTER64
    try writer.attribute(12) { writer in  // SLOT: struct tc_netem_slot
      writer.host(slots?.minimumNanoseconds ?? 0)
      writer.host(slots?.maximumNanoseconds ?? 0)
      writer.host(slots?.packets ?? 0)
      writer.host(slots?.bytes ?? 0)
      writer.host(UInt64(0))  // dist_delay
      writer.host(UInt64(0))  // dist_jitter
    }
    let table = distribution.isEmpty && overwrites ? DelayDistribution.uniform : distribution
    if !table.isEmpty {
      try writer.attribute(2) { writer in for number in table { writer.host(number) } }  // DELAY_DIST
    }
    if let seed { try writer.attribute(14) { $0.host(seed) } }  // PRNG_SEED
  }

  /// TCA_NETEM_LOSS; without it the model is the plain one.
  private func writeLoss(to writer: inout MessageWriter) throws(WireError) {
    switch loss {
    case .random: break
    case .gilbertElliott(let toBad, let toGood, let lossWhenBad, let lossWhenGood):
      try writer.nest(5) { (writer) throws(WireError) in
        // The third number says how often a packet comes through in the bad state.
        try writer.hosts(
          2, [toBad.rawValue, toGood.rawValue, lossWhenBad.complement.rawValue, lossWhenGood.rawValue])
      }
    case .fourState(let p13, let p31, let p32, let p14, let p23):
      try writer.nest(5) { (writer) throws(WireError) in
        try writer.hosts(1, [p13.rawValue, p31.rawValue, p32.rawValue, p14.rawValue, p23.rawValue])
      }
    }
  }

  /// The kernel's older unit, 64 ns, for kernels that know no LATENCY64 (before 4.15).
  private static func ticks(_ nanoseconds: Int64) -> UInt32 { UInt32(clamping: nanoseconds / 64) }

  /// Decodes TCA_OPTIONS. The kernel does not tell the distribution, and tells a seed only if it took one.
  init(decoding options: ArraySlice<UInt8>) throws(WireError) {
    var reader = MessageReader(options)
    let delay = try reader.host(UInt32.self, "tc_netem_qopt.latency")
    self.init(limitPackets: try reader.host(UInt32.self, "tc_netem_qopt.limit"))
    let lossPortion = Portion(rawValue: try reader.host(UInt32.self, "tc_netem_qopt.loss"))
    reorderGap = try reader.host(UInt32.self, "tc_netem_qopt.gap")
    duplicate = Portion(rawValue: try reader.host(UInt32.self, "tc_netem_qopt.duplicate"))
    let jitter = try reader.host(UInt32.self, "tc_netem_qopt.jitter")
    let attributes = try Attribute.list(reader.rest)
    delayNanoseconds =
      try attributes.first(10)?.host(Int64.self, "TCA_NETEM_LATENCY64") ?? Int64(delay) * 64
    jitterNanoseconds =
      try attributes.first(11)?.host(Int64.self, "TCA_NETEM_JITTER64") ?? Int64(jitter) * 64
    var lossCorrelation = Portion.none
    if let correlation = try attributes.first(1)?.portions(3, "TCA_NETEM_CORR") {
      (delayCorrelation, lossCorrelation, duplicateCorrelation) = (correlation[0], correlation[1], correlation[2])
    }
    if let numbers = try attributes.first(3)?.portions(2, "TCA_NETEM_REORDER") {
      (reorder, reorderCorrelation) = (numbers[0], numbers[1])
    }
    if let numbers = try attributes.first(4)?.portions(2, "TCA_NETEM_CORRUPT") {
      (corrupt, corruptCorrelation) = (numbers[0], numbers[1])
    }
    loss = try Self.decodeLoss(attributes.first(5)) ?? .random(lossPortion, correlation: lossCorrelation)
    if let rate = attributes.first(6) {
      var reader = MessageReader(rate.payload)
      bytesPerSecond = UInt64(try reader.host(UInt32.self, "tc_netem_rate.rate"))
      packetOverheadBytes = try reader.host(Int32.self, "tc_netem_rate.packet_overhead")
    }
    if let wide = attributes.first(8) { bytesPerSecond = try wide.host(UInt64.self, "TCA_NETEM_RATE64") }
    if let slot = attributes.first(12) {
      var reader = MessageReader(slot.payload)
      let found = Slots(
        minimumNanoseconds: try reader.host(Int64.self, "tc_netem_slot.min_delay"),
        maximumNanoseconds: try reader.host(Int64.self, "tc_netem_slot.max_delay"),
        packets: try reader.host(Int32.self, "tc_netem_slot.max_packets"),
        bytes: try reader.host(Int32.self, "tc_netem_slot.max_bytes"))
      if found.maximumNanoseconds > 0 { slots = found }
    }
    seed = try attributes.first(14)?.host(UInt64.self, "TCA_NETEM_PRNG_SEED")
  }

  private static func decodeLoss(_ attribute: Attribute?) throws(WireError) -> Loss? {
    guard let models = try attribute?.nested() else { return nil }
    if let numbers = try models.first(2)?.portions(4, "NETEM_LOSS_GE") {
      return .gilbertElliott(
        toBad: numbers[0], toGood: numbers[1], lossWhenBad: numbers[2].complement, lossWhenGood: numbers[3])
    }
    if let numbers = try models.first(1)?.portions(5, "NETEM_LOSS_GI") {
      return .fourState(p13: numbers[0], p31: numbers[1], p32: numbers[2], p14: numbers[3], p23: numbers[4])
    }
    return nil
  }
}

extension MessageWriter {
  /// An attribute of numbers in the host's byte order.
  mutating func hosts(_ type: UInt16, _ values: [UInt32]) throws(WireError) {
    try attribute(type) { writer in for value in values { writer.host(value) } }
  }
}

extension Attribute {
  /// Several probabilities in the host's byte order.
  fileprivate func portions(_ count: Int, _ field: String) throws(WireError) -> [Portion] {
    var reader = MessageReader(payload)
    var portions: [Portion] = []
    for _ in 0..<count { portions.append(Portion(rawValue: try reader.host(UInt32.self, field))) }
    return portions
  }
}
