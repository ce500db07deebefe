// The wire form of queueing disciplines and classes (`linux/pkt_sched.h`). Numbers are in the host's byte order.

extension Discipline {
  /// The attributes of RTM_NEWQDISC: TCA_KIND and TCA_OPTIONS.
  func write(to writer: inout MessageWriter, overwrites: Bool) throws(WireError) {
    try writer.text(1, kind)
    // Without NLA_F_NESTED, as `tc` has it: the content of some starts with a struct.
    try writer.attribute(2) { (writer) throws(WireError) in
      switch self {
      case .netem(let netem): try netem.write(to: &writer, overwrites: overwrites)
      case .tokenBucket(let bucket): try bucket.write(to: &writer)
      case .hierarchicalTokenBucket(let defaultMinor):
        try writer.hosts(2, [3, 10, UInt32(defaultMinor), 0, 0])  // TCA_HTB_INIT: version, rate2quantum, defcls
      case .packetQueue(let limit), .byteQueue(let limit): writer.host(limit)
      }
    }
  }
}

extension TokenBucket {
  /// TCA_TBF_PARMS (struct tc_tbf_qopt), TCA_TBF_BURST, TCA_TBF_RATE64.
  fileprivate func write(to writer: inout MessageWriter) throws(WireError) {
    try writer.attribute(1) { writer in
      writer.rate(bytesPerSecond)
      writer.raw([UInt8](repeating: 0, count: 12))  // no peak rate
      writer.host(queueBytes)
      writer.host(bucketTicks(burstBytes, at: bytesPerSecond))
      writer.host(UInt32(0))  // mtu: only with a peak rate
    }
    try writer.hosts(6, [burstBytes])
    if bytesPerSecond > UInt64(UInt32.max) { try writer.attribute(4) { $0.host(bytesPerSecond) } }
  }

  /// Decodes the content of TCA_OPTIONS.
  init(decoding options: ArraySlice<UInt8>) throws(WireError) {
    let attributes = try Attribute.list(options)
    var reader = MessageReader(try attributes.require(1, "TCA_TBF_PARMS").payload)
    _ = try reader.take(8, "tc_tbf_qopt.rate")
    let narrow = try reader.host(UInt32.self, "tc_tbf_qopt.rate.rate")
    _ = try reader.take(12, "tc_tbf_qopt.peakrate")
    let rate = try attributes.first(4)?.host(UInt64.self, "TCA_TBF_RATE64") ?? UInt64(narrow)
    let queue = try reader.host(UInt32.self, "tc_tbf_qopt.limit")
    let ticks = try reader.host(UInt32.self, "tc_tbf_qopt.buffer")
    let (product, overflow) = (UInt64(ticks) * 64).multipliedReportingOverflow(by: rate)
    self.init(
      bytesPerSecond: rate, burstBytes: overflow ? .max : UInt32(clamping: product / 1_000_000_000),
      queueBytes: queue)
  }
}

extension BucketClass {
  /// The attributes of RTM_NEWTCLASS: TCA_KIND, and TCA_OPTIONS with TCA_HTB_PARMS (struct tc_htb_opt) and rates.
  func write(to writer: inout MessageWriter) throws(WireError) {
    try writer.text(1, "htb")
    try writer.attribute(2) { (writer) throws(WireError) in
      let isWide = bytesPerSecond > UInt64(UInt32.max)
      if isWide {
        try writer.attribute(6) { $0.host(bytesPerSecond) }
        try writer.attribute(7) { $0.host(bytesPerSecond) }
      }
      try writer.attribute(1) { writer in
        writer.rate(bytesPerSecond)
        writer.rate(bytesPerSecond)
        let ticks = bucketTicks(burstBytes, at: bytesPerSecond)
        writer.host(ticks)
        writer.host(ticks)
        writer.host(quantumBytes)
        writer.host(UInt32(0))  // level: the kernel's
        writer.host(UInt32(0))  // prio: all alike
      }
    }
  }
}

extension MessageWriter {
  /// struct tc_ratespec. With a link layer named the kernel computes times itself and wants no table of them.
  fileprivate mutating func rate(_ bytesPerSecond: UInt64) {
    raw([3, 1, 0, 0, 0xFF, 0xFF, 0, 0])  // cell_log, TC_LINKLAYER_ETHERNET, overhead, cell_align −1, mpu
    host(UInt32(clamping: bytesPerSecond))
  }
}

/// How long a burst takes at a rate, in the kernel's ticks of 64 ns.
private func bucketTicks(_ bytes: UInt32, at bytesPerSecond: UInt64) -> UInt32 {
  UInt32(clamping: UInt64(bytes) * 1_000_000_000 / 64 / max(bytesPerSecond, 1))
}
