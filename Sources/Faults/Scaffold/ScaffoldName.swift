public import Netlink
internal import Support

/// How the devices of a fault are called, and known again.
public struct ScaffoldName: Sendable, Hashable, Codable {
  /// `bs` and 12 hexadecimal digits of a hash: an interface's name has room for 15 bytes.
  public let interface: String
  /// `blackstart/RUN/FAULT/NODE/ROLE`, which the device carries.
  public let alias: String

  /// The name of one of a fault's devices.
  ///
  /// - Parameter role: which of them; letters and digits.
  public init(_ fault: Fault, role: String) {
    alias = "\(Self.prefix(ofRun: fault.run))\(fault.id)/\(fault.node)/\(role)"
    interface = "bs\(sha256(Array(alias.utf8)).prefix(12))"
  }

  /// What the aliases of all devices of a run begin with. No name in it has a slash.
  static func prefix(ofRun run: String) -> String { "\(prefix)\(run)/" }
  /// What the aliases of all devices of this tool begin with.
  static let prefix = "blackstart/"
}

/// A device of this tool's that was found in a namespace, whoever made it.
public struct Stray: Sendable {
  /// Where it is.
  public let namespace: NetworkNamespace
  /// What it is.
  public let link: Link

  /// All devices of this tool that this machine has, in all namespaces that have a name or a process.
  ///
  /// - Parameter run: only those of this run; `nil` for all.
  public static func all(ofRun run: String? = nil) throws -> [Stray] {
    let prefix = run.map(ScaffoldName.prefix(ofRun:)) ?? ScaffoldName.prefix
    var seen: Set<NetworkNamespace.Identity> = []
    var found: [Stray] = []
    for namespace in try reachableNamespaces() where seen.insert(namespace.identity).inserted {
      let links = try LinkController(in: namespace)
      defer { links.close() }
      found += try links.links().filter { $0.alias?.hasPrefix(prefix) == true }.map {
        Stray(namespace: namespace, link: $0)
      }
    }
    return found
  }

  /// Removes it.
  ///
  /// - Returns: what was removed, in words.
  func remove() throws(NetlinkError) -> String {
    let links = try LinkController(in: namespace)
    defer { links.close() }
    let result = try UndoAction.removeInterface(
      link.name, kind: link.kind ?? "", alias: link.alias ?? "", links)
    let what = "\(link.kind ?? "device") \(link.name) (\(link.alias ?? "no alias"))"
    return result == .removed ? "removed \(what)" : "nothing to remove: \(what) is gone"
  }

  private static func reachableNamespaces() throws -> [NetworkNamespace] {
    // What ends, or is half made, while it is looked at has nothing in it.
    let named = try NetworkNamespace.names().compactMap { try? NetworkNamespace.open(named: $0) }
    let others = try listDirectory("/proc").compactMap { Int32($0) }.compactMap { try? NetworkNamespace.open(pid: $0) }
    return named + others
  }
}
