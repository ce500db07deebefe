internal import Glibc

/// Whether `text` is an IPv4 or IPv6 address.
func isAddress(_ text: String) -> Bool { NetworkAddress(text) != nil }

/// An address of either family, as far as a scenario needs to know it: to compare it with others.
struct NetworkAddress: Hashable {
  /// 4 or 16, in network order.
  let bytes: [UInt8]

  init?(_ text: String) {
    // inet_pton takes what stands before a zero byte.
    guard !text.utf8.contains(0) else { return nil }
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = withUnsafeBytes(of: &four) { Array($0) }
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      bytes = withUnsafeBytes(of: &six) { Array($0) }
    } else {
      return nil
    }
  }

  fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

  var isIPv4: Bool { bytes.count == 4 }

  /// `::ffff:0:0/96`: IPv4 addresses in IPv6 clothes, which no packet carries.
  var isIPv4Mapped: Bool { bytes.count == 16 && bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] }

  /// `0.0.0.0` or `::`, which no packet comes from.
  var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

  /// The address without what lies behind `length` bits.
  func prefix(_ length: Int) -> NetworkAddress {
    NetworkAddress(
      bytes: bytes.enumerated().map { index, byte in
        byte & ~(UInt8.max >> UInt8(min(8, max(0, length - 8 * index))))
      })
  }
}

extension NetworkAddress: CustomStringConvertible {
  /// The usual text (RFC 5952).
  var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    var bytes = bytes
    // Cannot fail: the family is known and there is room.
    inet_ntop(isIPv4 ? AF_INET : AF_INET6, &bytes, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

/// A network of either family: `10.0.0.0/8`.
struct NetworkRange: Hashable {
  let address: NetworkAddress
  let length: Int

  /// `nil` for what is no address, a slash and a length. Bits behind the length may be set.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = NetworkAddress(String(parts[0])), let length = Int(parts[1]),
      "\(length)" == parts[1], (0...address.bytes.count * 8).contains(length)
    else { return nil }
    self.address = address
    self.length = length
  }

  /// The network without bits behind its length.
  var network: String { "\(address.prefix(length))/\(length)" }

  /// Whether no bit behind the length is set.
  var isNetwork: Bool { address.prefix(length) == address }

  func contains(_ other: NetworkAddress) -> Bool {
    other.isIPv4 == address.isIPv4 && other.prefix(length) == address.prefix(length)
  }
}
