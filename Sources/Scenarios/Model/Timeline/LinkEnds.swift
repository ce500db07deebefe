/// The nodes at the two ends of a link, as far as they can be known without asking anybody: what a name stands for cannot.
public struct LinkEnds: Sendable, Hashable {
  /// The nodes at the region's end, in the order of the topology.
  public let group: [String]
  /// The nodes at the other end that are named, by themselves, by their region or by their role; in the same order.
  public let peers: [String]
  /// The nodes at the other end of which at least one address is meant, in the same order: ``peers``, and whatever addresses
  /// and networks cover.
  public let touched: [String]
  /// The regions at the other end of which at least one node is touched, in the order of the topology.
  public let regions: [String]
  /// Of these regions, those of which every address of every node is meant, for all nodes of the link's own region.
  let wholeRegions: [String]
}

extension FaultSpecification.Link {
  /// The nodes at its two ends.
  public func ends(in topology: Topology) -> LinkEnds {
    let own = topology.nodes(of: region)
    let group = nodes.map { names in own.filter(names.contains) } ?? own
    let set = peers.set
    var named: [String] = []
    for other in topology.regions {
      let isMeant =
        switch peers {
        case .all: other.name != region
        case .regions(let names): names.contains(other.name) && other.name != region
        case .selected:
          switch set.regions {
          case .all: other.name != region
          case .named(let names): names.contains(other.name) && other.name != region
          case nil: !set.roles.isEmpty && other.name != region
          }
        }
      for node in topology.nodes(of: other.name) {
        let plays = set.roles.isEmpty || !Set(topology.roles(of: node)).isDisjoint(with: set.roles)
        if (isMeant && plays) || (set.nodes.contains(node) && !group.contains(node)) { named.append(node) }
      }
    }
    let cover = Cover(set, nodesWholly: named, of: topology)
    let all = topology.regions.flatMap { topology.nodes(of: $0.name) }
    // What passes inside the region is not meant, unless a node of it is named as the other side.
    let touched = all.filter { node in
      named.contains(node) || (!own.contains(node) && cover.touches(node))
    }
    let regions = topology.regions.map(\.name).filter { name in
      name != region && topology.nodes(of: name).contains(where: touched.contains)
    }
    let whole = group == own ? regions.filter { topology.nodes(of: $0).allSatisfy(cover.holds) } : []
    return LinkEnds(group: group, peers: named, touched: touched, regions: regions, wholeRegions: whole)
  }
}

extension FaultSpecification.Link {
  /// Whether less than whole regions are meant, or more.
  var isNarrow: Bool {
    if nodes != nil { return true }
    if case .selected = peers { return true }
    return false
  }
}

/// Which addresses of nodes a link's other side covers.
private struct Cover {
  private let named: Set<String>
  private let addresses: Set<NetworkAddress>
  private let networks: [NetworkRange]
  private let topology: Topology

  init(_ set: PeerSet, nodesWholly named: [String], of topology: Topology) {
    self.named = Set(named)
    self.topology = topology
    addresses = Set(set.addresses.compactMap { NetworkAddress($0) })
    networks = set.networks.compactMap { NetworkRange($0) }
  }

  private var isPlain: Bool { addresses.isEmpty && networks.isEmpty }

  private func covered(_ node: String) -> [Bool] {
    topology.addresses(of: node).compactMap { NetworkAddress($0) }.map { address in
      addresses.contains(address) || networks.contains { $0.contains(address) }
    }
  }

  func touches(_ node: String) -> Bool { named.contains(node) || (!isPlain && covered(node).contains(true)) }

  func holds(_ node: String) -> Bool {
    if named.contains(node) { return true }
    if isPlain { return false }
    let covered = covered(node)
    return !covered.isEmpty && covered.allSatisfy { $0 }
  }
}

extension Topology {
  /// The names of a region's nodes: its hosts, or in a lab itself.
  public func nodes(of region: String) -> [String] {
    ground == .lab ? [region] : hosts.filter { $0.region == region }.map(\.name)
  }

  /// The names of all nodes.
  var nodeNames: [String] { ground == .lab ? regions.map(\.name) : hosts.map(\.name) }

  /// What a node plays.
  func roles(of node: String) -> [Role] {
    ground == .lab ? region(node)?.roles ?? [] : hosts.first { $0.name == node }?.roles ?? []
  }

  /// The addresses of a node, as its peers see it.
  public func addresses(of node: String) -> [String] {
    guard ground == .lab else { return hosts.first { $0.name == node }?.addresses ?? [] }
    guard let index = regions.firstIndex(where: { $0.name == node }) else { return [] }
    let planned = PlannedNode(region: regions[index], index: index + 1)
    return [planned.ipv4, planned.ipv6]
  }
}
