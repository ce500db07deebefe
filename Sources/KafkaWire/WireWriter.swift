/// Writes Kafka's primitive types, as ``WireReader`` reads them.
public struct WireWriter: Sendable {
  /// What has been written.
  public private(set) var bytes: [UInt8] = []

  /// Starts with nothing written.
  public init() {}

  /// A number of the width of `Value`, big-endian.
  public mutating func integer(_ value: some FixedWidthInteger) {
    for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// UNSIGNED_VARINT.
  public mutating func unsignedVarint(_ value: UInt32) { variable(UInt64(value)) }

  /// VARINT: zigzag.
  public mutating func varint(_ value: Int32) { variable(UInt64(UInt32(bitPattern: value << 1 ^ value >> 31))) }

  /// VARLONG: zigzag.
  public mutating func varlong(_ value: Int64) { variable(UInt64(bitPattern: value << 1 ^ value >> 63)) }

  /// STRING and NULLABLE_STRING; what is longer than an INT16 can say is cut there, between characters.
  public mutating func string(_ value: String?) {
    guard let value else { return integer(Int16(-1)) }
    var text = value
    while text.utf8.count > Int(Int16.max) { text.removeLast() }
    integer(Int16(text.utf8.count))
    bytes += text.utf8
  }

  /// Bytes after a VARINT of length; `nil` is -1.
  public mutating func varintBytes(_ value: (some Collection<UInt8>)?) {
    guard let value else { return varint(-1) }
    varint(Int32(clamping: value.count))
    bytes += value
  }

  /// Bytes as they are.
  public mutating func raw(_ value: some Collection<UInt8>) { bytes += value }

  private mutating func variable(_ value: UInt64) {
    var left = value
    while left >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
      left >>= 7
    }
    bytes.append(UInt8(left))
  }
}
