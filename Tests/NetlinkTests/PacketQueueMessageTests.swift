import Testing

@testable import Netlink

/// Bytes as libnetfilter_queue 1.0.5 sends them (`nfq_create_queue`, `nfq_set_mode`, `nfq_set_queue_maxlen`,
/// `nfq_set_queue_flags`, `nfq_set_verdict`, `nfq_set_verdict_batch`, as `strace -e trace=sendto,sendmsg -e write=all`
/// shows them), but for sequence numbers, and for one message that holds all settings where it sends one for each.
@Suite struct PacketQueueMessageTests {
  private func encoded(_ settings: [PacketQueue.Configuration], acknowledged: Bool = true) throws -> [UInt8] {
    var writer = MessageWriter()
    try PacketQueue.write(settings, queue: 0x1234, to: &writer, sequence: 7, acknowledged: acknowledged)
    return writer.finish()
  }

  private func encoded(_ decision: PacketQueue.Decision) throws -> [UInt8] {
    var writer = MessageWriter()
    try PacketQueue.write(decision, queue: 0x1234, to: &writer, sequence: 7)
    return writer.finish()
  }

  @Test func aQueueIsBoundByThis() throws {
    #expect(
      try encoded([.bind]) == [
        28, 0, 0, 0, 2, 3, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0,  // length, NFQNL_MSG_CONFIG, REQUEST | ACK, sequence, port
        0, 0, 0x12, 0x34,  // AF_UNSPEC, version, queue
        8, 0, 1, 0, 1, 0, 0, 0,  // NFQA_CFG_CMD: BIND
      ])
    #expect(try encoded([.unbind], acknowledged: false)[6...7].elementsEqual([1, 0]))
    #expect(try encoded([.unbind]).suffix(8) == [8, 0, 1, 0, 2, 0, 0, 0])
  }

  @Test func itsSettingsAreWrittenSo() throws {
    #expect(try encoded([.copy(.description)]).suffix(12) == [9, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    #expect(try encoded([.copy(.descriptionAndLength)]).suffix(12) == [9, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0])
    #expect(try encoded([.copy(.payload(0x1000))]).suffix(12) == [9, 0, 2, 0, 0, 0, 0x10, 0, 2, 0, 0, 0])
    #expect(try encoded([.maximumLength(0x01020304)]).suffix(8) == [8, 0, 3, 0, 1, 2, 3, 4])
    #expect(
      try encoded([.flags([.failOpen], mask: [.failOpen, .bundles])]).suffix(16)
        == [8, 0, 5, 0, 0, 0, 0, 1, 8, 0, 4, 0, 0, 0, 0, 5])
  }

  @Test func verdictsAreWrittenSo() throws {
    #expect(
      try encoded(.one(id: 0x0102_0304, .accept)) == [
        32, 0, 0, 0, 1, 3, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34,
        12, 0, 2, 0, 0, 0, 0, 1, 1, 2, 3, 4,  // NFQA_VERDICT_HDR: NF_ACCEPT, number
      ])
    #expect(
      try encoded(.all(upTo: 0x0102_0304, .drop)) == [
        32, 0, 0, 0, 3, 3, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34,
        12, 0, 2, 0, 0, 0, 0, 0, 1, 2, 3, 4,
      ])
  }

  /// As `nfq_set_verdict(qh, id, NF_ACCEPT, 5, data)` sends it.
  @Test func otherContentsAreWrittenSo() throws {
    #expect(
      try encoded(.replace(id: 0x0102_0304, payload: [0x45, 1, 2, 3, 4])) == [
        44, 0, 0, 0, 1, 3, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34,
        12, 0, 2, 0, 0, 0, 0, 1, 1, 2, 3, 4,  // NFQA_VERDICT_HDR: NF_ACCEPT, number
        9, 0, 10, 0, 0x45, 1, 2, 3, 4, 0, 0, 0,  // NFQA_PAYLOAD, padding
      ])
    #expect(throws: WireError.self) {
      try encoded(.replace(id: 1, payload: [UInt8](repeating: 0, count: 65_532)))
    }
  }

  @Test func numbersOfPacketsAreOrderedAroundTheirEnd() {
    #expect(PacketQueue.isAfter(2, 1) && !PacketQueue.isAfter(1, 2) && !PacketQueue.isAfter(1, 1))
    #expect(PacketQueue.isAfter(0, .max) && !PacketQueue.isAfter(.max, 0))
  }

  private func split(_ bytes: [UInt8]) throws(WireError) -> ([QueuedPacket], PacketQueue.Receipt) {
    var packets: [QueuedPacket] = []
    var receipt = PacketQueue.Receipt()
    try PacketQueue.split(bytes.span, 0..<bytes.count, &receipt) { packets.append($0) }
    return (packets, receipt)
  }

  @Test func aPacketIsReadFieldByField() throws {
    let (packets, receipt) = try split(describedPacket)
    let packet = try #require(packets.first)
    #expect(packets.count == 1 && receipt.packets == 1 && receipt.refusedDecisions == [])
    #expect(packet.id == 0x0000_0102 && packet.etherType == 0x0800 && packet.hook == 0)
    #expect(packet.inputInterface == 2 && packet.outputInterface == 0 && packet.mark == 0xB5)
    #expect(packet.stampMicroseconds == 1_700_000_000_123_456)
    #expect(packet.lengthBytes == 41_000 && packet.isBundle && packet.payload == [0x45])
  }

  @Test func refusalsAreReadByTheirNumber() throws {
    let refusal: [UInt8] = [
      36, 0, 0, 0, 2, 0, 0, 1, 9, 0, 0, 0, 1, 2, 3, 4,  // NLMSG_ERROR, capped
      0xFE, 0xFF, 0xFF, 0xFF,  // -ENOENT
      32, 0, 0, 0, 3, 3, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0,  // the header of the request
    ]
    let (packets, receipt) = try split(describedPacket + refusal)
    #expect(packets.count == 1 && receipt.refusedDecisions == [9])
  }

  @Test(arguments: 1..<describedPacket.count) func aTruncatedMessageIsAnError(_ length: Int) {
    #expect(throws: WireError.self) { try split(Array(describedPacket.prefix(length))) }
    // Also when the length of the message agrees with the cut, unless whole attributes are left, whose padding is not demanded.
    var short = Array(describedPacket.prefix(length))
    guard length >= 16 else { return }
    short[0] = UInt8(length)
    let ends = [31, 32, 40, 48, 68, 76, 84, 89, 90, 91, 92]
    if !ends.contains(length) { #expect(throws: WireError.self) { try split(short) } }
  }

  @Test func lengthsThatContradictThemselvesAreErrors() {
    var bytes = describedPacket
    bytes[20] = 3  // an attribute shorter than its header
    #expect(throws: WireError.badLength(field: "nla_len", length: 3)) { try split(bytes) }
    bytes = describedPacket
    bytes[0] = 15  // a message shorter than its header
    #expect(throws: WireError.badLength(field: "nlmsg_len", length: 15)) { try split(bytes) }
    bytes = describedPacket
    bytes[22] = 99  // no NFQA_PACKET_HDR
    #expect(throws: WireError.missing(field: "NFQA_PACKET_HDR")) { try split(bytes) }
  }

  @Test func theKernelsListOfQueuesIsRead() throws {
    let text =
      "46336 1234567890     5 1     0     2     3      700  1\n    7      42     0 2 65535     0     0        0  1\n"
    let queues = try PacketQueue.parse(text)
    #expect(queues.map(\.number) == [46_336, 7])
    #expect(queues[0].port == 1_234_567_890 && queues[0].held == 5 && queues[0].lastID == 700)
    #expect(queues[0].droppedFull == 2 && queues[0].droppedOverrun == 3)
    #expect(try PacketQueue.parse("") == [])
    let failure = #expect(throws: NetlinkError.self) { try PacketQueue.parse("1 2 3\n") }
    #expect(failure?.description.contains("1 2 3") == true)
  }
}

/// NFQNL_MSG_PACKET of a bundle of TCP segments, one byte of it copied.
let describedPacket: [UInt8] = [
  92, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4,  // length, type, flags, sequence, port
  2, 0, 0x12, 0x34,  // AF_INET, version, queue
  11, 0, 1, 0, 0, 0, 1, 2, 8, 0, 0, 0,  // NFQA_PACKET_HDR: number, ethertype, hook, padding
  8, 0, 5, 0, 0, 0, 0, 2,  // NFQA_IFINDEX_INDEV
  8, 0, 3, 0, 0, 0, 0, 0xB5,  // NFQA_MARK
  20, 0, 4, 0, 0, 0, 0, 0, 0x65, 0x53, 0xF1, 0, 0, 0, 0, 0, 0, 1, 0xE2, 0x40,  // NFQA_TIMESTAMP
  8, 0, 14, 0, 0, 0, 0, 3,  // NFQA_SKB_INFO: bundle, checksum not ready
  8, 0, 13, 0, 0, 0, 0xA0, 0x28,  // NFQA_CAP_LEN
  5, 0, 10, 0, 0x45, 0, 0, 0,  // NFQA_PAYLOAD, padding
]
