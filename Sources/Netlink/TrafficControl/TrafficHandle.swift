/// The number of a queueing discipline or class, `major:minor`; a discipline's minor number is 0.
public struct TrafficHandle: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Both parts, the major number in the upper half.
  public var rawValue: UInt32

  /// A handle from both parts in one number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A discipline, or one of its classes.
  public init(major: UInt16, minor: UInt16 = 0) {
    rawValue = UInt32(major) << 16 | UInt32(minor)
  }

  /// Where a device's own discipline stands (`TC_H_ROOT`).
  public static let root = TrafficHandle(rawValue: 0xFFFF_FFFF)

  /// `1:10`, or `root`.
  public var description: String {
    self == .root ? "root" : "\(String(rawValue >> 16, radix: 16)):\(String(rawValue & 0xFFFF, radix: 16))"
  }
}
