extension NFTables {
  /// Commands that the kernel applies all together or not at all.
  public struct Batch: Sendable, Hashable, CustomStringConvertible {
    /// The commands, in order.
    public var commands: [Command]

    /// A batch of `commands`.
    public init(_ commands: [Command]) {
      self.commands = commands
    }

    /// The bytes of the whole batch as one datagram, sequence numbers counting up from `firstSequence`.
    ///
    /// - Throws: ``WireError`` if a name does not fit its attribute.
    public func encoded(firstSequence: UInt32) throws(WireError) -> [UInt8] {
      var writer = MessageWriter(capacityBytes: capacityBytes)
      try Self.write(commands.flatMap(\.messages), to: &writer, firstSequence: firstSequence)
      return writer.finish()
    }

    /// One command a line.
    public var description: String { commands.map(\.description).joined(separator: "\n") }

    var capacityBytes: Int {
      commands.reduce(256) { sum, command in
        guard case .addElements(_, _, _, let elements) = command else { return sum + 320 }
        return sum + 160 + elements.keys.count * elements.bytesPerElement
      }
    }

    /// Labels of all messages that ``write(_:to:firstSequence:)`` writes, markers included.
    static func labels(_ messages: [BatchMessage]) -> [NetlinkSocket.Label] {
      let marker = NetlinkSocket.Label(call: "nf_tables batch", object: .socket)
      return [marker] + messages.map(\.label) + [marker]
    }

    /// The last command asks for an acknowledgement, which comes after the kernel has committed.
    static func write(
      _ messages: [BatchMessage], to writer: inout MessageWriter, firstSequence: UInt32
    ) throws(WireError) {
      try writeMarker(0x10, to: &writer, sequence: firstSequence)
      for (index, message) in messages.enumerated() {
        let flags: UInt16 = index == messages.count - 1 ? 4 : 0  // NLM_F_ACK
        try message.write(to: &writer, sequence: firstSequence &+ UInt32(index) &+ 1, flags: flags)
      }
      try writeMarker(0x11, to: &writer, sequence: firstSequence &+ UInt32(messages.count) &+ 1)
    }

    /// NFNL_MSG_BATCH_BEGIN or NFNL_MSG_BATCH_END; their resource number is the subsystem, 10 for nf_tables.
    private static func writeMarker(
      _ type: UInt16, to writer: inout MessageWriter, sequence: UInt32
    ) throws(WireError) {
      try writer.message(type: type, flags: 1, sequence: sequence) { $0.raw([0, 0, 0, 10]) }
    }
  }
}
