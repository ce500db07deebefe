public import Netlink

/// What a node's kernel can do and which devices it has: all that compiling a fault needs to know of a node.
public struct NodeProfile: Sendable, Hashable, Codable {
  /// What its kernel can do.
  public var features: KernelFeatures
  /// Its devices, without its loopback and without those of this tool.
  public var devices: [String]

  /// A node with these features and devices.
  public init(_ features: KernelFeatures, devices: [String]) {
    self.features = features
    self.devices = devices
  }

  /// A node of which nothing was asked: its kernel is taken for one that has nf_tables with the usual parts. That is enough
  /// for cutting, refusing and losing what arrives.
  public static let unknown = NodeProfile(
    KernelFeatures(answers: [
      .ownerTables: .available, .elementTimeout: .available, .intervalSets: .available, .numberGenerator: .available,
      .reject: .available,
    ]), devices: [])

  /// Asks a node's kernel. Blocks for some 50 ms.
  ///
  /// - Throws: ``NetlinkError`` if the kernel does not answer.
  public init(reading namespace: NetworkNamespace) throws(NetlinkError) {
    let links = try LinkController(in: namespace)
    defer { links.close() }
    self.init(try KernelFeatures.probe(), devices: try Self.devices(links))
  }

  /// The devices that a fault can be made on.
  static func devices(_ links: LinkController) throws(NetlinkError) -> [String] {
    try links.links().filter { !$0.isLoopback && !ScaffoldName.isOfThisTool($0) }.map(\.name).sorted()
  }

  func has(_ features: [KernelFeatures.Feature]) -> Bool { features.allSatisfy(self.features.has) }
}

extension Link {
  /// IFF_LOOPBACK
  fileprivate var isLoopback: Bool { flags & 8 != 0 }
}

extension ScaffoldName {
  /// Whether a device is one of this tool's, whichever process made it.
  static func isOfThisTool(_ link: Link) -> Bool { link.alias?.hasPrefix(prefix) == true }
}
