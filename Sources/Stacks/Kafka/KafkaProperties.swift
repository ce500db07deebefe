internal import Support

/// The value of a client's property.
public enum KafkaPropertyValue: Sendable, Hashable, Codable {
  /// The value itself. Not for passwords and keys: those are refused here.
  case text(String)
  /// The value is in this environment variable.
  case environment(String)
  /// The value is what this file holds, without line ends at its end.
  case file(String)
}

/// Everything that a client of a Kafka cluster is told at its start: librdkafka's properties, secrets by reference only.
public struct KafkaProperties: Sendable, Hashable, Codable {
  /// What a reader sees of transactions.
  public enum Isolation: String, Sendable, Hashable, Codable {
    /// Only what was committed (librdkafka's default).
    case readCommitted = "read_committed"
    /// Aborted records and open transactions as well (Java's default).
    case readUncommitted = "read_uncommitted"
  }

  /// Where a reader begins without a committed offset.
  public enum Reset: String, Sendable, Hashable, Codable {
    /// At the oldest record.
    case earliest
    /// After the newest, which skips what came before.
    case latest
    /// Nowhere: it is an error.
    case none = "error"
  }

  /// Addresses of brokers, `10.91.1.1:9092`; at least one.
  public var bootstrap: [String]
  /// All other properties, by librdkafka's names.
  public var values: [String: KafkaPropertyValue]

  /// Properties for a cluster.
  public init(bootstrap: [String], _ values: [String: KafkaPropertyValue] = [:]) {
    self.bootstrap = bootstrap
    self.values = values
  }

  /// Properties whose value nobody may write into a file of ours.
  public static let secrets: Set<String> = [
    "sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
  ]

  /// These properties with `value` for `name`.
  public func with(_ name: String, _ value: String) -> KafkaProperties {
    var other = self
    other.values[name] = .text(value)
    return other
  }

  /// These properties for a client that calls itself `name`, which a guard may read a fencing token from.
  public func with(clientID name: String) -> KafkaProperties { with("client.id", name) }

  /// The client id that carries a fencing token: `bs;token=7`.
  public static func clientID(token: Int64) -> String { "bs;token=\(token)" }

  /// These properties for a client that comes as `name` and proves it by nothing: an unsecured token, for brokers that ask for no
  /// more (RFC 7519, section 6).
  public func with(unsecuredName name: String) -> KafkaProperties {
    with("security.protocol", "sasl_plaintext").with("sasl.mechanisms", "OAUTHBEARER")
      .with("enable.sasl.oauthbearer.unsecure.jwt", "true").with(Self.tokenClaims, Self.subject + name)
  }

  private static let tokenClaims = "sasl.oauthbearer.config"
  private static let subject = "principal="

  /// As whom the client comes, for messages.
  public var principal: String? {
    if case .text(let claims)? = values[Self.tokenClaims], claims.hasPrefix(Self.subject) {
      return "User:\(claims.dropFirst(Self.subject.count))"
    }
    guard case .text(let name)? = values["sasl.username"] else { return nil }
    return "User:\(name)"
  }

  /// The properties as librdkafka takes them, with the secrets read.
  ///
  /// - Parameter environment: a variable's value, `nil` if it is not set.
  /// - Throws: ``Problem`` (usage) naming the property whose secret is given in clear or cannot be read.
  func resolved(
    environment: (String) -> String? = environmentVariable
  ) throws -> [(name: String, value: String)] {
    guard !bootstrap.isEmpty, bootstrap.allSatisfy({ !$0.isEmpty && !$0.contains(",") }) else {
      throw Problem(.usage, at: "Kafka", "no address of a broker is given", fix: "name at least one HOST:PORT")
    }
    return try [("bootstrap.servers", bootstrap.joined(separator: ","))]
      + values.sorted { $0.key < $1.key }.map { name, value in (name, try Self.text(name, value, environment)) }
  }

  private static func text(
    _ name: String, _ value: KafkaPropertyValue, _ environment: (String) -> String?
  ) throws -> String {
    switch value {
    case .text(let text):
      // A name alone proves nothing, and is no secret.
      let isName = name == tokenClaims && text.hasPrefix(subject) && !text.contains(" ")
      if secrets.contains(name) && !isName {
        throw Problem(
          .usage, at: name, "a secret stands in clear in the properties; nothing was sent",
          fix: "give it as a reference: an environment variable or a file")
      }
      return text
    case .environment(let variable):
      guard let text = environment(variable), !text.isEmpty else {
        throw Problem(.usage, at: name, "the environment variable \(variable) is not set", fix: "export \(variable)=…")
      }
      return text
    case .file(let path):
      do {
        var bytes = try readFile(path, limit: 1 << 16)
        while let last = bytes.last, last == 10 || last == 13 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
      } catch {
        throw Problem(.usage, at: name, "its file cannot be read: \(error)", fix: "make \(path) readable")
      }
    }
  }
}

extension KafkaProperties {
  /// One property that no client knows.
  public struct Unknown: Sendable, Hashable {
    /// As it was given.
    public var name: String
    /// The one that was probably meant; `nil`: none is near.
    public var near: String?
  }

  /// Properties that librdkafka does not have, sorted: a client with one of them does not start. Those of Kafka's own clients are
  /// other ones.
  public func unknown() -> [Unknown] {
    let near = RdKafka.namesWithDefaults().union(Self.secrets).union(Self.withoutDefaults)
    // Some of Java's names librdkafka knows as well, to refuse them.
    return values.keys.filter { !RdKafka.knows(property: $0) || Self.javaNames[$0] != nil }.sorted().map {
      Unknown(name: $0, near: Self.javaNames[$0] ?? nearestKey(to: $0, in: near))
    }
  }

  /// Properties that people mistype and that have no value from the first, so that librdkafka does not list them.
  private static let withoutDefaults: Set<String> = [
    "ssl.ca.location", "ssl.ca.pem", "ssl.certificate.location", "ssl.certificate.pem", "ssl.key.location",
    "ssl.keystore.location", "ssl.crl.location", "ssl.cipher.suites", "ssl.curves.list", "ssl.sigalgs.list",
    "sasl.username", "sasl.mechanism", "client.rack",
  ]

  /// What Kafka's own clients call otherwise.
  private static let javaNames = [
    "ssl.truststore.location": "ssl.ca.location", "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.truststore.password": "ssl.ca.location", "ssl.truststore.type": "ssl.ca.location",
    "ssl.keystore.type": "ssl.keystore.location", "ssl.keystore.key": "ssl.key.location",
    "ssl.keystore.certificate.chain": "ssl.certificate.location", "sasl.jaas.config": "sasl.username",
    "sasl.login.callback.handler.class": "sasl.mechanisms",
  ]
}
