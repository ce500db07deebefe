/// Lists the TCP and UDP sockets of one namespace, and destroys connections (`linux/sock_diag.h`, `linux/inet_diag.h`).
public final class SocketDiagnosis: Sendable {
  /// What became of connections that were to be destroyed.
  public struct Kill: Sendable, Hashable, Codable {
    /// How many were found.
    public var found = 0
    /// How many were destroyed.
    public var destroyed = 0
    /// How many were gone by themselves before it was their turn.
    public var vanished = 0
    /// Those that the kernel refused to destroy, with its errno: EOPNOTSUPP without CONFIG_INET_DIAG_DESTROY.
    public var refused: [Refusal] = []

    /// One that is still there.
    public struct Refusal: Sendable, Hashable, Codable {
      /// The connection.
      public var socket: DiagnosedSocket
      /// The kernel's errno.
      public var errno: Int32
    }
  }

  private let socket: NetlinkSocket

  /// Opens a socket in `namespace`.
  ///
  /// - Parameter openedByThisThread: see ``NFTables/Connection/init(in:openedByThisThread:)``.
  public init(in namespace: NetworkNamespace, openedByThisThread: Bool = false) throws(NetlinkError) {
    socket = try NetlinkSocket(.socketDiagnosis, in: namespace, openedByThisThread: openedByThisThread)
  }

  /// Closes the socket; also done when the object goes away.
  public func close() {
    socket.close()
  }

  /// All sockets of both families, those that listen as well.
  public func sockets(_ transport: DiagnosedSocket.Transport) throws(NetlinkError) -> [DiagnosedSocket] {
    let label = NetlinkSocket.Label(call: "SOCK_DIAG_BY_FAMILY", object: .dump("\(transport) sockets"))
    var sockets: [DiagnosedSocket] = []
    for family in [UInt8(2), 10] {
      let messages = try socket.dump(label) { (writer, sequence) throws(WireError) in
        try Self.writeDump(family, transport, to: &writer, sequence: sequence)
      }
      do throws(WireError) {
        for message in messages { sockets.append(try DiagnosedSocket(decoding: message, transport)) }
      } catch {
        throw NetlinkError(
          .malformed(error), call: label.call, object: label.object, namespace: socket.namespaceName)
      }
    }
    return sockets
  }

  /// Destroys every conversation that `isMeant` says yes to. Both ends learn of it at once: here by ECONNABORTED, there by
  /// a reset (TCP) or at their next datagram (UDP). Sockets that listen, or talk to nobody in particular, are never asked
  /// about.
  ///
  /// - Returns: what became of each; a refusal does not save the others.
  /// - Throws: ``NetlinkError`` if the sockets cannot be listed, or no answer comes; what was destroyed stays destroyed.
  public func kill(
    _ transports: [DiagnosedSocket.Transport] = [.tcp], where isMeant: (DiagnosedSocket) -> Bool
  ) throws(NetlinkError) -> Kill {
    var kill = Kill()
    for transport in transports {
      for found in try sockets(transport) where found.isConversation && isMeant(found) {
        kill.found += 1
        guard let failure = try destroy(found) else {
          kill.destroyed += 1
          continue
        }
        switch failure {
        case Self.noSuchEntry: kill.vanished += 1
        default: kill.refused.append(.init(socket: found, errno: failure))
        }
      }
    }
    return kill
  }

  /// The kernel's errno, or `nil` if it did it.
  private func destroy(_ found: DiagnosedSocket) throws(NetlinkError) -> Int32? {
    let label = NetlinkSocket.Label(call: "SOCK_DESTROY", object: .connection("\(found)"))
    do throws(NetlinkError) {
      try socket.request(label) { (writer, sequence) throws(WireError) in
        try Self.writeDestroy(found, to: &writer, sequence: sequence)
      }
      return nil
    } catch {
      guard let errno = error.errno else { throw error }
      return errno
    }
  }

  /// ENOENT. The cookie names one socket for ever, so it is this one that is gone.
  private static let noSuchEntry: Int32 = 2
}

extension SocketDiagnosis {
  /// `struct inet_diag_req_v2` for all states, with all that identifies a socket left open.
  static func writeDump(
    _ family: UInt8, _ transport: DiagnosedSocket.Transport, to writer: inout MessageWriter, sequence: UInt32
  ) throws(WireError) {
    try writer.message(type: 20, flags: 0x301, sequence: sequence) { writer in  // SOCK_DIAG_BY_FAMILY, REQUEST | DUMP
      writer.raw([family, transport.rawValue, 0, 0])
      writer.host(UInt32.max)  // idiag_states
      writer.raw([UInt8](repeating: 0, count: 48))
    }
  }

  /// The same for one socket, by its identity.
  static func writeDestroy(
    _ found: DiagnosedSocket, to writer: inout MessageWriter, sequence: UInt32
  ) throws(WireError) {
    try writer.message(type: 21, flags: 5, sequence: sequence) { writer in  // SOCK_DESTROY, REQUEST | ACK
      writer.raw([found.identity.family, found.transport.rawValue, 0, 0])
      writer.host(UInt32(0))  // idiag_states: whatever it is in
      writer.raw(found.identity.bytes)
    }
  }
}
