/// A part of all packets, in steps of about 2⁻³², as the kernel counts probabilities.
public struct Portion: Sendable, Hashable, Codable, CustomStringConvertible {
  /// 0 is none, `UInt32.max` is all.
  public var rawValue: UInt32

  /// A portion from the kernel's number.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The nearest step to a fraction of 0…1; `nil` for anything else.
  public init?(_ fraction: Double) {
    guard (0...1).contains(fraction) else { return nil }
    rawValue = UInt32((fraction * Double(UInt32.max)).rounded(.toNearestOrEven))
  }

  /// No packet.
  public static let none = Portion(rawValue: 0)
  /// Every packet.
  public static let all = Portion(rawValue: .max)

  /// The other packets.
  public var complement: Portion { Portion(rawValue: .max - rawValue) }

  /// 0…1
  public var fraction: Double { Double(rawValue) / Double(UInt32.max) }

  /// `1.5 %`, to a millionth of a per cent.
  public var description: String {
    let millionths = (fraction * 1e8).rounded() / 1e6
    return millionths == millionths.rounded() ? "\(Int(millionths)) %" : "\(millionths) %"
  }
}
