internal import Glibc
internal import Synchronization

/// Ports of 127.0.0.1 for servers of tests that cannot be told to choose one by themselves.
///
/// They lie below the range that the kernel takes ports from by itself (`net.ipv4.ip_local_port_range`), so that no connection of
/// anybody takes one before its server does, and none is given out twice by a process.
private let given = Mutex<Set<UInt16>>([])

/// A TCP port of 127.0.0.1 that nobody listens on, and that no other caller in this process gets.
///
/// - Throws: ``NoFreePort`` when there is none.
public func freePort() throws -> UInt16 {
  for _ in 0..<1_000 {
    let port = UInt16.random(in: 15_000..<32_000)
    guard try canBind(port), given.withLock({ $0.insert(port).inserted }) else { continue }
    return port
  }
  throw NoFreePort()
}

/// A thousand ports were drawn, and all of them were taken.
public struct NoFreePort: Error {}

private func canBind(_ port: UInt16) throws -> Bool {
  let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  guard socket >= 0 else { throw NoFreePort() }
  defer { close(socket) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  address.sin_port = port.bigEndian
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
      bind(socket, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
}
