/// Two regions, in either order.
struct RegionPair: Hashable {
  let first: String
  let second: String

  init(_ one: String, _ other: String) {
    (first, second) = one < other ? (one, other) : (other, one)
  }
}

extension FaultSpecification {
  /// The pairs of regions of which one at least cannot reach the other while the fault is in force. A cut of some ports
  /// only, or one that comes and goes, leaves the pair connected.
  func cutPairs(in topology: Topology) -> [RegionPair] {
    guard case .partition(let link, _, _) = self, link.scope == .all, link.flapping == nil else { return [] }
    return link.ends(in: topology).wholeRegions.map { RegionPair(link.region, $0) }
  }

  /// The regions that lose something.
  var disturbed: [String] { [link?.region, insideRegion].compactMap { $0 } }
}
