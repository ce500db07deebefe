/// The beginning of every request (Kafka protocol guide, "Request Header v1"): what it asks for, in which version, and who says
/// to be asking.
///
/// All versions of the header but 0 begin alike, and version 0 belongs to one request between brokers that is gone since
/// Kafka 4.0; so this much can be read without knowing the request.
public struct RequestHeader: Sendable, Hashable {
  /// What is asked for.
  public var apiKey: Int16
  /// In which version of that.
  public var apiVersion: Int16
  /// The number that the response repeats.
  public var correlationID: Int32
  /// What the client calls itself; `nil` for null. Bytes that are not UTF-8 are replaced.
  public var clientID: String?

  /// Bytes before the client id's own.
  public static let fixedBytes = 10
  /// The most bytes that a header without its tagged fields can have.
  public static let mostBytes = fixedBytes + Int(Int16.max)

  /// A header by its fields.
  public init(apiKey: Int16, apiVersion: Int16, correlationID: Int32, clientID: String?) {
    self.apiKey = apiKey
    self.apiVersion = apiVersion
    self.correlationID = correlationID
    self.clientID = clientID
  }

  /// Reads a header; `reader` then stands behind the client id.
  public init(_ reader: inout WireReader) throws(WireError) {
    apiKey = try reader.integer()
    apiVersion = try reader.integer()
    correlationID = try reader.integer()
    let begun = reader.offset
    let count = try reader.integer(Int16.self)
    guard count >= -1 else { throw WireError(.negativeLength(Int(count)), at: begun) }
    clientID = count == -1 ? nil : String(decoding: try reader.take(Int(count)), as: UTF8.self)
  }

  /// How many bytes the header has, which begins with `bytes`; `nil` while there are too few to tell. Without tagged fields.
  public static func length(of bytes: ArraySlice<UInt8>) -> Int? {
    guard bytes.count >= fixedBytes else { return nil }
    let place = bytes.startIndex + fixedBytes - 2
    let count = Int16(truncatingIfNeeded: Int(bytes[place]) << 8 | Int(bytes[place + 1]))
    return fixedBytes + max(0, Int(count))
  }
}
