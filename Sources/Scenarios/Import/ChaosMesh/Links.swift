internal import Support

/// Which way packets go, seen from the objects that are selected.
enum ChaosDirection: String, CaseIterable {
  case to, from, both
}

/// Between which regions something happens to packets, and in which direction of each pair.
struct ChaosLink: Hashable {
  var region: String
  var peers: PeerSelection
  var direction: FaultSpecification.Direction
  var scope: TrafficScope
}

extension ChaosLink {
  /// The links between the selected regions and all others.
  static func toAllOthers(
    from place: ImportMap.Place, _ direction: ChaosDirection, scope: TrafficScope, among regions: [String]
  ) -> [ChaosLink] {
    let others = ImportMap.Place(regions: regions, ports: [])
    guard place.regions.count > 1 else {
      return place.regions.map {
        ChaosLink(region: $0, peers: .all, direction: direction.ours, scope: scope)
      }
    }
    return between(place, others, direction, scope: scope)
  }

  /// The links between two sets of regions, each pair once. Pairs of a region with itself are left out: what happens
  /// inside a region is no link.
  static func between(
    _ place: ImportMap.Place, _ others: ImportMap.Place, _ direction: ChaosDirection, scope: TrafficScope
  ) -> [ChaosLink] {
    var flows: Set<[String]> = []  // from, to
    for source in place.regions {
      for target in others.regions where target != source {
        if direction != .from { flows.insert([source, target]) }
        if direction != .to { flows.insert([target, source]) }
      }
    }
    var links: [ChaosLink] = []
    var done: Set<RegionPair> = []
    for region in place.regions {
      var peers: [FaultSpecification.Direction: [String]] = [:]
      for other in others.regions where other != region && done.insert(RegionPair(region, other)).inserted {
        let leaves = flows.contains([region, other])
        let comes = flows.contains([other, region])
        peers[leaves && comes ? .both : leaves ? .out : .in, default: []].append(other)
      }
      for direction in FaultSpecification.Direction.allCases {
        guard let names = peers[direction] else { continue }
        links.append(ChaosLink(region: region, peers: .regions(names), direction: direction, scope: scope))
      }
    }
    return links
  }
}

extension ChaosDirection {
  /// The same in our words, seen from the selected region.
  var ours: FaultSpecification.Direction {
    switch self {
    case .to: .out
    case .from: .in
    case .both: .both
    }
  }
}

extension TrafficScope {
  /// The packets between places that serve these ports.
  init(between place: ImportMap.Place, and other: ImportMap.Place?) {
    let peerPorts = other?.ports ?? []
    self.init(
      transport: place.ports.isEmpty && peerPorts.isEmpty ? nil : .tcp, ports: place.ports, peerPorts: peerPorts)
  }
}
