internal import Support

/// What a fault does to a question and its answer between two regions while it is in force.
public struct PlannedRoundTrip: Sendable, Hashable, Codable {
  /// The one region.
  public var from: String
  /// The other.
  public var to: String
  /// Whether no round trip succeeds at all.
  public var isCut: Bool
  /// How much later the answer comes, at least, by delay alone; queues behind a bandwidth come on top.
  @DurationText public var addedLeast: Duration
  /// How much later it comes at most, where the jitter has a bound; with `normal` and `pareto` this is one jitter.
  @DurationText public var addedMost: Duration
  /// The share of round trips of one packet each way that are lost, in the long run.
  public var lost: Percentage
  /// Which round trips are meant, and when, in words; empty: all, all the time.
  public var only: String
}

extension PlannedRoundTrip: CustomStringConvertible {
  /// `east ↔ eu: +160ms to +200ms, 9.75% lost`.
  public var description: String {
    let what: String
    if isCut {
      what = "none succeeds"
    } else {
      let added = addedLeast == addedMost ? "+\(addedLeast.text)" : "+\(addedLeast.text) to +\(addedMost.text)"
      let parts = [addedMost > .zero ? added : nil, lost.partsPerMillion > 0 ? "\(lost) lost" : nil].compactMap(\.self)
      what = parts.isEmpty ? "as ever" : parts.joined(separator: ", ")
    }
    return "\(from) ↔ \(to): \(what)\(only.isEmpty ? "" : " (\(only))")"
  }
}

extension FaultSpecification {
  /// What the fault does to round trips, for each pair of regions that it lies between.
  func roundTrips(in topology: Topology) -> [PlannedRoundTrip] {
    guard let link else { return [] }
    let peers = link.ends(in: topology).regions
    switch self {
    case .partition:
      // One direction is enough: either the question or the answer does not arrive.
      return peers.map { trip(link, $0, isCut: true) }
    case .network(_, let inbound, let outbound):
      let least = inbound.leastDelay + outbound.leastDelay
      let most = inbound.mostDelay + outbound.mostDelay
      let passes = (1 - inbound.lossShare) * (1 - outbound.lossShare)
      let parts = Int64(((1 - passes) * 1_000_000).rounded())
      return peers.map { peer in
        trip(
          link, peer, least: least, most: most, lost: Percentage(partsPerMillion: min(1_000_000, max(0, parts))))
      }
    case .killConnections, .answers, .process, .clock, .nodeClock, .disk: return []
    }
  }

  private func trip(
    _ link: Link, _ peer: String, isCut: Bool = false, least: Duration = .zero, most: Duration = .zero,
    lost: Percentage = Percentage(partsPerMillion: 0)
  ) -> PlannedRoundTrip {
    let scope = link.scope.wholeTransport.map { "only \($0.rawValue)\(link.scope.saysPorts ? " on its ports" : "")" }
    let owner = link.scope.owner.map { _ in "only what its sockets send and get" }
    let part = link.isNarrow ? "only between what is named" : nil
    let flapping = link.flapping.map { "while on: \($0.on.text) of each \(($0.on + $0.off).text)" }
    return PlannedRoundTrip(
      from: link.region, to: peer, isCut: isCut, addedLeast: least, addedMost: most, lost: lost,
      only: [scope, owner, part, link.scope.except.map { _ in "but for the exceptions" }, flapping].compactMap(\.self)
        .joined(separator: "; "))
  }
}

extension PacketEffect {
  fileprivate var leastDelay: Duration {
    guard let delay else { return .zero }
    // What overtakes is not delayed at all.
    return reorder == nil ? max(.zero, delay - (jitter ?? .zero)) : .zero
  }

  fileprivate var mostDelay: Duration { (delay ?? .zero) + (jitter ?? .zero) }

  /// The share of packets that do not arrive whole, in the long run.
  fileprivate var lossShare: Double { 1 - (1 - (loss?.share ?? 0)) * (1 - (corrupt?.fraction ?? 0)) }
}

extension PacketLoss {
  /// The share that is lost in the long run.
  fileprivate var share: Double {
    switch self {
    case .random(let share, _), .exact(let share): return share.fraction
    case .every(let number): return 1 / Double(number)
    case .bursts(let enter, let leave, let inside, let outside):
      let both = enter.fraction + leave.fraction
      guard both > 0 else { return outside.fraction }
      let within = enter.fraction / both
      return within * inside.fraction + (1 - within) * outside.fraction
    }
  }
}
