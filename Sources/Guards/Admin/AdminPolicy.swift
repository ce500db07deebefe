internal import KafkaWire

/// What an admin guard does with requests beyond the fencing token.
public struct AdminPolicy: Sendable, Hashable {
  /// Pass, or refuse unless the client carries the current token.
  public enum Attitude: String, Sendable, Hashable, CaseIterable {
    case pass
    case refuse
  }

  /// Requests that this guard does not know: a later Kafka's. Refused means that the connection is closed.
  public var unknownRequests = Attitude.refuse
  /// Administrative requests in versions that this guard does not know. Refused means that the connection is closed.
  public var unknownVersions = Attitude.refuse
  /// Requests that only brokers send to each other. Refused, whoever sends them, means that the connection is closed.
  public var betweenBrokers = Attitude.refuse
  /// The largest request; Kafka's own `socket.request.max.bytes`.
  public var maximumRequestBytes = 100 << 20
  /// The largest administrative request that is answered when it is refused; a larger one ends its connection.
  public var maximumRefusedBytes = 4 << 20

  /// The policy by default.
  public init() {}
}
