// Decoders of rtnetlink dumps: linux/if_link.h, linux/if_addr.h, linux/rtnetlink.h. Numbers are in host order here.

extension Link {
  /// Decodes RTM_NEWLINK (`struct ifinfomsg`).
  init(decoding message: Message) throws(WireError) {
    var reader = MessageReader(message.payload)
    _ = try reader.take(4, "ifi_family, ifi_type")
    index = try reader.host(Int32.self, "ifi_index")
    flags = try reader.host(UInt32.self, "ifi_flags")
    _ = try reader.take(4, "ifi_change")
    let attributes = try Attribute.list(reader.rest)
    name = try attributes.require(3, "IFLA_IFNAME").text("IFLA_IFNAME")
    mtuBytes = try attributes.require(4, "IFLA_MTU").host(UInt32.self, "IFLA_MTU")
    queueingDiscipline = try attributes.first(6)?.text("IFLA_QDISC")
    alias = try attributes.first(20)?.text("IFLA_IFALIAS")
    master = try attributes.first(10)?.host(Int32.self, "IFLA_MASTER")
    kind = try attributes.first(18)?.nested().first(1)?.text("IFLA_INFO_KIND")
  }
}

extension LinkAddress {
  /// Decodes RTM_NEWADDR (`struct ifaddrmsg`).
  init(decoding message: Message) throws(WireError) {
    var reader = MessageReader(message.payload)
    _ = try reader.take(1, "ifa_family")
    let length = Int(try reader.host(UInt8.self, "ifa_prefixlen"))
    let shortFlags = try reader.host(UInt8.self, "ifa_flags")
    _ = try reader.take(1, "ifa_scope")
    link = Int32(bitPattern: try reader.host(UInt32.self, "ifa_index"))
    let attributes = try Attribute.list(reader.rest)
    // On a point-to-point link IFA_ADDRESS is the other end and IFA_LOCAL ours; IPv6 sends IFA_ADDRESS alone.
    guard let local = attributes.first(2) ?? attributes.first(1) else { throw .missing(field: "IFA_ADDRESS") }
    prefix = try decodePrefix(local.payload, length: length, "IFA_ADDRESS")
    flags = try attributes.first(8)?.host(UInt32.self, "IFA_FLAGS") ?? UInt32(shortFlags)
  }
}

extension Route {
  /// Decodes RTM_NEWROUTE (`struct rtmsg`); `nil` for a family that is neither IPv4 nor IPv6.
  init?(decoding message: Message) throws(WireError) {
    var reader = MessageReader(message.payload)
    let number = try reader.host(UInt8.self, "rtm_family")
    let length = Int(try reader.host(UInt8.self, "rtm_dst_len"))
    _ = try reader.take(2, "rtm_src_len, rtm_tos")
    let shortTable = try reader.host(UInt8.self, "rtm_table")
    maker = try reader.host(UInt8.self, "rtm_protocol")
    _ = try reader.take(1, "rtm_scope")
    type = try reader.host(UInt8.self, "rtm_type")
    _ = try reader.take(4, "rtm_flags")
    let attributes = try Attribute.list(reader.rest)
    let family: IPAddress.Family
    switch number {
    case 2: family = .v4
    case 10: family = .v6
    default: return nil
    }
    if let target = attributes.first(1) {
      destination = try decodePrefix(target.payload, length: length, "RTA_DST")
    } else {
      destination = .everything(family)
    }
    gateway = try attributes.first(5).map { (attribute) throws(WireError) in
      try decodePrefix(attribute.payload, length: 0, "RTA_GATEWAY").address
    }
    link = try attributes.first(4)?.host(Int32.self, "RTA_OIF")
    table = try attributes.first(15)?.host(UInt32.self, "RTA_TABLE") ?? UInt32(shortTable)
    metric = try attributes.first(6)?.host(UInt32.self, "RTA_PRIORITY") ?? 0
  }
}

private func decodePrefix(_ bytes: ArraySlice<UInt8>, length: Int, _ field: String) throws(WireError) -> IPPrefix {
  guard let address = IPAddress(bytes: bytes) else { throw .badLength(field: field, length: bytes.count) }
  guard let prefix = IPPrefix(address, length: length) else { throw .badLength(field: field, length: length) }
  return prefix
}
