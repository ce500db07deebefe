/// Makes, changes and lists links, addresses and routes of one namespace.
///
/// Calls block for as long as the kernel works (microseconds; up to some 30 ms for deletions). Every refusal is a
/// ``NetlinkError`` that names the object and the namespace, and leaves things as they were.
public final class LinkController: Sendable {
  private let socket: NetlinkSocket

  /// Opens a route socket in `namespace`.
  ///
  /// - Parameter openedByThisThread: see ``NFTables/Connection/init(in:openedByThisThread:)``.
  public init(in namespace: NetworkNamespace, openedByThisThread: Bool = false) throws(NetlinkError) {
    socket = try NetlinkSocket(.route, in: namespace, openedByThisThread: openedByThisThread)
  }

  /// Closes the socket; also done when the object goes away.
  public func close() {
    socket.close()
  }

  // MARK: Links

  /// Makes a bridge, down and without ports. Its spanning-tree protocol is off.
  public func createBridge(_ name: String) throws(NetlinkError) {
    try check(name)
    try send(.link(name)) { () throws(LibraryFailure) in try LinkRequest.createBridge(name) }
  }

  /// Makes a pair of connected interfaces, both down; `peer` appears in `peerNamespace`, or here if there is none given.
  public func createVeth(
    _ name: String, peer: String, in peerNamespace: NetworkNamespace? = nil
  ) throws(NetlinkError) {
    try check(name)
    try check(peer)
    try send(.link(name)) { () throws(LibraryFailure) in
      try LinkRequest.createVeth(name, peer: peer, peerNamespace: peerNamespace?.fileDescriptor)
    }
  }

  /// Makes an intermediate functional block (`ifb`), down: a device that hands back what is steered into it after its
  /// queueing discipline is done with it, and throws it away while it is down. It gets no IPv6 address when it is switched
  /// on, so that the kernel sends nothing through it by itself.
  ///
  /// - Parameter alias: a text of at most 255 bytes that the device carries, by which its maker knows it again.
  /// - Throws: ``NetlinkError`` with EEXIST if the name is taken; nothing is left behind then.
  public func createIFB(_ name: String, alias: String? = nil) throws(NetlinkError) {
    try check(name)
    try send(.link(name)) { () throws(LibraryFailure) in try LinkRequest.createIFB(name) }
    do throws(NetlinkError) {
      let index = try index(of: name)
      // More requests: the kernel takes neither with the one that makes a device (`rtnl_create_link`).
      if let alias { try send(.link(name)) { () in LinkRequest.setAlias(of: index, to: alias) } }
      do { try send(.link(name)) { () in LinkRequest.setNoAddressGeneration(of: index) } } catch {
        guard error.errno == 97 else { throw error }  // EAFNOSUPPORT: a kernel without IPv6 generates none
      }
    } catch {
      try deleteLink(name)
      throw error
    }
  }

  /// Switches a link on.
  public func setUp(_ link: String) throws(NetlinkError) {
    try change(link, .up)
  }

  /// Switches a link off. The kernel forgets its routes.
  public func setDown(_ link: String) throws(NetlinkError) {
    try change(link, .down)
  }

  /// Makes `link` a port of the bridge `master`; `nil` takes it out of its bridge.
  public func setMaster(of link: String, to master: String?) throws(NetlinkError) {
    guard let master else { return try change(link, .master(0)) }
    try change(link, .master(try index(of: master)))
  }

  /// Removes a link; of a veth pair both ends go.
  public func deleteLink(_ name: String) throws(NetlinkError) {
    let index = try index(of: name)
    try send(.link(name)) { () throws(LibraryFailure) in try LinkRequest.deleteLink(index) }
  }

  /// The number of a link.
  ///
  /// - Throws: ``NetlinkError`` with ENODEV if there is none of that name.
  public func index(of name: String) throws(NetlinkError) -> Int32 {
    try check(name)
    let label = NetlinkSocket.Label(call: "RTM_GETLINK", object: .link(name))
    let request = try built(label) { () throws(LibraryFailure) in try LinkRequest.getLink(named: name) }
    let answer = try socket.get(label) { (writer, sequence) throws(WireError) in
      try writer.message(type: request.type, flags: 1, sequence: sequence) { $0.raw(request.payload) }
    }
    return try decoded(label) { () throws(WireError) in try Link(decoding: answer).index }
  }

  /// The link of that name; `nil` if there is none.
  public func link(named name: String) throws(NetlinkError) -> Link? {
    try links().first { $0.name == name }
  }

