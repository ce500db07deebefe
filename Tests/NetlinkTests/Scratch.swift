import Glibc
import Netlink
import Testing

/// Namespaces of one test: made with names of their own, and removed whatever happens.
func withNamespaces<R>(_ count: Int = 1, _ body: ([NetworkNamespace]) throws -> R) throws -> R {
  var made: [NetworkNamespace] = []
  defer { for namespace in made { if let name = namespace.name { try? NetworkNamespace.delete(named: name) } } }
  for _ in 0..<count { made.append(try NetworkNamespace.create(named: uniqueName())) }
  return try body(made)
}

func uniqueName() -> String {
  "bst-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
}

/// Whether this process may do what these tests do.
let isRoot = geteuid() == 0

/// What a shell command prints on its standard output. In a namespace's `run` it runs inside of that.
func output(of command: String) throws -> String {
  guard let pipe = popen(command, "r") else { throw CommandFailure(command: command, status: -1) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = fread(&buffer, 1, buffer.count, pipe)
    guard count > 0 else { break }
    bytes += buffer[..<count]
  }
  let status = pclose(pipe)
  guard status == 0 else { throw CommandFailure(command: command, status: status) }
  return String(decoding: bytes, as: UTF8.self)
}

struct CommandFailure: Error {
  var command: String
  var status: Int32
}

/// Whether a program is there.
func canRun(_ program: String) -> Bool {
  ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].contains { access("\($0)/\(program)", X_OK) == 0 }
}

/// Takes all capabilities from the calling thread alone, for good: only for a thread that ends soon.
func dropCapabilities() -> Bool {
  var header: [UInt32] = [0x2008_0522, 0]  // _LINUX_CAPABILITY_VERSION_3, this thread
  let none = [UInt32](repeating: 0, count: 6)
  return capset(&header, none) == 0
}

/// capset(2), for which the C library has a function but no header.
@_silgen_name("capset") private func capset(_ header: UnsafeMutablePointer<UInt32>, _ data: UnsafePointer<UInt32>)
  -> Int32
