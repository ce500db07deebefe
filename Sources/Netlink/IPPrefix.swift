/// An address with the length of its network part, `10.0.0.1/24`. Host bits may be set: an interface has such an address.
public struct IPPrefix: Sendable, Hashable, CustomStringConvertible {
  /// The address as given.
  public let address: IPAddress
  /// Bits of the network part, 0…32 or 0…128.
  public let length: Int

  /// An address and a length; `nil` if the length is too large for the family.
  public init?(_ address: IPAddress, length: Int) {
    guard (0...address.family.bits).contains(length) else { return nil }
    self.address = address
    self.length = length
  }

  /// Parses `10.0.0.0/8`; an address without a slash is a host (`/32`, `/128`). `nil` for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
    switch parts.count {
    case 1: self.init(address, length: address.family.bits)
    case 2:
      guard let length = Int(parts[1]), String(length) == parts[1] else { return nil }
      self.init(address, length: length)
    default: return nil
    }
  }

  /// All of a family: `0.0.0.0/0` or `::/0`.
  public static func everything(_ family: IPAddress.Family) -> IPPrefix {
    IPPrefix(unchecked: family == .v4 ? .v4(0) : .v6(0, 0), length: 0)
  }

  /// One address alone.
  public static func host(_ address: IPAddress) -> IPPrefix {
    IPPrefix(unchecked: address, length: address.family.bits)
  }

  /// True if no bit outside the network part is set.
  public var isNetwork: Bool {
    let bytes = address.bytes
    return bytes.indices.allSatisfy { index in
      let kept = min(8, max(0, length - 8 * index))
      return kept == 8 || bytes[index] << UInt8(kept) == 0
    }
  }

  /// True if `other` lies in the network.
  public func contains(_ other: IPAddress) -> Bool {
    guard other.family == address.family else { return false }
    return zip(address.bytes, other.bytes).enumerated().allSatisfy { index, pair in
      let kept = min(8, max(0, length - 8 * index))
      return kept == 0 || (pair.0 ^ pair.1) >> UInt8(8 - kept) == 0
    }
  }

  /// `10.0.0.0/8`.
  public var description: String { "\(address)/\(length)" }

  private init(unchecked address: IPAddress, length: Int) {
    self.address = address
    self.length = length
  }
}

extension IPPrefix: Codable {
  /// Decodes the text form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let prefix = IPPrefix(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is no address or network")
    }
    self = prefix
  }

  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
