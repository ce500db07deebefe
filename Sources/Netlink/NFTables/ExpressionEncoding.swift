// The wire form of each expression. Attributes stand in the order in which libnftnl writes them.

extension NFTables.Expression {
  /// Writes a list element with the expression's name and data.
  func write(to writer: inout MessageWriter) throws(WireError) {
    try writer.nest(1) { (writer) throws(WireError) in
      try writer.text(1, name)
      try writer.nest(2) { (writer) throws(WireError) in try writeData(to: &writer) }
    }
  }

  /// The name that the kernel knows it by.
  var name: String {
    switch self {
    case .load, .set: "meta"
    case .loadNetworkHeader, .loadTransportHeader: "payload"
    case .loadSocketControlGroup: "socket"
    case .generate: "numgen"
    case .immediate, .verdict: "immediate"
    case .toNetworkOrder: "byteorder"
    case .mask: "bitwise"
    case .compare: "cmp"
    case .isBetween: "range"
    case .isInSet: "lookup"
    case .limit: "limit"
    case .counter: "counter"
    case .forward: "fwd"
    case .reject: "reject"
    case .queue: "queue"
    case .compatibleQueue: "target"
    }
  }

  private func writeData(to writer: inout MessageWriter) throws(WireError) {
    switch self {
    case .load(let key, let register):
      try writer.big(2, key.rawValue)
      try writer.big(1, register.number)
    case .set(let key, let register):
      try writer.big(2, key.rawValue)
      try writer.big(3, register.number)
    case .loadNetworkHeader(let offset, let length, let register):
      try Self.writePayload(base: 1, offset, length, register, to: &writer)  // NFT_PAYLOAD_NETWORK_HEADER
    case .loadTransportHeader(let offset, let length, let register):
      try Self.writePayload(base: 2, offset, length, register, to: &writer)  // NFT_PAYLOAD_TRANSPORT_HEADER
    case .loadSocketControlGroup(let level, let register):
      try writer.big(1, UInt32(3))  // NFT_SOCKET_CGROUPV2
      try writer.big(2, register.number)
      try writer.big(3, level)
    case .generate(let source, let modulus, let offset, let register):
      try writer.big(1, register.number)
      try writer.big(2, modulus)
      try writer.big(3, source.rawValue)
      try writer.big(4, offset)
    case .immediate(let bytes, let register):
      try writer.big(1, register.number)
      try Self.writeValue(2, bytes, to: &writer)
    case .toNetworkOrder(let register):
      try writer.big(1, register.number)
      try writer.big(2, register.number)
      try writer.big(3, UInt32(1))  // NFT_BYTEORDER_HTON
      try writer.big(4, UInt32(4))
      try writer.big(5, UInt32(4))
    case .mask(let mask, let flip, let register):
      try writer.big(1, register.number)
      try writer.big(2, register.number)
      try writer.big(6, UInt32(0))  // NFT_BITWISE_BOOL
      try writer.big(3, UInt32(truncatingIfNeeded: mask.count))
      try Self.writeValue(4, mask, to: &writer)
      try Self.writeValue(5, flip, to: &writer)
    case .compare(let comparison, let bytes, let register):
      try writer.big(1, register.number)
      try writer.big(2, comparison.rawValue)
      try Self.writeValue(3, bytes, to: &writer)
    case .isBetween(let first, let last, let register, let inverted):
      try writer.big(1, register.number)
      try writer.big(2, UInt32(inverted ? 1 : 0))
      try Self.writeValue(3, first, to: &writer)
      try Self.writeValue(4, last, to: &writer)
    case .isInSet(let name, let id, let register, let inverted):
      try writer.big(2, register.number)
      try writer.text(1, name)
      try writer.big(4, id)
      if inverted { try writer.big(5, UInt32(1)) }  // NFT_LOOKUP_F_INV
    case .limit(let limit):
      try writer.big(1, limit.perSecond)
      try writer.big(2, UInt64(1))
      try writer.big(3, limit.burst)
      try writer.big(4, UInt32(limit.countsBytes ? 1 : 0))
      try writer.big(5, UInt32(limit.matchesExcess ? 1 : 0))
    case .counter: break
    case .forward(let register):
      try writer.big(1, register.number)
    case .reject(.tcpReset):
      try writer.big(1, UInt32(1))  // NFT_REJECT_TCP_RST, which has no code
      try writer.big(2, UInt8(0))
    case .reject(.icmp(let code)):
      try writer.big(1, UInt32(2))  // NFT_REJECT_ICMPX_UNREACH
      try writer.big(2, code.rawValue)
    case .queue(let number, let bypass):
      try writer.big(1, number)
      try writer.big(2, UInt16(1))
      try writer.big(3, UInt16(bypass ? 1 : 0))
    case .compatibleQueue(let number, let bypass):
      try writer.text(1, "NFQUEUE")
      try writer.big(2, UInt32(3))
      // struct xt_NFQ_info_v3, in host order: first queue, number of queues, flags, nothing
      try writer.attribute(3) { $0.host(UInt64(number) | 1 << 16 | (bypass ? 1 << 32 : 0)) }
    case .verdict(let verdict):
      try writer.big(1, UInt32(0))  // NFT_REG_VERDICT
      try writer.nest(2) { (writer) throws(WireError) in
        try writer.nest(2) { (writer) throws(WireError) in
          try writer.big(1, verdict.code)
          if let chain = verdict.chain { try writer.text(2, chain) }
        }
      }
    }
  }

  private static func writeValue(
    _ type: UInt16, _ bytes: [UInt8], to writer: inout MessageWriter
  ) throws(WireError) {
    try writer.nest(type) { (writer) throws(WireError) in try writer.raw(1, bytes) }
  }

  private static func writePayload(
    base: UInt32, _ offset: UInt32, _ length: UInt32, _ register: NFTables.Register, to writer: inout MessageWriter
  ) throws(WireError) {
    try writer.big(1, register.number)
    try writer.big(2, base)
    try writer.big(3, offset)
    try writer.big(4, length)
  }
}
