/// What the one who asks may do with a topic, a group or the cluster, as a broker with an authorizer tells him (KIP-430). Clients of
/// librdkafka 2.0 do not ask.
public struct AuthorizedOperations: Sendable, Hashable {
  /// What can be done, by Kafka's numbers (`AclOperation`).
  public enum Operation: Int, Sendable, Hashable, CaseIterable, Comparable {
    /// Reading.
    case read = 3
    /// Writing.
    case write = 4
    /// Making.
    case create = 5
    /// Removing.
    case delete = 6
    /// Changing.
    case alter = 7
    /// Looking at.
    case describe = 8
    /// What brokers do among themselves.
    case clusterAction = 9
    /// Reading a configuration.
    case describeConfigs = 10
    /// Changing a configuration.
    case alterConfigs = 11
    /// Writing idempotently.
    case idempotentWrite = 12

    /// As `kafka-acls --operation` writes it.
    public var name: String {
      switch self {
      case .read: "READ"
      case .write: "WRITE"
      case .create: "CREATE"
      case .delete: "DELETE"
      case .alter: "ALTER"
      case .describe: "DESCRIBE"
      case .clusterAction: "CLUSTER_ACTION"
      case .describeConfigs: "DESCRIBE_CONFIGS"
      case .alterConfigs: "ALTER_CONFIGS"
      case .idempotentWrite: "IDEMPOTENT_WRITE"
      }
    }

    /// By Kafka's numbers.
    public static func < (one: Operation, other: Operation) -> Bool { one.rawValue < other.rawValue }
  }

  private let bits: Int32

  /// The operations of a bit field as brokers send it; `nil` where the broker did not say, which it marks by the smallest number.
  public init?(bits: Int32) {
    if bits == Int32.min { return nil }
    self.bits = bits
  }

  /// Whether it may be done.
  public func allows(_ operation: Operation) -> Bool { bits & (1 << Int32(operation.rawValue)) != 0 }

  /// Those of `wanted` that may not be done, in Kafka's order.
  public func lacking(_ wanted: [Operation]) -> [Operation] { wanted.filter { !allows($0) }.sorted() }
}

/// What a broker tells of topics and of the cluster to one who asks what he may do there: Metadata, version 8, the last without
/// tagged fields (Kafka 2.3 and newer, also 4).
public enum RightsMetadata {
  /// The number of the request.
  public static let apiKey: Int16 = 3
  /// Its version.
  public static let apiVersion: Int16 = 8

  /// What is told of one topic.
  public struct Topic: Sendable, Hashable {
    /// Kafka's number for what is wrong; 0 for nothing, 3 for a topic that is not there, 29 for one that may not be looked at.
    public var error: Int16
    /// How many partitions it has.
    public var partitions: Int
    /// What may be done with it; `nil`: not told.
    public var rights: AuthorizedOperations?
  }

  /// The whole answer.
  public struct Answer: Sendable, Hashable {
    /// Where its brokers are reached, by their numbers.
    public var brokers: [Int32: String]
    /// The topics that were asked for.
    public var topics: [String: Topic]
    /// What may be done with the cluster; `nil`: not told.
    public var cluster: AuthorizedOperations?
  }

  /// The request about these topics, its length in front. None of them is made by it.
  public static func request(_ topics: [String], correlationID: Int32, clientID: String) -> [UInt8] {
    framed(RequestHeader(apiKey: apiKey, apiVersion: apiVersion, correlationID: correlationID, clientID: clientID)) {
      $0.integer(Int32(topics.count))
      for topic in topics { $0.string(topic) }
      $0.integer(UInt8(0))
      $0.integer(UInt8(1))
      $0.integer(UInt8(1))
    }
  }

