// Messages of the packet queue, linux/netfilter/nfnetlink_queue.h. Numbers in attributes are in network byte order.

extension PacketQueue {
  /// What a queue is told about itself.
  enum Configuration: Sendable, Hashable {
    /// Gives the queue to this socket.
    case bind
    /// Ends it; the kernel drops what it still holds.
    case unbind
    /// How much of each packet is copied to us, beside its description.
    case copy(Copy)
    /// How many packets it holds at most.
    case maximumLength(UInt32)
    /// Switches the flags of `mask` to those of `flags`.
    case flags(Flags, mask: Flags)
  }

  /// What becomes of a packet (`NF_…`, `linux/netfilter.h`).
  public enum Verdict: UInt32, Sendable, Hashable, Codable {
    /// It is thrown away. Its sender learns nothing of it.
    case drop = 0
    /// It goes on behind the rule that queued it.
    case accept = 1
  }

  /// One decision.
  public enum Decision: Sendable, Hashable {
    /// About the packet of this number.
    case one(id: UInt32, Verdict)
    /// About every packet in the queue up to and including this number, which must therefore be the highest of those
    /// that are meant, in the order of ``isAfter(_:_:)``.
    case all(upTo: UInt32, Verdict)
    /// The packet of this number goes on with other contents, from its network header on. Lengths and checksums in it are
    /// the caller's.
    case replace(id: UInt32, payload: [UInt8])

    /// The packet's number; `nil` for a decision about many.
    public var id: UInt32? {
      switch self {
      case .one(let id, _), .replace(let id, _): id
      case .all: nil
      }
    }
  }

  /// Whether packet number `first` came after `second`. Numbers start anew after 2³² packets.
  public static func isAfter(_ first: UInt32, _ second: UInt32) -> Bool {
    Int32(bitPattern: first &- second) > 0
  }

  static let subsystem: UInt16 = 3 << 8

  /// One message of NFQNL_MSG_CONFIG.
  static func write(
    _ settings: [Configuration], queue: UInt16, to writer: inout MessageWriter, sequence: UInt32, acknowledged: Bool
  ) throws(WireError) {
    try writer.message(type: subsystem | 2, flags: acknowledged ? 5 : 1, sequence: sequence) {
      (writer) throws(WireError) in
      writer.raw([0, 0])  // nfgen_family AF_UNSPEC, version
      writer.big(queue)  // res_id
      for setting in settings {
        switch setting {
        case .bind: try writer.raw(1, [1, 0, 0, 0])  // NFQA_CFG_CMD: command, padding, pf
        case .unbind: try writer.raw(1, [2, 0, 0, 0])
        case .copy(let copy):
          try writer.attribute(2) { writer in  // NFQA_CFG_PARAMS: range, mode
            writer.big(copy.range)
            writer.raw([copy.mode])
          }
        case .maximumLength(let length): try writer.big(3, length)  // NFQA_CFG_QUEUE_MAXLEN
        case .flags(let flags, let mask):
          try writer.big(5, flags.rawValue)  // NFQA_CFG_FLAGS
          try writer.big(4, mask.rawValue)  // NFQA_CFG_MASK
        }
      }
    }
  }

  /// One message of NFQNL_MSG_VERDICT or NFQNL_MSG_VERDICT_BATCH.
  static func write(
    _ decision: Decision, queue: UInt16, to writer: inout MessageWriter, sequence: UInt32
  ) throws(WireError) {
    let (kind, id, verdict): (UInt16, UInt32, Verdict) =
      switch decision {
      case .one(let id, let verdict): (1, id, verdict)
      case .all(let id, let verdict): (3, id, verdict)
      case .replace(let id, _): (1, id, .accept)
      }
    try writer.message(type: subsystem | kind, flags: 1, sequence: sequence) { (writer) throws(WireError) in
      writer.raw([0, 0])
      writer.big(queue)
      try writer.attribute(2) { writer in  // NFQA_VERDICT_HDR
        writer.big(verdict.rawValue)
        writer.big(id)
      }
      if case .replace(_, let payload) = decision { try writer.raw(10, payload) }  // NFQA_PAYLOAD
    }
  }
}

extension PacketQueue.Copy {
  /// NFQNL_COPY_META 1, NFQNL_COPY_PACKET 2.
  var mode: UInt8 {
    switch self {
    case .description: 1
    case .descriptionAndLength, .payload: 2
    }
  }

  /// The kernel takes a range of 0 for all there is, and tells the length only where it cuts something off.
  var range: UInt32 {
    switch self {
    case .description: 0
    case .descriptionAndLength: 1
    case .payload(let bytes): max(1, bytes)
    }
  }
}
