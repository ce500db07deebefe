extension NFTables {
  /// What a set holds.
  public indirect enum KeyType: Sendable, Hashable, Codable {
    /// Addresses of one family.
    case address(IPAddress.Family)
    /// The layer-3 protocol as ``MetaKey/protocolFamily`` gives it, one byte: 2 for IPv4, 10 for IPv6.
    case protocolFamily
    /// The layer-3 protocol as ``MetaKey/etherType`` gives it, two bytes.
    case etherType
    /// The layer-4 protocol, one byte.
    case transportProtocol
    /// A port, two bytes in network order.
    case port
    /// A mark, or any other 32-bit number in the host's byte order, such as the index of a number generator.
    case mark
    /// A user's number, in the host's byte order.
    case user
    /// The number of an interface, in the host's byte order.
    case interfaceIndex
    /// The name of an interface, 16 bytes filled up with zeros.
    case interfaceName
    /// Several fields one after the other, each padded to four bytes.
    case concatenation([KeyType])

    /// The number by which `nft` knows how to print a key; the kernel ignores it. Six bits a field.
    var number: UInt32 {
      switch self {
      case .address(.v4): 7
      case .address(.v6): 8
      case .protocolFamily: 2
      case .etherType: 10
      case .transportProtocol: 12
      case .port: 13
      case .mark: 19
      case .user: 24
      case .interfaceIndex: 20
      case .interfaceName: 41
      case .concatenation(let fields): fields.reduce(0) { $0 << 6 | $1.number }
      }
    }

    /// Whether it is a number in the host's byte order.
    var isHostOrder: Bool {
      switch self {
      case .mark, .user, .interfaceIndex: true
      default: false
      }
    }

    /// Bytes of a key.
    public var lengthBytes: Int {
      switch self {
      case .address(let family): family.bits / 8
      case .protocolFamily, .transportProtocol: 1
      case .etherType, .port: 2
      case .mark, .user, .interfaceIndex: 4
      case .interfaceName: 16
      case .concatenation(let fields): fields.reduce(0) { $0 + ($1.lengthBytes + 3) / 4 * 4 }
      }
    }
  }

  /// A range of keys, both ends included, as bytes in network order.
  public struct KeyRange: Sendable, Hashable {
    /// The lowest key in it.
    public var first: [UInt8]
    /// The highest key in it.
    public var last: [UInt8]

    /// A range from `first` to `last`, both included and of one length.
    public init(first: [UInt8], last: [UInt8]) {
      self.first = first
      self.last = last
    }
  }

  /// Keys of one set, in the order in which they are written.
  public enum Keys: Sendable, Hashable {
    /// Addresses of the set's family.
    case addresses([IPAddress])
    /// Keys of one type, one behind the other without padding between them.
    case packed(KeyType, [UInt8])
    /// Ranges of an interval set. They must not overlap or touch: see ``KeyRange/merged(_:)``.
    case ranges(KeyType, [KeyRange])
  }
}

extension NFTables.Keys {
  /// Layer-3 protocols by their ``NFTables/ProtocolFamily``.
  public static func protocolFamilies(_ families: [NFTables.ProtocolFamily]) -> Self {
    .packed(.protocolFamily, families.map(\.rawValue))
  }

  /// Layer-3 protocols by their numbers on the wire.
  public static func etherTypes(_ families: [NFTables.ProtocolFamily]) -> Self {
    .packed(.etherType, families.flatMap(\.etherType))
  }

  /// Layer-4 protocols by number.
  public static func transportProtocols(_ numbers: [UInt8]) -> Self { .packed(.transportProtocol, numbers) }

  /// Single ports.
  public static func ports(_ ports: [UInt16]) -> Self {
    .packed(.port, ports.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
  }

  /// Marks, or what a number generator counts.
  public static func marks(_ marks: [UInt32]) -> Self {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * marks.count)
    // As a load into a register leaves it: in the host's order, little-endian (see MessageWriter).
    for mark in marks {
      for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(mark >> UInt32(shift) & 255)) }
    }
    return .packed(.mark, bytes)
  }

  /// Keys of several fields; each row has the bytes of every field, which are padded here.
  public static func concatenations(_ types: [NFTables.KeyType], _ rows: [[[UInt8]]]) -> Self {
    let bytes = rows.flatMap { row in
      row.flatMap { field in field + [UInt8](repeating: 0, count: (4 - field.count % 4) % 4) }
    }
    return .packed(.concatenation(types), bytes)
  }

  /// The addresses of those networks that are of `family`, as ranges that neither overlap nor touch.
  public static func networks(_ networks: [IPPrefix], of family: IPAddress.Family) -> Self {
    .ranges(.address(family), NFTables.KeyRange.merged(networks.filter { $0.address.family == family }.map(\.keyRange)))
  }

  /// Ports by ranges that may overlap.
  public static func portRanges(_ ranges: [ClosedRange<UInt16>]) -> Self {
    func bytes(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 255)] }
    return .ranges(
      .port,
      NFTables.KeyRange.merged(ranges.map { .init(first: bytes($0.lowerBound), last: bytes($0.upperBound)) }))
  }

  /// How many keys, or ranges, there are.
  public var count: Int {
    switch self {
    case .addresses(let addresses): addresses.count
    case .packed(let type, let bytes): bytes.count / max(type.lengthBytes, 1)
    case .ranges(_, let ranges): ranges.count
    }
  }

  /// Those at `places`.
  subscript(places: Range<Int>) -> Self {
    switch self {
    case .addresses(let addresses): .addresses(Array(addresses[places]))
    case .packed(let type, let bytes):
      .packed(type, Array(bytes[(places.lowerBound * type.lengthBytes)..<(places.upperBound * type.lengthBytes)]))
    case .ranges(let type, let ranges): .ranges(type, Array(ranges[places]))
    }
  }
}

