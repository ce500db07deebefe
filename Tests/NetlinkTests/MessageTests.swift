import Testing

@testable import Netlink

@Suite struct MessageTests {
  /// An NLMSG_ERROR as the kernel sends it with NETLINK_CAP_ACK and NETLINK_EXT_ACK: errno 17, a text, an offset.
  private func refusal() throws -> [UInt8] {
    var writer = MessageWriter()
    try writer.message(type: 2, flags: 0x300, sequence: 5) { (writer) throws(WireError) in
      writer.host(Int32(-17))
      writer.host(UInt32(400))  // the length of the request, which is left out
      writer.raw([UInt8](repeating: 0, count: 12))
      try writer.text(1, "name taken")
      try writer.attribute(2) { $0.host(UInt32(24)) }
    }
    return writer.finish()
  }

  @Test func aRefusalCarriesTheKernelsWords() throws {
    let message = try #require(try Message.split(try refusal()[...]).first)
    let read = try Acknowledgement(message)
    #expect(read.errno == 17 && read.text == "name taken" && read.offset == 24)
  }

  @Test func aRefusalWithTheWholeRequestIsReadToo() throws {
    var writer = MessageWriter()
    try writer.message(type: 2, flags: 0x200, sequence: 5) { (writer) throws(WireError) in
      writer.host(Int32(-1))
      writer.host(UInt32(21))  // header, five bytes and three of padding
      writer.raw([UInt8](repeating: 0, count: 12 + 8))
      try writer.text(1, "no")
    }
    let message = try #require(try Message.split(writer.finish()[...]).first)
    #expect(try Acknowledgement(message).text == "no")
  }

  @Test(arguments: 1..<60)
  func everyTruncationOfARefusalThrows(_ length: Int) throws {
    let bytes = try refusal()
    try #require(bytes.count == 60)
    #expect(throws: WireError.self) { try Message.split(bytes[..<length]) }
  }

  @Test func aLengthOfZeroIsAnErrorAndNotALoop() {
    #expect(throws: WireError.badLength(field: "nlmsg_len", length: 0)) {
      try Message.split([UInt8](repeating: 0, count: 16)[...])
    }
    #expect(throws: WireError.badLength(field: "nla_len", length: 0)) {
      try Attribute.list([0, 0, 1, 0])
    }
  }

  @Test func aPositiveErrnoIsNoRefusalButNonsense() throws {
    var writer = MessageWriter()
    try writer.message(type: 2, flags: 0, sequence: 5) { $0.host(Int32(17)) }
    let message = try #require(try Message.split(writer.finish()[...]).first)
    #expect(throws: WireError.self) { try Acknowledgement(message) }
  }

  @Test func paddingIsWrittenAlwaysAndDemandedNever() throws {
    var writer = MessageWriter()
    try writer.raw(7, [1, 2, 3])
    let bytes = writer.finish()
    #expect(bytes == [7, 0, 7, 0, 1, 2, 3, 0])
    #expect(try Attribute.list(bytes[..<7]) == [Attribute(type: 7, payload: [1, 2, 3])])
  }
}
