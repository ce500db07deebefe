/// What a drill needs of a broker, as requests in versions that both sides speak. A cluster is never judged by its version's name:
/// brokers are asked what they answer. Pure.
public struct KafkaFeature: Sendable, Hashable {
  /// What it is for, in words.
  public var name: String
  /// The requests that it takes: their numbers, names, and the versions that the client speaks of each.
  public var requests: [Request]

  /// One request.
  public struct Request: Sendable, Hashable {
    /// Its number.
    public var key: Int16
    /// Its name in Kafka.
    public var name: String
    /// What the client speaks.
    public var versions: ClosedRange<Int16>

    init(_ key: Int16, _ name: String, _ versions: ClosedRange<Int16>) {
      self.key = key
      self.name = name
      self.versions = versions
    }
  }

  /// Why a broker does not have it.
  public enum Lack: Sendable, Hashable {
    /// It does not answer the request at all.
    case absent(Request)
    /// It answers older versions only.
    case tooOld(Request, has: ClosedRange<Int16>)
    /// It answers newer versions only.
    case tooNew(Request, has: ClosedRange<Int16>)

    /// In words.
    public var text: String {
      switch self {
      case .absent(let request): "it does not answer \(request.name) at all: this Kafka is too old"
      case .tooOld(let request, let has):
        "it answers \(request.name) up to version \(has.upperBound), and \(request.versions.lowerBound) is needed: this Kafka is "
          + "too old"
      case .tooNew(let request, let has):
        "it answers \(request.name) from version \(has.lowerBound) on, and this client speaks up to "
          + "\(request.versions.upperBound): this Kafka is too new for it"
      }
    }
  }

  /// The first thing that a broker lacks for it; `nil`: it has all.
  ///
  /// - Parameter offered: the versions by request that the broker answers.
  public func lack(in offered: [Int16: ClosedRange<Int16>]) -> Lack? {
    for request in requests {
      guard let has = offered[request.key] else { return .absent(request) }
      if has.upperBound < request.versions.lowerBound { return .tooOld(request, has: has) }
      if has.lowerBound > request.versions.upperBound { return .tooNew(request, has: has) }
    }
    return nil
  }

  /// All that drills need. The highest versions are those of librdkafka 2.0 (its INTRODUCTION.md, "Supported protocol versions") and
  /// of our own requests; the lowest are where Kafka's schemas (`common/message/*.json`) have what is needed.
  public static let all: [KafkaFeature] = [
    KafkaFeature(
      name: "records with headers", requests: [Request(0, "Produce", 3...7), Request(1, "Fetch", 4...11)]),
    KafkaFeature(
      name: "idempotent and transactional producers",
      requests: [
        Request(22, "InitProducerId", 0...4), Request(24, "AddPartitionsToTxn", 0...0), Request(26, "EndTxn", 0...1),
        Request(28, "TxnOffsetCommit", 0...3),
      ]),
    KafkaFeature(
      name: "consumer groups and their positions",
      requests: [
        Request(10, "FindCoordinator", 0...2), Request(8, "OffsetCommit", 1...7), Request(9, "OffsetFetch", 1...7),
        Request(2, "ListOffsets", 1...2), Request(16, "ListGroups", 0...4),
      ]),
    KafkaFeature(
      name: "topics made and removed",
      requests: [Request(19, "CreateTopics", 0...4), Request(20, "DeleteTopics", 0...1)]),
    KafkaFeature(name: "groups removed", requests: [Request(42, "DeleteGroups", 0...1)]),
    KafkaFeature(name: "topics' configurations", requests: [Request(32, "DescribeConfigs", 0...1)]),
    KafkaFeature(
      name: "what the principal may do",
      requests: [Request(3, "Metadata", 8...8), Request(15, "DescribeGroups", 3...3)]),
    KafkaFeature(name: "topics' ids, which tell one that was made anew", requests: [Request(3, "Metadata", 12...12)]),
  ]
}
