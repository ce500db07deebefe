internal import CNlRoute
internal import Glibc

/// Requests of rtnetlink, built by libnl-route. No pointer of libnl leaves this file: a request is its type and bytes.
struct LinkRequest: Sendable {
  var call: String
  var type: UInt16
  var flags: UInt16
  var payload: [UInt8]

  /// A bridge without spanning tree, so that its ports forward at once.
  static func createBridge(_ name: String) throws(LibraryFailure) -> LinkRequest {
    let link = try allocated(rtnl_link_alloc(), "rtnl_link_alloc")
    defer { rtnl_link_put(link) }
    try check(rtnl_link_set_type(link, "bridge"), "rtnl_link_set_type")
    rtnl_link_set_name(link, name)
    return try finish("RTM_NEWLINK") { rtnl_link_build_add_request(link, createFlags, $0) }
  }

  /// A pair of connected interfaces; the second one appears in the namespace behind `peerNamespace`, if given.
  static func createVeth(_ name: String, peer: String, peerNamespace: Int32?) throws(LibraryFailure) -> LinkRequest {
    let link = try allocated(rtnl_link_veth_alloc(), "rtnl_link_veth_alloc")
    defer { rtnl_link_veth_release(link) }
    rtnl_link_set_name(link, name)
    // get_peer takes a reference of its own, given back here.
    let other = try allocated(rtnl_link_veth_get_peer(link), "rtnl_link_veth_get_peer")
    defer { rtnl_link_put(other) }
    rtnl_link_set_name(other, peer)
    if let peerNamespace { rtnl_link_set_ns_fd(other, peerNamespace) }
    return try finish("RTM_NEWLINK") { rtnl_link_build_add_request(link, createFlags, $0) }
  }

  /// A device that hands back what is steered into it.
  static func createIFB(_ name: String) throws(LibraryFailure) -> LinkRequest {
    let link = try allocated(rtnl_link_alloc(), "rtnl_link_alloc")
    defer { rtnl_link_put(link) }
    try check(rtnl_link_set_type(link, "ifb"), "rtnl_link_set_type")
    rtnl_link_set_name(link, name)
    return try finish("RTM_NEWLINK") { rtnl_link_build_add_request(link, createFlags, $0) }
  }

  /// A text for a device to carry: `struct ifinfomsg` with IFLA_IFALIAS, which libnl does not send.
  static func setAlias(of index: Int32, to alias: String) -> LinkRequest {
    let text = Array(alias.utf8)
    var writer = MessageWriter()
    writer.host(UInt32(0))  // ifi_family, ifi_type
    writer.host(index)
    writer.host(UInt64(0))  // ifi_flags, ifi_change: none
    writer.host(UInt16(truncatingIfNeeded: 4 + text.count))
    writer.host(UInt16(20))  // IFLA_IFALIAS; its length is that of the text, without a zero
    writer.raw(text + [UInt8](repeating: 0, count: (4 - text.count % 4) % 4))
    return LinkRequest(call: "RTM_SETLINK", type: 19, flags: 0, payload: writer.finish())
  }

  /// No address for a device when it is switched on: `struct ifinfomsg` with IFLA_AF_SPEC, AF_INET6,
  /// IFLA_INET6_ADDR_GEN_MODE none.
  static func setNoAddressGeneration(of index: Int32) -> LinkRequest {
    var writer = MessageWriter()
    writer.host(UInt32(0))  // ifi_family, ifi_type
    writer.host(index)
    writer.host(UInt64(0))  // ifi_flags, ifi_change: none
    for (length, type) in [(16, 26), (12, 10), (5, 8)] as [(UInt16, UInt16)] {
      writer.host(length)
      writer.host(type)
    }
    writer.host(UInt32(1))  // IN6_ADDR_GEN_MODE_NONE, one byte, and padding
    return LinkRequest(call: "RTM_SETLINK", type: 19, flags: 0, payload: writer.finish())
  }

  /// What can be changed of a link.
  enum Change {
    case up
    case down
    case master(Int32)
  }

  static func change(_ index: Int32, _ change: Change) throws(LibraryFailure) -> LinkRequest {
    let link = try allocated(rtnl_link_alloc(), "rtnl_link_alloc")
    defer { rtnl_link_put(link) }
    let wanted = try allocated(rtnl_link_alloc(), "rtnl_link_alloc")
    defer { rtnl_link_put(wanted) }
    rtnl_link_set_ifindex(link, index)
    switch change {
    case .up: rtnl_link_set_flags(wanted, UInt32(IFF_UP))
    case .down: rtnl_link_unset_flags(wanted, UInt32(IFF_UP))
    case .master(let master): rtnl_link_set_master(wanted, master)
    }
    return try finish("RTM_NEWLINK") { rtnl_link_build_change_request(link, wanted, 0, $0) }
  }

