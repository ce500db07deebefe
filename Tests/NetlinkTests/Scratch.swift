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