  /// Reads the response, without its length.
  ///
  /// - Throws: ``WireError`` for a response that is not whole, or to another request.
  public static func response(_ bytes: [UInt8], correlationID: Int32) throws(WireError) -> Answer {
    var reader = try KafkaWire.answer(bytes, to: correlationID)
    _ = try reader.integer(Int32.self)  // throttling
    var result = Answer(brokers: [:], topics: [:], cluster: nil)
    for _ in 0..<(try arrayCount(&reader)) {
      let id = try reader.integer(Int32.self)
      let host = try reader.string()
      result.brokers[id] = "\(host):\(try reader.integer(Int32.self))"
      _ = try reader.nullableString()
    }
    _ = try reader.nullableString()
    _ = try reader.integer(Int32.self)  // controller
    for _ in 0..<(try arrayCount(&reader)) {
      let error = try reader.integer(Int16.self)
      let name = try reader.string()
      _ = try reader.boolean()
      let partitions = try arrayCount(&reader)
      for _ in 0..<partitions {
        // Error, number, leader and its epoch; then replicas, those in sync and those offline.
        _ = try reader.take(2 + 4 + 4 + 4)
        for _ in 0..<3 { _ = try reader.take(4 * (try arrayCount(&reader))) }
      }
      let rights = AuthorizedOperations(bits: try reader.integer())
      result.topics[name] = Topic(error: error, partitions: partitions, rights: rights)
    }
    result.cluster = AuthorizedOperations(bits: try reader.integer())
    return result
  }
}

/// Which broker answers for a consumer group, and what the one who asks may do with the group: FindCoordinator, version 1, and
/// DescribeGroups, version 3 (Kafka 2.3 and newer, also 4).
public enum RightsOfGroup {
  /// Who answers for a group.
  public enum Coordinator: Sendable, Hashable {
    /// The broker at this address.
    case at(String)
    /// Nobody, by Kafka's number for why: 30 where the group may not be looked at.
    case refused(Int16)
  }

  /// What is told of the group.
  public struct Answer: Sendable, Hashable {
    /// Kafka's number for what is wrong; 0 for nothing.
    public var error: Int16
    /// What may be done with it; `nil`: not told.
    public var rights: AuthorizedOperations?
  }

  /// The numbers and versions of the requests.
  public static let findCoordinator: (apiKey: Int16, apiVersion: Int16) = (10, 1)
  /// As above.
  public static let describeGroups: (apiKey: Int16, apiVersion: Int16) = (15, 3)

  /// Asks who answers for `group`, its length in front.
  public static func coordinatorRequest(_ group: String, correlationID: Int32, clientID: String) -> [UInt8] {
    framed(
      RequestHeader(
        apiKey: findCoordinator.apiKey, apiVersion: findCoordinator.apiVersion, correlationID: correlationID,
        clientID: clientID)
    ) {
      $0.string(group)
      $0.integer(Int8(0))
    }
  }

  /// Reads who answers for the group.
  ///
  /// - Throws: ``WireError`` for a response that is not whole, or to another request.
  public static func coordinator(_ bytes: [UInt8], correlationID: Int32) throws(WireError) -> Coordinator {
    var reader = try KafkaWire.answer(bytes, to: correlationID)
    _ = try reader.integer(Int32.self)  // throttling
    let error = try reader.integer(Int16.self)
    _ = try reader.nullableString()
    _ = try reader.integer(Int32.self)
    let host = try reader.string()
    let port = try reader.integer(Int32.self)
    return error == 0 ? .at("\(host):\(port)") : .refused(error)
  }

  /// Asks what may be done with `group`, its length in front.
  public static func request(_ group: String, correlationID: Int32, clientID: String) -> [UInt8] {
    framed(
      RequestHeader(
        apiKey: describeGroups.apiKey, apiVersion: describeGroups.apiVersion, correlationID: correlationID,
        clientID: clientID)
    ) {
      $0.integer(Int32(1))
      $0.string(group)
      $0.integer(UInt8(1))
    }
  }

  /// Reads what may be done with the group.
  ///
  /// - Throws: ``WireError`` for a response that is not whole, or to another request.
  public static func response(_ bytes: [UInt8], correlationID: Int32) throws(WireError) -> Answer {
    var reader = try KafkaWire.answer(bytes, to: correlationID)
    _ = try reader.integer(Int32.self)  // throttling
    guard try arrayCount(&reader) == 1 else { throw WireError(.invalid("not one group"), at: 8) }
    let error = try reader.integer(Int16.self)
    for _ in 0..<4 { _ = try reader.nullableString() }
    for _ in 0..<(try arrayCount(&reader)) {
      for _ in 0..<4 { _ = try reader.nullableString() }
      for _ in 0..<2 { _ = try reader.nullableBytes() }
    }
    return Answer(error: error, rights: AuthorizedOperations(bits: try reader.integer()))
  }
}
