public import Netlink

/// The state of a node's network as text, for comparison of the moments before and after a fault.
///
/// Left out is what the kernel does by itself a second or two after a link comes up: link-local IPv6 addresses, and its
/// own routes to link-local and multicast destinations.
public struct NodeSnapshot: Sendable, Hashable, Codable {
  /// The packet filter, tables of other owners included; see ``Netlink/NFTables/Ruleset/canonicalLines``.
  public var rules: [String]
  /// Interfaces with kind, state, bridge and queueing discipline.
  public var links: [String]
  /// Addresses by interface.
  public var addresses: [String]
  /// Routes of all tables.
  public var routes: [String]
  /// Queueing disciplines of all interfaces with their parameters.
  public var queues: [String]

  /// Reads a namespace.
  public init(of namespace: NetworkNamespace) throws(NetlinkError) {
    let connection = try NFTables.Connection(in: namespace)
    defer { connection.close() }
    let links = try LinkController(in: namespace)
    defer { links.close() }
    let traffic = try TrafficController(in: namespace)
    defer { traffic.close() }
    try self.init(rules: try connection.ruleset(), links, traffic)
  }

  init(
    rules ruleset: NFTables.Ruleset, _ controller: LinkController, _ traffic: TrafficController
  ) throws(NetlinkError) {
    let found = try controller.links()
    let names = Dictionary(found.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
    func name(_ index: Int32?) -> String { index.map { names[$0] ?? "#\($0)" } ?? "-" }
    rules = ruleset.canonicalLines
    links = found.map { link in
      "link \(link.name) kind \(link.kind ?? "-") \(link.isUp ? "up" : "down") master \(name(link.master)) "
        + "mtu \(link.mtuBytes) qdisc \(link.queueingDiscipline ?? "-")"
    }.sorted()
    addresses = try controller.addresses().filter { !Self.isLinkLocal($0.prefix.address) }.map {
      "address \($0.prefix) link \(name($0.link))"
    }.sorted()
    routes = try controller.routes().filter { $0.maker != 2 || !Self.isLinkLocal($0.destination.address) }.map {
      route in
      "route \(route.destination) via \(route.gateway?.description ?? "-") link \(name(route.link)) "
        + "table \(route.table) type \(route.type) maker \(route.maker) metric \(route.metric)"
    }.sorted()
    queues = try traffic.disciplines().map { "queue of \(name($0.link)) \($0.canonicalLine)" }.sorted()
  }

  /// `fe80::/10` or `ff00::/8`.
  private static func isLinkLocal(_ address: IPAddress) -> Bool {
    guard case .v6(let high, _) = address else { return false }
    return high >> 54 == 0x3FA || high >> 56 == 0xFF
  }

  /// The lines that name a table or a device of one of these faults.
  public func objects(of faults: [Fault]) -> [String] {
    let names = Set(faults.flatMap(\.objectNames))
    return [rules, links, addresses, routes, queues].joined().filter { line in
      line.split(separator: " ").contains { names.contains(String($0)) }
    }
  }

  /// What differs: `- line` for what was there before and is not now, `+ line` for what is new. Empty if nothing differs.
  ///
  /// - Parameter faults: faults that may be held at one of the two moments; their tables and devices are left out.
  public func difference(from before: NodeSnapshot, ignoringObjectsOf faults: [Fault] = []) -> [String] {
    let pairs = [
      (before.rules, rules), (before.links, links), (before.addresses, addresses), (before.routes, routes),
      (before.queues, queues),
    ]
    let ignored = Set(faults.flatMap(\.objectNames))
    func rest(_ lines: [String]) -> [String] {
      if ignored.isEmpty { return lines }
      return lines.filter { line in !line.split(separator: " ").contains { ignored.contains(String($0)) } }
    }
    return pairs.flatMap { old, new in
      rest(new).difference(from: rest(old)).map { change in
        switch change {
        case .remove(_, let line, _): "- \(line)"
        case .insert(_, let line, _): "+ \(line)"
        }
      }
    }
  }
}

extension Fault {
  /// The name of all of its tables.
  var tableName: String { "\(Self.tablePrefix)\(run)_\(id)" }

  /// The names of all kernel objects that it may have.
  fileprivate var objectNames: [String] {
    [tableName] + ScaffoldRequest.Role.allCases.map { ScaffoldName(self, role: $0.rawValue).interface }
  }
}
