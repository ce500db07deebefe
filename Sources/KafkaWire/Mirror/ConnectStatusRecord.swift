internal import FoundationEssentials

/// What Connect says of a connector or of one of its tasks, as it keeps it in its status topic.
///
/// Key: `status-connector-<name>` or `status-task-<name>-<task>`. Value: JSON
/// `{"state":"RUNNING","trace":null,"worker_id":"10.91.2.1:8083","generation":3}`; a null removes the entry. A worker that was killed
/// says nothing any more: its last word stands until somebody else has the task.
///
/// - SeeAlso: Apache Kafka, `KafkaStatusBackingStore` of `connect/runtime`.
public struct ConnectStatusRecord: Sendable, Hashable {
  /// The connector.
  public var connector: String
  /// The task. `nil`: the connector itself.
  public var task: Int?
  /// The state, in Connect's own words. `nil`: the entry was removed.
  public var state: String?
  /// The worker that said so. `nil`: as ``state``.
  public var worker: String?

  /// Reads a record of the topic. `nil`: it is about something else, such as the topics that a connector uses.
  ///
  /// - Throws: ``WireError`` for a task without a number, and for a value that is no JSON of that form.
  public init?(key: ArraySlice<UInt8>?, value: ArraySlice<UInt8>?) throws(WireError) {
    let text = String(decoding: try present(key), as: UTF8.self)
    func rest(after prefix: String) -> Substring? { text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : nil }
    if let name = rest(after: "status-connector-") {
      connector = String(name)
    } else if let name = rest(after: "status-task-") {
      guard let dash = name.lastIndex(of: "-"), let number = Int(name[name.index(after: dash)...]), number >= 0 else {
        throw WireError(.invalid("a status of task '\(name)', which has no number"), at: 0)
      }
      connector = String(name[..<dash])
      task = number
    } else {
      return nil
    }
    guard let value else { return }
    do {
      let content = try JSONDecoder().decode(Content.self, from: Data(value))
      state = content.state
      worker = content.workerID
    } catch {
      throw WireError(.invalid("no JSON of a status"), at: 0)
    }
  }

  private struct Content: Decodable {
    var state: String
    var workerID: String?

    private enum CodingKeys: String, CodingKey {
      case state
      case workerID = "worker_id"
    }
  }
}
