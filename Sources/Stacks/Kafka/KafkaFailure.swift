public import Support

/// What a Kafka client or broker said went wrong, as librdkafka names it.
public struct KafkaFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// What a caller can decide by.
  public enum Kind: String, Sendable, Hashable, Codable {
    /// Another producer with the same transactional id has taken over: this one is finished.
    case fenced
    /// No answer in time: what was asked for may have happened.
    case timedOut
    /// No broker could be reached.
    case unreachable
    /// The broker is not who it should be, or does not take this client's certificate.
    case untrusted
    /// The broker forbids it.
    case notAllowed
    /// There is no such topic, partition or group.
    case notFound
    /// It exists already.
    case exists
    /// The local queue is full: nothing was sent.
    case queueFull
    /// A property that librdkafka does not know, or a value that it does not take.
    case property
    /// Anything else.
    case other
  }

  /// What was tried, in words: `commit of a transaction`.
  public var what: String
  /// What a caller can decide by.
  public var kind: Kind
  /// librdkafka's number: below 0 its own, above 0 the broker's.
  public var code: Int32
  /// The name of that number, such as `_TIMED_OUT` or `TOPIC_AUTHORIZATION_FAILED`.
  public var name: String
  /// Its explanation.
  public var text: String
  /// The client is of no use any more.
  public var isFatal: Bool
  /// The same call may succeed later.
  public var isRetriable: Bool
  /// The transaction that is open must be aborted.
  public var requiresAbort: Bool

  /// A failure from its parts.
  public init(
    what: String, kind: Kind, code: Int32, name: String, text: String, isFatal: Bool = false, isRetriable: Bool = false,
    requiresAbort: Bool = false
  ) {
    self.what = what
    self.kind = kind
    self.code = code
    self.name = name
    self.text = text
    self.isFatal = isFatal
    self.isRetriable = isRetriable
    self.requiresAbort = requiresAbort
  }

  /// `commit of a transaction: _FENCED (-144): …`
  public var description: String { "\(what): \(name) (\(code)): \(text)" }

  /// As an error for a person.
  ///
  /// - Parameters:
  ///   - place: the cluster or server that it is about.
  ///   - principal: as whom the client came; named where a right is missing.
  public func problem(_ code: ExitCode, at place: String, principal: String? = nil) -> Problem {
    Problem(code, at: place, description, fix: remedy(principal))
  }

  private func remedy(_ principal: String?) -> String? {
    let who = principal ?? "the client's principal"
    return switch (kind, name) {
    case (.notAllowed, "TOPIC_AUTHORIZATION_FAILED"): "grant \(who) DESCRIBE, and READ or WRITE, on that topic"
    case (.notAllowed, "GROUP_AUTHORIZATION_FAILED"): "grant \(who) READ on that consumer group"
    case (.notAllowed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"):
      "grant \(who) WRITE and DESCRIBE on that transactional id"
    case (.notAllowed, "CLUSTER_AUTHORIZATION_FAILED"):
      "grant \(who) the right on the cluster that this call needs (ALTER, CREATE, DESCRIBE or IDEMPOTENT_WRITE), or give "
        + "the client the current fencing token if a guard stands before the brokers"
    case (.notAllowed, _): "check the credentials and the rights of \(who)"
    case (.untrusted, _):
      "check ssl.ca.location, the name that the broker is reached under, and how long its certificate is valid"
    case (.unreachable, _): "check the bootstrap addresses and that a broker listens there"
    case (.timedOut, _): "look at the brokers' logs; whether it happened is not known"
    case (.fenced, _): "end this producer: another one has its transactional id"
    case (.property, _): "correct the property; librdkafka's CONFIGURATION.md lists all of them"
    default: nil
    }
  }
}
