/// Bytes that are not what Kafka's protocol says they are.
public struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The ways in which bytes can be wrong.
  public enum Kind: Equatable, Sendable {
    /// The bytes end before the value does.
    case truncated(wanted: Int, left: Int)
    /// A length below zero where none may be.
    case negativeLength(Int)
    /// A varint that goes on past its type's width.
    case varintTooLong
    /// Null where the type has none.
    case unexpectedNull
    /// A string that is not UTF-8.
    case notText
    /// A version of a format that is not known here.
    case unknownVersion(Int)
    /// A value that the format does not allow; the text says which.
    case invalid(String)
    /// A message set of Kafka before 0.11, which has another format altogether.
    case legacyMessageSet(magic: Int8)
    /// Records that are compressed in a way that the reader was given nothing for.
    case unsupportedCompression(Compression)
    /// Bytes that are not those that were written.
    case wrongChecksum(stored: UInt32, computed: UInt32)
  }

  /// What is wrong.
  public let kind: Kind
  /// Bytes from the beginning of what was read.
  public let offset: Int

  /// Something wrong at byte `offset`.
  public init(_ kind: Kind, at offset: Int) {
    self.kind = kind
    self.offset = offset
  }

  /// What is wrong, and where.
  public var description: String {
    let what =
      switch kind {
      case .truncated(let wanted, let left): "\(wanted) bytes wanted, \(left) left"
      case .negativeLength(let length): "a length of \(length)"
      case .varintTooLong: "a varint longer than its type"
      case .unexpectedNull: "null where a value must stand"
      case .notText: "a string that is not UTF-8"
      case .unknownVersion(let version): "version \(version), which is not known"
      case .invalid(let text): text
      case .legacyMessageSet(let magic):
        "a message set of magic \(magic), as Kafka wrote before 0.11; only record batches of magic 2 are read"
      case .unsupportedCompression(let kind):
        "records compressed with \(kind.name), which is not read here; read the topic through a consumer instead"
      case .wrongChecksum(let stored, let computed):
        "a checksum of \(String(stored, radix: 16)), but the bytes have \(String(computed, radix: 16)): they were damaged"
      }
    return "byte \(offset): \(what)"
  }
}
