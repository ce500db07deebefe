/// Makes, changes and lists the queueing disciplines and classes of one namespace's devices.
///
/// Every refusal is a ``NetlinkError`` that names the object and the namespace, and leaves things as they were. Nothing
/// here looks at what it replaces: put disciplines on devices of your own only.
public final class TrafficController: Sendable {
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

  // MARK: Changes

  /// Puts a discipline on a device, or below a class.
  ///
  /// - Throws: ``NetlinkError``: EEXIST if somebody put one there already, ENOENT if the kernel does not know the kind.
  public func add(
    _ discipline: Discipline, to link: Link, handle: TrafficHandle, parent: TrafficHandle = .root
  ) throws(NetlinkError) {
    try send("RTM_NEWQDISC", discipline.kind, link, type: 36, flags: 0x600, handle, parent) {  // CREATE | EXCL
      (writer) throws(WireError) in
      try discipline.write(to: &writer, overwrites: false)
    }
  }

  /// Changes the discipline with this handle to exactly these parameters, or puts it there.
  ///
  /// What waits in one of the same kind goes on waiting. Of a network emulator nothing remains but what is given, except
  /// where its random numbers stand.
  public func replace(
    _ discipline: Discipline, on link: Link, handle: TrafficHandle, parent: TrafficHandle = .root
  ) throws(NetlinkError) {
    try send("RTM_NEWQDISC", discipline.kind, link, type: 36, flags: 0x500, handle, parent) {  // CREATE | REPLACE
      (writer) throws(WireError) in
      try discipline.write(to: &writer, overwrites: true)
    }
  }

  /// Takes the discipline at `parent` away, with all that is below it and waits in it.
  ///
  /// - Throws: ``NetlinkError``: ENOENT or EINVAL if there is none, or none but the kernel's own.
  public func delete(from link: Link, handle: TrafficHandle, parent: TrafficHandle = .root) throws(NetlinkError) {
    try send("RTM_DELQDISC", "\(handle)", link, type: 37, flags: 0, handle, parent) { _ in }
  }

  /// Makes a class of a hierarchical token bucket.
  public func add(
    _ bucketClass: BucketClass, to link: Link, handle: TrafficHandle, parent: TrafficHandle
  ) throws(NetlinkError) {
    try send("RTM_NEWTCLASS", "htb", link, type: 40, flags: 0x600, handle, parent) { (writer) throws(WireError) in
      try bucketClass.write(to: &writer)
    }
  }

  // MARK: Listings

  /// The disciplines of all devices, or of one, in the kernel's order, those included that it put there by itself.
  public func disciplines(of link: Link? = nil) throws(NetlinkError) -> [QueueingDiscipline] {
    let all = try list("RTM_GETQDISC", type: 38, link: 0)
    return all.filter { link == nil || $0.link == link?.index }
  }

  /// The classes of a device.
  public func classes(of link: Link) throws(NetlinkError) -> [QueueingDiscipline] {
    try list("RTM_GETTCLASS", type: 42, link: link.index)
  }

  // MARK: -

  private func list(_ call: String, type: UInt16, link: Int32) throws(NetlinkError) -> [QueueingDiscipline] {
    let label = NetlinkSocket.Label(call: call, object: .dump("queueing disciplines"))
    let messages = try socket.dump(label) { (writer, sequence) throws(WireError) in
      try writer.message(type: type, flags: 0x301, sequence: sequence) { (writer) throws(WireError) in
        Self.writeHeader(link: link, handle: .init(rawValue: 0), parent: .init(rawValue: 0), to: &writer)
        if type == 38 { try writer.attribute(10) { _ in } }  // TCA_DUMP_INVISIBLE: below mq and the like too
      }
    }
    do {
      return try messages.map { (message) throws(WireError) in try QueueingDiscipline(decoding: message) }
    } catch {
      throw NetlinkError(.malformed(error), call: call, object: label.object, namespace: socket.namespaceName)
    }
  }

  private func send(
    _ call: String, _ kind: String, _ link: Link, type: UInt16, flags: UInt16, _ handle: TrafficHandle,
    _ parent: TrafficHandle, _ body: (inout MessageWriter) throws(WireError) -> Void
  ) throws(NetlinkError) {
    let label = NetlinkSocket.Label(call: call, object: .discipline(kind, link: link.name))
    try socket.request(label) { (writer, sequence) throws(WireError) in
      try writer.message(type: type, flags: flags | 5, sequence: sequence) { (writer) throws(WireError) in
        Self.writeHeader(link: link.index, handle: handle, parent: parent, to: &writer)
        try body(&writer)
      }
    }
  }

  /// struct tcmsg
  private static func writeHeader(
    link: Int32, handle: TrafficHandle, parent: TrafficHandle, to writer: inout MessageWriter
  ) {
    writer.host(UInt32(0))  // family
    writer.host(link)
    writer.host(handle.rawValue)
    writer.host(parent.rawValue)
    writer.host(UInt32(0))  // info
  }
}