  /// All links, by index.
  public func links() throws(NetlinkError) -> [Link] {
    let label = NetlinkSocket.Label(call: "RTM_GETLINK", object: .dump("links"))
    let messages = try dump(label, type: 18, headerBytes: 16)
    return try decoded(label) { () throws(WireError) in
      try messages.map { (message) throws(WireError) in try Link(decoding: message) }
    }.sorted { $0.index < $1.index }
  }

  // MARK: Addresses and routes

  /// Gives `link` an address. An IPv6 address can be bound at once: duplicate detection is skipped.
  public func addAddress(_ prefix: IPPrefix, to link: String) throws(NetlinkError) {
    let index = try index(of: link)
    try send(.address("\(prefix)", link: link)) { () throws(LibraryFailure) in
      try LinkRequest.addAddress(prefix, link: index)
    }
  }

  /// Adds a route through a gateway, a link, or both.
  public func addRoute(
    to destination: IPPrefix, via gateway: IPAddress? = nil, link: String? = nil
  ) throws(NetlinkError) {
    let index = try link.map { (name) throws(NetlinkError) in try self.index(of: name) }
    try send(.route("\(destination)")) { () throws(LibraryFailure) in
      try LinkRequest.addRoute(to: destination, via: gateway, link: index)
    }
  }

  /// Adds the default route of the gateway's family.
  public func addDefaultRoute(via gateway: IPAddress) throws(NetlinkError) {
    try addRoute(to: .everything(gateway.family), via: gateway)
  }

  /// All addresses of both families.
  public func addresses() throws(NetlinkError) -> [LinkAddress] {
    let label = NetlinkSocket.Label(call: "RTM_GETADDR", object: .dump("addresses"))
    let messages = try dump(label, type: 22, headerBytes: 8)
    return try decoded(label) { () throws(WireError) in
      try messages.map { (message) throws(WireError) in try LinkAddress(decoding: message) }
    }
  }

  /// All routes of both families and of all tables.
  public func routes() throws(NetlinkError) -> [Route] {
    let label = NetlinkSocket.Label(call: "RTM_GETROUTE", object: .dump("routes"))
    let messages = try dump(label, type: 26, headerBytes: 12)
    return try decoded(label) { () throws(WireError) in
      try messages.map { (message) throws(WireError) in try Route(decoding: message) }
    }.compactMap { $0 }
  }

  // MARK: -

  private func change(_ link: String, _ change: LinkRequest.Change) throws(NetlinkError) {
    let index = try index(of: link)
    try send(.link(link)) { () throws(LibraryFailure) in try LinkRequest.change(index, change) }
  }

  private func dump(
    _ label: NetlinkSocket.Label, type: UInt16, headerBytes: Int
  ) throws(NetlinkError) -> [Message] {
    try socket.dump(label) { (writer, sequence) throws(WireError) in
      try writer.message(type: type, flags: 0x301, sequence: sequence) {  // REQUEST | DUMP
        $0.raw([UInt8](repeating: 0, count: headerBytes))
      }
    }
  }

  private func send(
    _ object: NetlinkObject, _ build: () throws(LibraryFailure) -> LinkRequest
  ) throws(NetlinkError) {
    let request = try built(NetlinkSocket.Label(call: "build", object: object), build)
    try socket.request(.init(call: request.call, object: object)) { (writer, sequence) throws(WireError) in
      try writer.message(type: request.type, flags: request.flags | 5, sequence: sequence) {  // REQUEST | ACK
        $0.raw(request.payload)
      }
    }
  }

  private func built(
    _ label: NetlinkSocket.Label, _ build: () throws(LibraryFailure) -> LinkRequest
  ) throws(NetlinkError) -> LinkRequest {
    do { return try build() } catch {
      throw NetlinkError(
        .incomplete("libnl: \(error.text)"), call: error.call, object: label.object, namespace: socket.namespaceName)
    }
  }

  private func decoded<T>(
    _ label: NetlinkSocket.Label, _ decode: () throws(WireError) -> T
  ) throws(NetlinkError) -> T {
    do { return try decode() } catch {
      throw NetlinkError(
        .malformed(error), call: label.call, object: label.object, namespace: socket.namespaceName)
    }
  }

  /// Refuses a name that the kernel would cut off or misread (`dev_valid_name`, IFNAMSIZ 16 with the terminator).
  private func check(_ name: String) throws(NetlinkError) {
    func bad(_ why: String) -> NetlinkError {
      NetlinkError(.badName(why), call: "check", object: .link(name), namespace: socket.namespaceName)
    }
    guard !name.isEmpty else { throw bad("it is empty") }
    guard name.utf8.count <= 15 else { throw bad("it is longer than 15 bytes") }
    guard name != ".", name != "..", name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 47 && $0 != 58 }) else {
      throw bad("'/', ':', spaces and what is not ASCII are not allowed")
    }
  }
}
