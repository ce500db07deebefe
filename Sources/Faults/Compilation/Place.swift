internal import Netlink

/// Where a rule stands: it decides how the parts of a packet are found there.
struct Place: Hashable {
  enum Layer: Hashable {
    /// Chains of the inet family: after routing knows the packet.
    case ip
    /// Chains of the netdev family: at a device, below the protocols.
    case device
  }

  var layer: Layer
  var direction: Fault.Direction

  /// Lets only packets of `family` go on.
  func isFamily(_ family: IPAddress.Family) -> [NFTables.Expression] {
    let number = NFTables.ProtocolFamily(family)
    return switch layer {
    case .ip: [.loadProtocolFamily, .compare(.equal, [number.rawValue])]
    case .device: [.load(.etherType), .compare(.equal, number.etherType)]
    }
  }

  /// Loads the address of the other end.
  func remoteAddress(_ family: IPAddress.Family) -> NFTables.Expression {
    let length = UInt32(family.bits / 8)
    let source: UInt32 = family == .v4 ? 12 : 8
    return .loadNetworkHeader(offset: direction == .inbound ? source : source + length, length: length)
  }

  /// Loads the port of the other end. All protocols with ports begin with source and destination.
  var remotePort: NFTables.Expression { .loadTransportHeader(offset: direction == .inbound ? 0 : 2, length: 2) }

  /// Loads the port of this end.
  var localPort: NFTables.Expression { .loadTransportHeader(offset: direction == .inbound ? 2 : 0, length: 2) }

  /// Loads what the set `alive` is keyed by.
  var aliveKey: NFTables.Expression { .load(layer == .ip ? .protocolFamily : .etherType) }
}

/// In which order parts of effects meet a packet, whichever fault they belong to: what stops packets comes before what
/// holds them back, and the strictest first. So overlapping faults compose in one way, in whatever order they were armed.
enum Stage: Int32 {
  case silence, refusal, loss, shaping

  /// The stage of a cut.
  init(_ refusal: Fault.Refusal) { self = refusal == .silence ? .silence : .refusal }

  /// Its place where packets arrive from the network or from a program: at NF_IP_PRI_RAW, before connection tracking
  /// (−200), so that a packet that is stopped leaves no trace in it and moves none of its timers.
  var atArrival: Int32 { rawValue - 300 }

  /// Its place at a device: before what others usually do there (0).
  var atDevice: Int32 { rawValue - 300 }
}