extension NFTables.KeyRange {
  /// The same keys as sorted ranges with a gap between any two of them.
  ///
  /// The kernel refuses ranges that overlap, and takes one that begins where another ends for a change of it.
  public static func merged(_ ranges: [NFTables.KeyRange]) -> [NFTables.KeyRange] {
    var merged: [NFTables.KeyRange] = []
    for range in ranges.sorted(by: { $0.first.lexicographicallyPrecedes($1.first) }) {
      if let before = merged.last, before.reaches(range) {
        if before.last.lexicographicallyPrecedes(range.last) { merged[merged.count - 1].last = range.last }
      } else {
        merged.append(range)
      }
    }
    return merged
  }

  /// Whether nothing lies between this range and a later one.
  private func reaches(_ later: NFTables.KeyRange) -> Bool {
    guard let end else { return true }
    return !end.lexicographicallyPrecedes(later.first)
  }

  /// The key behind the last one; `nil` if there is none.
  var end: [UInt8]? {
    var next = last
    for index in next.indices.reversed() {
      next[index] &+= 1
      if next[index] != 0 { return next }
    }
    return nil
  }
}

extension IPPrefix {
  /// All addresses of the network.
  var keyRange: NFTables.KeyRange {
    let bytes = address.bytes
    func fill(_ host: UInt8) -> [UInt8] {
      bytes.indices.map { index in
        let kept = min(8, max(0, length - 8 * index))
        let mask = kept == 0 ? 0 : UInt8.max << UInt8(8 - kept)
        return bytes[index] & mask | host & ~mask
      }
    }
    return NFTables.KeyRange(first: fill(0), last: fill(255))
  }
}

extension NFTables.KeyType: CustomStringConvertible {
  /// `type ipv4_addr . inet_service`.
  public var description: String { "type \(word)" }

  private var word: String {
    switch self {
    case .address(.v4): "ipv4_addr"
    case .address(.v6): "ipv6_addr"
    case .protocolFamily: "nf_proto"
    case .etherType: "ether_type"
    case .transportProtocol: "inet_proto"
    case .port: "inet_service"
    case .mark: "mark"
    case .user: "uid"
    case .interfaceIndex: "iface_index"
    case .interfaceName: "ifname"
    case .concatenation(let fields): fields.map(\.word).joined(separator: " . ")
    }
  }

  /// One key in the words of `nft`.
  func text(_ key: some Collection<UInt8>) -> String {
    func number(_ bytes: some Sequence<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    switch self {
    case .address: return IPAddress(bytes: key)?.description ?? hex(key)
    case .protocolFamily:
      return key.first.flatMap(NFTables.ProtocolFamily.init(rawValue:))?.word ?? hex(key)
    case .transportProtocol, .port: return "\(number(key))"
    case .etherType: return "0x" + hex(key)
    case .mark, .user, .interfaceIndex: return "\(number(key.reversed()))"
    case .interfaceName: return "\"\(String(decoding: key.prefix { $0 != 0 }, as: UTF8.self))\""
    case .concatenation(let fields):
      var rest = key[...]
      return fields.map { field in
        defer { rest = rest.dropFirst((field.lengthBytes + 3) / 4 * 4) }
        return field.text(rest.prefix(field.lengthBytes))
      }.joined(separator: " . ")
    }
  }
}

extension NFTables.Keys: CustomStringConvertible {
  /// The first eight, and how many there are.
  public var description: String {
    let shown = (0..<min(count, 8)).map(text(at:)).joined(separator: ", ")
    return count > 8 ? "\(shown), … \(count) in all" : shown
  }

  private func text(at index: Int) -> String {
    switch self {
    case .addresses(let addresses): addresses[index].description
    case .packed(let type, let bytes): type.text(bytes.dropFirst(index * type.lengthBytes).prefix(type.lengthBytes))
    case .ranges(let type, let ranges): "\(type.text(ranges[index].first))-\(type.text(ranges[index].last))"
    }
  }
}

/// Two digits a byte.
func hex(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
