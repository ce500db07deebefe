public import Netlink
internal import Support

/// Which network namespace something was made in, so that another process, or a later one, finds it again.
public struct NodePlace: Sendable, Hashable, Codable {
  /// Its name under `/run/netns`; `nil` if it has none.
  public var name: String?
  /// Device of the namespace's file.
  public var device: UInt64
  /// Its number there. The kernel gives numbers away again, so what is done to a namespace found by it must also check
  /// what it finds inside.
  public var inode: UInt64

  /// The place of an open namespace.
  public init(_ namespace: NetworkNamespace) {
    name = namespace.name
    device = namespace.identity.device
    inode = namespace.identity.inode
  }

  /// Whether `namespace` is this place.
  func isSame(as namespace: NetworkNamespace) -> Bool {
    namespace.identity.device == device && namespace.identity.inode == inode
  }

  /// Finds the namespace on this boot: by its name, else as that of some process.
  ///
  /// - Returns: `nil` when it is gone, and with it everything that was in it.
  /// - Throws: ``NetlinkError`` or `SystemError` when it cannot be known.
  func find() throws -> NetworkNamespace? {
    if let name, try NetworkNamespace.exists(named: name) {
      // A half-made namespace of that name is another one: this one was whole when it was written down.
      if let found = try? NetworkNamespace.open(named: name), isSame(as: found) { return found }
    }
    for entry in try listDirectory("/proc") {
      // A process that ends while it is looked at, or is a kernel thread, has none to show.
      guard let pid = Int32(entry), let found = try? NetworkNamespace.open(pid: pid) else { continue }
      if isSame(as: found) { return found }
    }
    return nil
  }
}

extension NodePlace: CustomStringConvertible {
  /// `namespace "bs-lab-eu"`, `namespace 4026532567`.
  public var description: String { name.map { "namespace \"\($0)\"" } ?? "namespace \(inode)" }
}
