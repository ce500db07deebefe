extension NFTables {
  /// One step of a rule. Steps that load or compare work on the first register unless they say otherwise.
  public enum Expression: Sendable, Hashable {
    /// Loads what is known of the packet.
    case load(MetaKey, into: Register = .first)
    /// Loads bytes of the network header.
    case loadNetworkHeader(offset: UInt32, length: UInt32, into: Register = .first)
    /// Loads bytes of the transport header.
    case loadTransportHeader(offset: UInt32, length: UInt32, into: Register = .first)
    /// Loads the number of the v2 control group that the packet's socket was made in, or of its ancestor at `level`
    /// counted from the root: eight bytes in host order, the inode of its directory. Not in postrouting or `netdev`.
    case loadSocketControlGroup(level: UInt32, into: Register = .first)
    /// Loads a number below `modulus`, plus `offset`: four bytes in host order.
    case generate(NumberSource, modulus: UInt32, offset: UInt32 = 0, into: Register = .first)
    /// Loads constant bytes.
    case immediate([UInt8], into: Register = .first)
    /// Gives the packet a mark or a priority.
    case set(MetaKey, from: Register = .first)
    /// Turns four bytes in host order into network order, in which numbers compare.
    case toNetworkOrder(Register = .first)
    /// Keeps the bits of `mask`, then flips those of `flip`; both as long as the value.
    case mask([UInt8], flip: [UInt8], in: Register = .first)
    /// Ends the rule unless the register's first bytes compare so with these, as numbers in network order.
    case compare(Comparison, [UInt8], in: Register = .first)
    /// Ends the rule unless the register lies between the two, both included; or, if inverted, when it does.
    case isBetween([UInt8], [UInt8], in: Register = .first, inverted: Bool = false)
    /// Ends the rule unless the register is in the set; or, if inverted, when it is. The number refers to a set of the
    /// same batch.
    case isInSet(String, id: UInt32, in: Register = .first, inverted: Bool = false)
    /// Ends the rule unless the stream of packets is within a limit.
    case limit(Limit)
    /// Counts packets and bytes that come this far.
    case counter
    /// Hands the packet to the device whose number the register holds, in host order, and ends all else. `netdev` only.
    case forward(Register = .first)
    /// Throws the packet away and tells its sender.
    case reject(Refusal)
    /// Hands the packet to a process. With `bypass` packets pass when no process listens. Kernels with NFT_QUEUE.
    case queue(UInt16, bypass: Bool)
    /// As ``queue(_:bypass:)``, by the NFQUEUE target of the older filter, for kernels without NFT_QUEUE.
    case compatibleQueue(UInt16, bypass: Bool)
    /// Decides.
    case verdict(Verdict)

    /// `.load(.protocolFamily)`
    public static let loadProtocolFamily = Expression.load(.protocolFamily)
    /// `.load(.transportProtocol)`
    public static let loadTransportProtocol = Expression.load(.transportProtocol)

    /// Loads the number of a device, as ``forward(_:)`` wants it.
    public static func immediate(device index: Int32, into register: Register = .first) -> Expression {
      .immediate(hostOrder(UInt32(bitPattern: index)), into: register)
    }

    /// Ends the rule unless the register holds this number in host order: a mark, a user, an index.
    public static func compare(_ comparison: Comparison, host value: UInt32) -> Expression {
      .compare(comparison, hostOrder(value))
    }

    /// Ends the rule unless the register holds this 64-bit number in host order: a control group.
    public static func compare(_ comparison: Comparison, host value: UInt64) -> Expression {
      .compare(comparison, hostOrder(value))
    }

    /// Little-endian, as on every machine that Swift runs on.
    private static func hostOrder(_ value: some FixedWidthInteger) -> [UInt8] {
      (0..<(value.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
  }
}
