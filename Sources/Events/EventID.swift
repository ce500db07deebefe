/// The identity of one event: who produced it, and its number in that producer's own sequence.
///
/// Both parts are dense, so that a check can keep a bit an event instead of a hash-table entry. The identity travels with
/// the event into every log and projection; it is never a position.
public struct EventID: Sendable, Hashable, Comparable {
  /// The producer's number, given out once a run, from 0.
  public var producer: UInt32
  /// The place in the producer's sequence, from 0 without holes.
  public var sequence: UInt64

  /// The event number `sequence` of `producer`.
  @inlinable public init(producer: UInt32, sequence: UInt64) {
    self.producer = producer
    self.sequence = sequence
  }

  /// The identity of no event: the largest of both numbers, which no producer reaches.
  public static let none = EventID(producer: .max, sequence: .max)

  /// Reads the text form `p3-142`; `nil` for anything else, also for signs, spaces and leading zeros.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.first == UInt8(ascii: "p") else { return nil }
    let parts = text.dropFirst().split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let producer = UInt32(parts[0]), let sequence = UInt64(parts[1]) else { return nil }
    self.init(producer: producer, sequence: sequence)
    // One event has one text: `p03-1` and `p+3-1` are not other spellings of `p3-1`.
    guard description == text else { return nil }
  }

  /// By producer, then by sequence.
  public static func < (left: EventID, right: EventID) -> Bool {
    (left.producer, left.sequence) < (right.producer, right.sequence)
  }
}

extension EventID: CustomStringConvertible {
  /// The text form, `p3-142`.
  public var description: String { "p\(producer)-\(sequence)" }
}

extension EventID: Codable {
  /// Decodes the text form.
  ///
  /// - Throws: `DecodingError.dataCorrupted` when the text is no event id.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = EventID(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is no event id; one reads like p3-142")
    }
    self = id
  }

  /// Encodes the text form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
