import Netlink
import Testing

@testable import Faults

@Suite struct UDPPacketTests {
  @Test func theChecksumIsThatOfTheStandard() {
    // RFC 1071 §3.
    var sum = InternetChecksum()
    sum.add([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7])
    #expect(sum.value == ~UInt16(0xDDF2))
    // Added in odd parts it is the same.
    var parts = InternetChecksum()
    for part in [[0x00], [0x01, 0xF2, 0x03], [0xF4, 0xF5], [0xF6, 0xF7]] as [[UInt8]] { parts.add(part) }
    #expect(parts.value == sum.value)
  }

  /// Over both addresses, protocol, length, and all of UDP the sum must be 0.
  private func isRight(_ packet: [UInt8], _ addresses: Range<Int>, udp: Int) -> Bool {
    var sum = InternetChecksum()
    sum.add(packet[addresses])
    sum.add([0, 17, UInt8((packet.count - udp) >> 8), UInt8((packet.count - udp) & 255)])
    sum.add(packet[udp...])
    return sum.value == 0
  }

  @Test func anotherPayloadGetsRightLengthsAndChecksumsInIPv4() throws {
    let packet = try UDPPacket(AnswerPackets.four([1, 2, 3]))
    #expect(packet.family == .v4 && packet.payload.elementsEqual([1, 2, 3]))
    let changed = try packet.carrying([9, 8, 7, 6, 5])
    #expect(
      changed == [
        0x45, 0, 0, 33, 0x12, 0x34, 0x40, 0, 64, 17, 0x13, 0xFC,  // as before, with length and checksum
        10, 77, 0, 1, 10, 77, 0, 2,
        0, 53, 0x9C, 0x40, 0, 13, 0x39, 0xB4, 9, 8, 7, 6, 5,
      ])
    var header = InternetChecksum()
    header.add(changed[..<20])
    #expect(header.value == 0 && isRight(changed, 12..<20, udp: 20))
    #expect(try UDPPacket(changed).payload.elementsEqual([9, 8, 7, 6, 5]))
  }

  @Test func anotherPayloadGetsRightLengthsAndChecksumsInIPv6() throws {
    let packet = try UDPPacket(AnswerPackets.six([1, 2, 3]))
    #expect(packet.family == .v6 && packet.payload.elementsEqual([1, 2, 3]))
    let changed = try packet.carrying([9, 8])
    #expect(changed.count == 58 && changed[4...5].elementsEqual([0, 18]) && changed[52...53].elementsEqual([0, 10]))
    #expect(changed[..<4].elementsEqual([0x60, 0, 0, 0]) && isRight(changed, 8..<40, udp: 48))
  }

  @Test func aChecksumOfNothingIsWrittenAsAllOnes() throws {
    // 0 would mean that there is none, which IPv6 does not allow.
    let packet = try UDPPacket(AnswerPackets.four([0, 0]))
    // The checksum over zeros, as payload, makes the sum complete.
    let sum = try packet.carrying([0, 0])[26..<28]
    let changed = try packet.carrying(Array(sum))
    #expect(changed[26..<28].elementsEqual([0xFF, 0xFF]) && isRight(changed, 12..<20, udp: 20))
  }

  @Test(arguments: 0..<AnswerPackets.four([1, 2, 3]).count) func aTruncatedPacketIsAnErrorInIPv4(_ length: Int) {
    #expect(throws: AnswerError.self) { try UDPPacket(Array(AnswerPackets.four([1, 2, 3]).prefix(length))) }
  }

  @Test(arguments: 0..<AnswerPackets.six([1, 2, 3]).count) func aTruncatedPacketIsAnErrorInIPv6(_ length: Int) {
    #expect(throws: AnswerError.self) { try UDPPacket(Array(AnswerPackets.six([1, 2, 3]).prefix(length))) }
  }

  @Test func whatIsNoWholeDatagramIsSaidToBe() {
    func refused(_ packet: [UInt8], _ place: Int, _ value: UInt8, _ expected: AnswerError) {
      var packet = packet
      packet[place] = value
      #expect(throws: expected) { try UDPPacket(packet) }
    }
    let (four, six) = (AnswerPackets.four([1, 2, 3]), AnswerPackets.six([1, 2, 3]))
    refused(four, 6, 0x20, .notMeant("a fragment"))
    refused(four, 7, 1, .notMeant("a fragment"))
    refused(four, 9, 6, .notMeant("no UDP"))
    refused(four, 0, 0x44, .malformed("the length of the IPv4 header"))
    refused(four, 0, 0x55, .malformed("the version of IP"))
    refused(four, 3, 19, .malformed("the length of the IPv4 packet"))
    refused(four, 25, 7, .malformed("the length of UDP"))
    refused(four, 25, 12, .truncated("the datagram"))
    refused(six, 6, 44, .notMeant("a fragment"))
    refused(six, 6, 6, .notMeant("no UDP"))
    refused(six, 41, 9, .truncated("an extension header"))
  }

  @Test func whatIsTooLongForIPIsRefused() throws {
    let packet = try UDPPacket(AnswerPackets.four([]))
    #expect(throws: AnswerError.self) { try packet.carrying([UInt8](repeating: 0, count: 65_510)) }
  }
}
