/// The content of NLMSG_ERROR and NLMSG_DONE (`linux/netlink.h`, `struct nlmsgerr` and `enum nlmsgerr_attrs`).
struct Acknowledgement: Sendable, Equatable {
  /// 0 for success.
  var errno: Int32
  /// NLMSGERR_ATTR_MSG
  var text: String?
  /// NLMSGERR_ATTR_OFFS
  var offset: Int?

  init(_ message: Message) throws(WireError) {
    var reader = MessageReader(message.payload)
    // A DONE without a number is a success too; old dumps send it so.
    if message.type == 3, reader.isAtEnd {
      errno = 0
      return
    }
    let number = try reader.host(Int32.self, "nlmsgerr.error")
    guard number <= 0, number > Int32.min else { throw .badLength(field: "nlmsgerr.error", length: Int(number)) }
    errno = -number
    guard message.flags & 0x200 != 0 else { return }  // NLM_F_ACK_TLVS
    if message.type == 2 {
      let length = Int(try reader.host(UInt32.self, "nlmsgerr.msg.nlmsg_len"))
      _ = try reader.take(12, "nlmsgerr.msg")
      // NLM_F_CAPPED: the request itself was left out.
      if message.flags & 0x100 == 0 {
        guard length >= 16 else { throw .badLength(field: "nlmsgerr.msg.nlmsg_len", length: length) }
        _ = try reader.take((length - 16 + 3) / 4 * 4, "nlmsgerr.msg")
      }
    }
    let attributes = try Attribute.list(reader.rest)
    text = try attributes.first(1)?.text("NLMSGERR_ATTR_MSG")
    offset = try attributes.first(2).map { (attribute) throws(WireError) in
      Int(try attribute.host(UInt32.self, "NLMSGERR_ATTR_OFFS"))
    }
  }
}
