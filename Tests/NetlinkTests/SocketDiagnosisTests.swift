import Glibc
import Testing

@testable import Netlink

@Suite(.serialized) struct SocketDiagnosisTests {
  /// Bytes as `ss -6tan` and `ss -K dport = 5001` send them (iproute2 6.1, seen by `strace -e trace=sendto,sendmsg
  /// -e write=all`), but for sequence numbers, and for the states: `ss` leaves out connections that nobody has accepted.
  @Test func requestsAreWrittenSo() throws {
    var writer = MessageWriter()
    try SocketDiagnosis.writeDump(10, .tcp, to: &writer, sequence: 7)
    #expect(
      writer.finish()
        == [72, 0, 0, 0, 20, 0, 1, 3, 7, 0, 0, 0, 0, 0, 0, 0, 10, 6, 0, 0, 255, 255, 255, 255]
        + [UInt8](repeating: 0, count: 48))
    let socket = try DiagnosedSocket(decoding: describedSocket, .tcp)
    writer = MessageWriter()
    try SocketDiagnosis.writeDestroy(socket, to: &writer, sequence: 7)
    #expect(
      writer.finish()
        == [72, 0, 0, 0, 21, 0, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0, 10, 6, 0, 0, 0, 0, 0, 0]
        + Array(describedSocket.payload.dropFirst(4).prefix(48)))
  }

  @Test func aSocketIsReadAndAMappedAddressIsPlain() throws {
    let socket = try DiagnosedSocket(decoding: describedSocket, .tcp)
    #expect(socket.state == .established && socket.transport == .tcp && socket.isConversation)
    #expect(socket.local == .v4(0x0A00_0001) && socket.localPort == 5432)
    #expect(socket.remote == .v4(0x0A00_0002) && socket.remotePort == 40_000)
    #expect(socket.user == 1000 && socket.inode == 4711 && socket.cookie == 0x1_0000_0002)
    #expect(socket.controlGroup == 99 && socket.interface == 3)
    #expect(socket.description == "tcp 10.0.0.1:5432 → 10.0.0.2:40000 established")
  }

  @Test(arguments: 0..<72) func aTruncatedSocketIsAnError(_ length: Int) {
    var message = describedSocket
    message.payload = message.payload.prefix(length)
    #expect(throws: WireError.self) { try DiagnosedSocket(decoding: message, .tcp) }
  }

  @Test func whatNobodyKnowsIsAnError() {
    for (place, value) in [(0, UInt8(77)), (1, 0), (1, 200)] {
      var bytes = Array(describedSocket.payload)
      bytes[place] = value
      var message = describedSocket
      message.payload = bytes[...]
      #expect(throws: WireError.self) { try DiagnosedSocket(decoding: message, .tcp) }
    }
  }

  /// A connection over loopback of a namespace, with the socket that listens.
  private final class Connection {
    let listener: Int32
    let client: Int32
    let server: Int32

    init(in namespace: NetworkNamespace, _ address: IPAddress, asMapped: Bool = false, port: UInt16) throws {
      let usesSix = asMapped || address.family == .v6
      let family = usesSix ? AF_INET6 : AF_INET
      let bytes = asMapped ? [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255] + address.bytes : address.bytes
      var place = sockaddr_storage()
      withUnsafeMutableBytes(of: &place) { raw in
        raw.storeBytes(of: sa_family_t(family), as: sa_family_t.self)
        raw[2] = UInt8(port >> 8)
        raw[3] = UInt8(port & 255)
        for (index, byte) in bytes.enumerated() { raw[(usesSix ? 8 : 4) + index] = byte }
      }
      let length = socklen_t(usesSix ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
      let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
      listener = try namespace.run { socket(family, kind, 0) }
      client = try namespace.run { socket(family, kind, 0) }
      let fds = (listener, client)
      let isConnected = withUnsafePointer(to: &place) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(fds.0, $0, length) == 0 && listen(fds.0, 1) == 0 && connect(fds.1, $0, length) == 0
        }
      }
      try #require(isConnected, "errno \(errno)")
      server = accept(listener, nil, nil)
    }

    deinit {
      for descriptor in [listener, client, server] { close(descriptor) }
    }

    /// What a reader is told: nil that nothing has come, 0 for bytes or an end, otherwise an errno.
    func error(_ descriptor: Int32) -> Int32? {
      var byte: UInt8 = 0
      if recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) >= 0 { return 0 }
      return errno == EAGAIN ? nil : errno
    }

    func accepts(in namespace: NetworkNamespace) -> Bool {
      var item = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      return withUnsafeMutablePointer(to: &item) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
          guard getsockname(listener, raw, &length) == 0,
            let other = try? namespace.run({ socket(Int32(raw.pointee.sa_family), Int32(SOCK_STREAM.rawValue), 0) })
          else { return false }
          defer { close(other) }
          return connect(other, raw, length) == 0
        }
      }
    }
  }

  @Test(.enabled(if: isRoot, "namespaces need root")) func socketsOfBothFamiliesAreListed() throws {
    try withNamespaces { namespaces in
      let four = try Connection(in: namespaces[0], .v4(0x7F00_0001), port: 5001)
      let six = try Connection(in: namespaces[0], .v6(0, 1), port: 5002)
      let mapped = try Connection(in: namespaces[0], .v4(0x7F00_0001), asMapped: true, port: 5003)
      let diagnosis = try SocketDiagnosis(in: namespaces[0])
      let sockets = try diagnosis.sockets(.tcp)
      let clients = sockets.filter { $0.state == .established && $0.remotePort < 6000 }.sorted {
        $0.remotePort < $1.remotePort
      }
      #expect(clients.map(\.remotePort) == [5001, 5002, 5003])
      #expect(clients.map(\.remote) == [.v4(0x7F00_0001), .v6(0, 1), .v4(0x7F00_0001)])
      #expect(sockets.filter { $0.state == .listen }.map(\.localPort).sorted() == [5001, 5002, 5003])
      #expect(sockets.count == 9 && Set(sockets.map(\.cookie)).count == 9)
      #expect(sockets.allSatisfy { $0.user == geteuid() && $0.inode > 0 })
      #expect(try diagnosis.sockets(.udp).isEmpty)
      withExtendedLifetime((four, six, mapped)) {}
    }
  }

  @Test(.enabled(if: isRoot, "namespaces need root")) func onlyTheConnectionsThatAreMeantAreDestroyed() throws {
    try withNamespaces { namespaces in
      let meant = try Connection(in: namespaces[0], .v4(0x7F00_0001), port: 5001)
      let mapped = try Connection(in: namespaces[0], .v4(0x7F00_0001), asMapped: true, port: 5002)
      let other = try Connection(in: namespaces[0], .v6(0, 1), port: 5003)
      let diagnosis = try SocketDiagnosis(in: namespaces[0])
      let kill = try diagnosis.kill { (5001...5002).contains($0.remotePort) }
      #expect(kill.refused.isEmpty, "needs CONFIG_INET_DIAG_DESTROY")
      #expect(kill.found == 2 && kill.destroyed == 2 && kill.vanished == 0)
      for connection in [meant, mapped] {
        #expect(connection.error(connection.client) == ECONNABORTED)
        #expect(connection.error(connection.server) == ECONNRESET)
        // Those that listen are never destroyed.
        #expect(connection.accepts(in: namespaces[0]))
      }
      #expect(other.error(other.client) == nil && other.error(other.server) == nil)
      #expect(try diagnosis.kill { $0.remotePort == 1 } == SocketDiagnosis.Kill())
    }
  }

  @Test(.enabled(if: isRoot, "namespaces need root")) func listenersAreNotEvenAskedAbout() throws {
    try withNamespaces { namespaces in
      let connection = try Connection(in: namespaces[0], .v4(0x7F00_0001), port: 5001)
      var asked: [DiagnosedSocket.State] = []
      let kill = try SocketDiagnosis(in: namespaces[0]).kill([.tcp, .udp]) { socket in
        asked.append(socket.state)
        return false
      }
      #expect(asked == [.established, .established] && kill == SocketDiagnosis.Kill())
      withExtendedLifetime(connection) {}
    }
  }

  @Test(.enabled(if: isRoot, "namespaces need root")) func connectedDatagramSocketsCanBeDestroyedToo() throws {
    try withNamespaces { namespaces in
      let descriptor = try namespaces[0].run { socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0) }
      defer { close(descriptor) }
      var place = sockaddr_in()
      place.sin_family = sa_family_t(AF_INET)
      place.sin_port = UInt16(5005).bigEndian
      place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let isConnected = withUnsafePointer(to: &place) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
      try #require(isConnected)
      let diagnosis = try SocketDiagnosis(in: namespaces[0])
      #expect(try diagnosis.sockets(.udp).map(\.remotePort) == [5005])
      let kill = try diagnosis.kill([.udp]) { _ in true }
      #expect(kill.destroyed == 1 && kill.refused.isEmpty)
      #expect(try diagnosis.sockets(.udp).allSatisfy { !$0.isConversation })
    }
  }

  /// One that has gone between listing and destroying is not counted as destroyed.
  @Test(.enabled(if: isRoot, "namespaces need root")) func whatHasGoneByItselfIsSaid() throws {
    try withNamespaces { namespaces in
      let connection = try Connection(in: namespaces[0], .v4(0x7F00_0001), port: 5001)
      let diagnosis = try SocketDiagnosis(in: namespaces[0])
      let first = try diagnosis.kill { socket in
        // While it is being asked about, somebody else destroys it.
        _ = try? SocketDiagnosis(in: namespaces[0]).kill { $0.cookie == socket.cookie }
        return true
      }
      #expect(first.found == 2 && first.vanished == 2 && first.destroyed == 0)
      withExtendedLifetime(connection) {}
    }
  }
}

/// An answer about one established connection, IPv4 in an IPv6 socket: `struct inet_diag_msg` and a control group.
let describedSocket = Message(
  type: 20, flags: 2, sequence: 1, port: 2,
  payload: [
    10, 1, 0, 0,  // AF_INET6, established, timer, retransmits
    0x15, 0x38, 0x9C, 0x40,  // ports
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1,  // local
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 2,  // remote
    3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0,  // interface, cookie
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // expires, queues
    0xE8, 3, 0, 0, 0x67, 0x12, 0, 0,  // user, inode
    12, 0, 21, 0, 99, 0, 0, 0, 0, 0, 0, 0,  // INET_DIAG_CGROUP_ID
  ])
