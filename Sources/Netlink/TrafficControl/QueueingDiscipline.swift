/// A queueing discipline as the kernel lists it.
public struct QueueingDiscipline: Sendable, Hashable {
  /// Index of its device.
  public var link: Int32
  /// Its own number; 0 for one that the kernel put there by itself.
  public var handle: TrafficHandle
  /// Where it stands: the root of the device, or a class.
  public var parent: TrafficHandle
  /// The kernel's name of its kind.
  public var kind: String
  /// Its options as the kernel tells them, for comparison of any kind.
  public var options: [UInt8]
  /// What it did so far.
  public var statistics: Statistics

  /// What a discipline or class did so far.
  public struct Statistics: Sendable, Hashable, Codable {
    /// Bytes that left it.
    public var bytes: UInt64
    /// Packets that left it.
    public var packets: UInt64
    /// Packets in it now.
    public var queuedPackets: UInt32
    /// Bytes in it now.
    public var queuedBytes: UInt32
    /// Packets it dropped.
    public var drops: UInt32
    /// How often it was over its limit.
    public var overlimits: UInt32
  }

  /// Its parameters, if it is a network emulator.
  public func netem() throws(WireError) -> Netem? {
    kind == "netem" ? try Netem(decoding: options[...]) : nil
  }

  /// Its parameters, if it is a token bucket.
  public func tokenBucket() throws(WireError) -> TokenBucket? {
    kind == "tbf" ? try TokenBucket(decoding: options[...]) : nil
  }

  /// It without what packets change, for comparison of two moments.
  public var canonicalLine: String { "qdisc \(kind) \(handle) parent \(parent) options \(hex(options))" }

  /// Decodes RTM_NEWQDISC or RTM_NEWTCLASS (`struct tcmsg`).
  init(decoding message: Message) throws(WireError) {
    var reader = MessageReader(message.payload)
    _ = try reader.take(4, "tcm_family")
    link = try reader.host(Int32.self, "tcm_ifindex")
    handle = TrafficHandle(rawValue: try reader.host(UInt32.self, "tcm_handle"))
    parent = TrafficHandle(rawValue: try reader.host(UInt32.self, "tcm_parent"))
    _ = try reader.take(4, "tcm_info")
    let attributes = try Attribute.list(reader.rest)
    kind = try attributes.require(1, "TCA_KIND").text("TCA_KIND")
    options = Array(attributes.first(2)?.payload ?? [])
    statistics = try Statistics(decoding: attributes.first(7)?.nested() ?? [])
  }
}

extension QueueingDiscipline.Statistics {
  /// Decodes TCA_STATS2 (`linux/gen_stats.h`).
  init(decoding attributes: [Attribute]) throws(WireError) {
    self.init(bytes: 0, packets: 0, queuedPackets: 0, queuedBytes: 0, drops: 0, overlimits: 0)
    if let basic = attributes.first(1) {
      var reader = MessageReader(basic.payload)
      bytes = try reader.host(UInt64.self, "gnet_stats_basic.bytes")
      packets = UInt64(try reader.host(UInt32.self, "gnet_stats_basic.packets"))
    }
    if let wide = attributes.first(8) { packets = try wide.host(UInt64.self, "TCA_STATS_PKT64") }
    if let queue = attributes.first(3) {
      var reader = MessageReader(queue.payload)
      queuedPackets = try reader.host(UInt32.self, "gnet_stats_queue.qlen")
      queuedBytes = try reader.host(UInt32.self, "gnet_stats_queue.backlog")
      drops = try reader.host(UInt32.self, "gnet_stats_queue.drops")
      _ = try reader.take(4, "gnet_stats_queue.requeues")
      overlimits = try reader.host(UInt32.self, "gnet_stats_queue.overlimits")
    }
  }
}
