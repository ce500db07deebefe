internal import FoundationEssentials

/// How far a mirror's source connector has come, as Connect keeps it in its offset topic.
///
/// Key: JSON `["<connector>",{"cluster":"east","partition":0,"topic":"orders.us"}]`; the first element is the connector's name.
/// Value: JSON `{"offset":N}`, N being the offset of the last record that was mirrored; a null removes the entry.
public struct ConnectOffset: Sendable, Hashable {
  /// What an entry is about.
  public enum Subject: Sendable, Hashable {
    /// A partition of a cluster, as `MirrorSourceConnector` has it.
    case partition(cluster: String, topic: String, partition: Int32)
    /// Another connector's own way of naming what it reads.
    case other
  }

  /// The connector's name.
  public var connector: String
  /// What it is about.
  public var subject: Subject
  /// The offset of the last record that was carried. `nil`: the entry was removed, or is another connector's.
  public var offset: Int64?

  /// Reads a record of the topic.
  ///
  /// - Throws: ``WireError`` for a key that is not JSON of that form, and for an offset that is no number.
  public init(key: ArraySlice<UInt8>?, value: ArraySlice<UInt8>?) throws(WireError) {
    let key: Key = try Self.json(try present(key), "a connector's name and what it reads")
    connector = key.connector
    subject =
      if let cluster = key.place?.cluster, let topic = key.place?.topic, let partition = key.place?.partition {
        .partition(cluster: cluster, topic: topic, partition: partition)
      } else {
        .other
      }
    guard let value, subject != .other else { return }
    let content: Content? = try Self.json(value, "an offset")
    offset = content?.offset
  }

  private static func json<Value: Decodable>(_ bytes: ArraySlice<UInt8>, _ what: String) throws(WireError) -> Value {
    do { return try JSONDecoder().decode(Value.self, from: Data(bytes)) } catch {
      throw WireError(.invalid("no JSON of \(what)"), at: 0)
    }
  }

  private struct Key: Decodable {
    var connector: String
    var place: Place?

    init(from decoder: any Decoder) throws {
      var parts = try decoder.unkeyedContainer()
      connector = try parts.decode(String.self)
      // Another connector may have another form; that is no error.
      place = try? parts.decode(Place.self)
    }
  }

  private struct Place: Decodable {
    var cluster: String?
    var topic: String?
    var partition: Int32?
  }

  private struct Content: Decodable { var offset: Int64 }
}
