/// The other side of a link.
public enum PeerSelection: Sendable, Hashable, Codable {
  /// Every other region.
  case all
  /// These regions.
  case regions([String])
  /// Nodes, addresses, networks and names.
  case selected(PeerSet)

  /// What is named beyond regions; empty for plain regions.
  public var set: PeerSet {
    if case .selected(let set) = self { set } else { PeerSet() }
  }

  /// Reads `"all"`, a list, or a mapping.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let names = try? container.decode([String].self) {
      self = .regions(names)
    } else if let set = try? container.decode(PeerSet.self) {
      self = .selected(set)
    } else if try container.decode(String.self) == "all" {
      self = .all
    } else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected \"all\", a list of regions, or a set"))
    }
  }

  /// Writes `"all"`, a list, or a mapping.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .all: try container.encode("all")
    case .regions(let names): try container.encode(names)
    case .selected(let set): try container.encode(set)
    }
  }
}
