internal import Netlink
internal import Support

/// Makes the network of a lab: a namespace a region, and one more with the bridge that is the wide-area network.
struct LabNetwork: Sendable {
  let specification: LabSpecification
  let paths: LabPaths
  let journal: UndoJournal

  /// Names that must be free, for what has them is not ours.
  ///
  /// - Throws: ``Problem`` (usage) naming one that is taken; nothing was made.
  func checkNamesAreFree() throws {
    let names = specification.regions.map { paths.namespace($0.name) } + [paths.namespace("wan")]
    for name in names where try NetworkNamespace.exists(named: name) {
      throw Problem(
        .usage, at: "/run/netns/\(name)",
        "the namespace exists, and no lab here says it is its own; it was not touched",
        fix: "use another lab id, or remove it: ip netns del \(name)")
    }
  }

  /// Makes namespaces, bridge and links; addresses of both families can be bound when it returns.
  func make() async throws -> [String: NetworkNamespace] {
    let wan = try await makeNamespace("wan")
    try await onOwnThread("lab-bridge") {
      let links = try LinkController(in: wan)
      defer { links.close() }
      try links.createBridge(Self.bridge)
      try links.setUp(Self.bridge)
    }
    return try await withThrowingTaskGroup(of: (String, NetworkNamespace).self) { group in
      for (index, region) in specification.regions.enumerated() {
        group.addTask(name: "network of \(region.name)") {
          let namespace = try await makeNamespace(region.name)
          try await onOwnThread("lab-link") { try connect(region.name, number: index + 1, namespace, wan) }
          return (region.name, namespace)
        }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
  }

  private static let bridge = "br0"

  private func makeNamespace(_ region: String) async throws -> NetworkNamespace {
    let name = paths.namespace(region)
    try await journal.write(.namespace(name))
    return try await onOwnThread("lab-netns") { try NetworkNamespace.create(named: name) }
  }

  /// One cable: `eth0` in the region, an interface with the region's name in the wide-area network.
  private func connect(_ region: String, number: Int, _ namespace: NetworkNamespace, _ wan: NetworkNamespace) throws {
    let outside = try LinkController(in: wan)
    defer { outside.close() }
    try outside.createVeth(region, peer: AddressPlan.device, in: namespace)
    try outside.setMaster(of: region, to: Self.bridge)
    try outside.setUp(region)
    let inside = try LinkController(in: namespace)
    defer { inside.close() }
    try inside.addAddress(AddressPlan.prefix4(number), to: AddressPlan.device)
    try inside.addAddress(AddressPlan.prefix6(number), to: AddressPlan.device)
    try inside.setUp(AddressPlan.device)
  }
}
