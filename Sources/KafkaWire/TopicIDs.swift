internal import FoundationEssentials

/// The ids of topics, as a broker tells them: a topic that was deleted and made anew under its name has another one. Nothing else
/// tells the two apart, and the clients of librdkafka 2.0 do not ask.
///
/// Request and response are Metadata, version 12, the first in which a topic may be asked for by name or by id (Kafka 3.1; KIP-516).
public enum TopicIDs {
  /// The number of the request.
  public static let apiKey: Int16 = 3
  /// Its version.
  public static let apiVersion: Int16 = 12

  /// The request, as it is sent, its length in front.
  public static func request(_ topics: [String], correlationID: Int32, clientID: String) -> [UInt8] {
    var body = WireWriter()
    body.integer(apiKey)
    body.integer(apiVersion)
    body.integer(correlationID)
    body.string(clientID)
    body.unsignedVarint(0)
    body.unsignedVarint(UInt32(topics.count) + 1)
    for topic in topics {
      body.raw([UInt8](repeating: 0, count: 16))
      body.unsignedVarint(UInt32(topic.utf8.count) + 1)
      body.raw(topic.utf8)
      body.unsignedVarint(0)
    }
    // Nobody asks for a topic in order to make it.
    body.integer(UInt8(0))
    body.integer(UInt8(0))
    body.unsignedVarint(0)
    var whole = WireWriter()
    whole.integer(Int32(body.bytes.count))
    whole.raw(body.bytes)
    return whole.bytes
  }

  /// Reads the response, without its length: the ids by topic, as Kafka's own tools print them. Topics that the broker does not have,
  /// or does not show, are left out.
  ///
  /// - Throws: ``WireError`` for a response that is not whole, or to another request.
  public static func response(_ bytes: [UInt8], correlationID: Int32) throws(WireError) -> [String: String] {
    var reader = WireReader(bytes)
    let answered = try reader.integer(Int32.self)
    guard answered == correlationID else {
      throw WireError(.invalid("an answer to request \(answered), not \(correlationID)"), at: 0)
    }
    try reader.skipTags()
    _ = try reader.integer(Int32.self)  // throttling
    try skipBrokers(&reader)
    _ = try reader.compactNullableString()
    _ = try reader.integer(Int32.self)  // controller
    var ids: [String: String] = [:]
    for _ in 0..<(try count(&reader)) {
      let error = try reader.integer(Int16.self)
      let name = try reader.compactNullableString()
      let id = try reader.take(16)
      _ = try reader.boolean()
      try skipPartitions(&reader)
      _ = try reader.integer(Int32.self)  // rights
      try reader.skipTags()
      if let name, error == 0 { ids[name] = text(id) }
    }
    return ids
  }

  private static func skipBrokers(_ reader: inout WireReader) throws(WireError) {
    for _ in 0..<(try count(&reader)) {
      _ = try reader.integer(Int32.self)
      _ = try reader.compactNullableString()
      _ = try reader.integer(Int32.self)
      _ = try reader.compactNullableString()
      try reader.skipTags()
    }
  }

  private static func skipPartitions(_ reader: inout WireReader) throws(WireError) {
    for _ in 0..<(try count(&reader)) {
      // Error, number, leader and its epoch; then replicas, those in sync and those offline.
      _ = try reader.take(2 + 4 + 4 + 4)
      for _ in 0..<3 { _ = try reader.take(4 * (try count(&reader))) }
      try reader.skipTags()
    }
  }

  /// COMPACT_ARRAY: length + 1; 0 is null.
  private static func count(_ reader: inout WireReader) throws(WireError) -> Int {
    let begun = reader.offset
    let count = max(0, Int(try reader.unsignedVarint()) - 1)
    // Each element takes a byte at least: a longer array is none, and must not be walked through.
    guard count <= reader.remaining else {
      throw WireError(.truncated(wanted: count, left: reader.remaining), at: begun)
    }
    return count
  }

  /// Base 64 for addresses, without padding, as Kafka's `Uuid` prints itself.
  private static func text(_ id: ArraySlice<UInt8>) -> String {
    String(
      Data(id).base64EncodedString().compactMap { character -> Character? in
        switch character {
        case "+": "-"
        case "/": "_"
        case "=": nil
        default: character
        }
      })
  }
}