  static func deleteLink(_ index: Int32) throws(LibraryFailure) -> LinkRequest {
    let link = try allocated(rtnl_link_alloc(), "rtnl_link_alloc")
    defer { rtnl_link_put(link) }
    rtnl_link_set_ifindex(link, index)
    return try finish("RTM_DELLINK") { rtnl_link_build_delete_request(link, $0) }
  }

  static func getLink(named name: String) throws(LibraryFailure) -> LinkRequest {
    try finish("RTM_GETLINK") { rtnl_link_build_get_request(0, name, $0) }
  }

  /// An IPv6 address skips duplicate detection, so that it can be bound at once.
  static func addAddress(_ prefix: IPPrefix, link: Int32) throws(LibraryFailure) -> LinkRequest {
    let address = try allocated(rtnl_addr_alloc(), "rtnl_addr_alloc")
    defer { rtnl_addr_put(address) }
    rtnl_addr_set_ifindex(address, link)
    let local = try self.address(prefix)
    defer { nl_addr_put(local) }
    try check(rtnl_addr_set_local(address, local), "rtnl_addr_set_local")
    if prefix.address.family == .v6 { rtnl_addr_set_flags(address, UInt32(IFA_F_NODAD)) }
    return try finish("RTM_NEWADDR") { rtnl_addr_build_add_request(address, createFlags, $0) }
  }

  static func addRoute(
    to destination: IPPrefix, via gateway: IPAddress?, link: Int32?
  ) throws(LibraryFailure) -> LinkRequest {
    let route = try allocated(rtnl_route_alloc(), "rtnl_route_alloc")
    defer { rtnl_route_put(route) }
    let target = try address(destination)
    defer { nl_addr_put(target) }
    try check(rtnl_route_set_dst(route, target), "rtnl_route_set_dst")
    // The route takes the hop over and frees it.
    let hop = try allocated(rtnl_route_nh_alloc(), "rtnl_route_nh_alloc")
    if let gateway {
      do {
        let next = try address(.host(gateway))
        rtnl_route_nh_set_gateway(hop, next)
        nl_addr_put(next)
      } catch {
        rtnl_route_nh_free(hop)
        throw error
      }
    }
    if let link { rtnl_route_nh_set_ifindex(hop, link) }
    rtnl_route_add_nexthop(route, hop)
    return try finish("RTM_NEWROUTE") { rtnl_route_build_add_request(route, createFlags, $0) }
  }

  private static let createFlags = Int32(NLM_F_CREATE | NLM_F_EXCL)

  /// The caller gives the address back with `nl_addr_put`.
  private static func address(_ prefix: IPPrefix) throws(LibraryFailure) -> OpaquePointer {
    let bytes = prefix.address.bytes
    let family = prefix.address.family == .v4 ? AF_INET : AF_INET6
    let address = try allocated(nl_addr_build(family, bytes, bytes.count), "nl_addr_build")
    nl_addr_set_prefixlen(address, Int32(prefix.length))
    return address
  }

  /// Lets libnl build a message, copies it and frees it.
  private static func finish(
    _ call: String, _ build: (UnsafeMutablePointer<OpaquePointer?>) -> Int32
  ) throws(LibraryFailure) -> LinkRequest {
    var message: OpaquePointer?
    try check(build(&message), call)
    let built = try allocated(message, call)
    defer { nlmsg_free(built) }
    guard let header = nlmsg_hdr(built) else { throw LibraryFailure(call: "nlmsg_hdr", text: "no header") }
    let bytes = UnsafeRawBufferPointer(start: header, count: Int(header.pointee.nlmsg_len))
    return LinkRequest(
      call: call, type: header.pointee.nlmsg_type, flags: header.pointee.nlmsg_flags,
      payload: Array(bytes.dropFirst(16)))
  }

  private static func allocated(_ pointer: OpaquePointer?, _ call: String) throws(LibraryFailure) -> OpaquePointer {
    guard let pointer else { throw LibraryFailure(call: call, text: "out of memory") }
    return pointer
  }

  private static func check(_ code: Int32, _ call: String) throws(LibraryFailure) {
    guard code < 0 else { return }
    throw LibraryFailure(call: call, text: nl_geterror(code).map { String(cString: $0) } ?? "error \(code)")
  }
}

/// libnl could not build a request.
struct LibraryFailure: Error {
  var call: String
  var text: String
}
