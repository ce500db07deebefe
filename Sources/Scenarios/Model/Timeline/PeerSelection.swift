/// The other side of a link.
public enum PeerSelection: Sendable, Hashable, Codable {
  /// Every other region.
  case all
  /// These regions.
  case regions([String])

  /// The regions meant, for a fault of `region` in `topology`; in the order of the topology.
  public func resolve(against region: String, in topology: Topology) -> [String] {
    topology.regions.map(\.name).filter { name in
      guard name != region else { return false }
      switch self {
      case .all: return true
      case .regions(let names): return names.contains(name)
      }
    }
  }

  /// Reads `"all"` or a list.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let names = try? container.decode([String].self) {
      self = .regions(names)
    } else if try container.decode(String.self) == "all" {
      self = .all
    } else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected \"all\" or a list of regions"))
    }
  }

  /// Writes `"all"` or a list.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .all: try container.encode("all")
    case .regions(let names): try container.encode(names)
    }
  }
}
