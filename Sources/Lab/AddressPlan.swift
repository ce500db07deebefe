public import Netlink

/// Where everything of a lab is on its wide-area network; follows from the place of a region alone.
///
/// Region number r has 10.91.r.1/16 and fd00:91::r:1/64 on its `eth0`, one broadcast domain for all, so that no route
/// stands between a region and its peers and the bridge is the only thing they share.
public enum AddressPlan {
  /// Every region's one network device.
  public static let device = "eth0"
  /// The IPv4 network of the lab.
  public static let network4 = "10.91.0.0/16"
  /// The IPv6 network of the lab.
  public static let network6 = "fd00:91::/64"

  /// The IPv4 address of region `number` (from 1), with its prefix length.
  public static func prefix4(_ number: Int) -> IPPrefix {
    prefix(.v4(10 << 24 | 91 << 16 | UInt32(number) << 8 | 1), 16)
  }

  /// The IPv6 address of region `number`; the number reads the same in both families, so 10 is written `:10:`.
  public static func prefix6(_ number: Int) -> IPPrefix {
    guard let group = UInt64("\(number)", radix: 16) else { preconditionFailure("region number \(number)") }
    return prefix(.v6(0xfd00_0091 << 32, group << 16 | 1), 64)
  }

  private static func prefix(_ address: IPAddress, _ length: Int) -> IPPrefix {
    guard let prefix = IPPrefix(address, length: length) else { preconditionFailure("/\(length) of \(address)") }
    return prefix
  }
}
