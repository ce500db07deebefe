internal import Glibc
internal import KafkaWire
internal import Support

/// Why a broker could not be asked.
enum WireSessionFailure: Error, Sendable, Hashable {
  /// The connection did not come about, or broke.
  case channel(ChannelFailure)
  /// What came back is not Kafka's.
  case notKafka(String)
  /// The broker does not take the mechanism; it takes these.
  case mechanismRefused(String, offered: [String])
  /// The broker does not believe us, in its own words.
  case notAuthenticated(String)
  /// The broker proved to be somebody else.
  case brokerUnproven
  /// A mechanism that only librdkafka speaks.
  case mechanismUnknown(String)
}

/// How a client comes to a broker, as its properties say; with its secrets, so that it goes no further than its session.
struct WireIdentity: Sendable {
  /// How it is secured; `nil`: not at all.
  var tls: TLSSettings?
  /// How it says who it is; `nil`: it does not.
  var sasl: (mechanism: String, name: String, password: String)?

  /// What librdkafka would make of these properties.
  init(_ properties: [(name: String, value: String)]) {
    let values = Dictionary(properties.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    let security = (values["security.protocol"] ?? "plaintext").lowercased()
    if security == "ssl" || security == "sasl_ssl" {
      tls = TLSSettings(
        authorities: values["ssl.ca.location"].flatMap { $0 == "probe" ? nil : $0 },
        certificate: values["ssl.certificate.location"], key: values["ssl.key.location"],
        keyPassword: values["ssl.key.password"],
        verifiesCertificate: values["enable.ssl.certificate.verification"] != "false",
        verifiesName: values["ssl.endpoint.identification.algorithm"] != "none")
    }
    if security.hasPrefix("sasl_") {
      let mechanism = values["sasl.mechanisms"] ?? values["sasl.mechanism"] ?? "GSSAPI"
      sasl = (mechanism.uppercased(), values["sasl.username"] ?? "", values["sasl.password"] ?? "")
    }
  }
}

/// One connection to one broker, over which it is asked what librdkafka does not ask. It belongs to one thread and blocks it.
final class KafkaWireSession {
  private let channel: TLSChannel
  private let limit: Duration
  private var correlation: Int32 = 0
  private let client = "blackstart-doctor"

  /// Connects to `address`.
  init(to address: String, _ identity: WireIdentity, within limit: Duration) throws(WireSessionFailure) {
    self.limit = limit
    do throws(ChannelFailure) { channel = try TLSChannel(to: address, identity.tls, within: limit) } catch {
      throw .channel(error)
    }
  }

  /// The versions of each request that the broker answers.
  func versions() throws(WireSessionFailure) -> [Int16: ClosedRange<Int16>] {
    try ask({ ApiVersions.request(correlationID: $0, clientID: client) }) {
      (bytes, id) throws(WireError) in try ApiVersions.response(bytes, correlationID: id)
    }
  }

  /// What may be done with topics and with the cluster.
  func rights(topics: [String]) throws(WireSessionFailure) -> RightsMetadata.Answer {
    try ask({ RightsMetadata.request(topics, correlationID: $0, clientID: client) }) {
      (bytes, id) throws(WireError) in try RightsMetadata.response(bytes, correlationID: id)
    }
  }

  /// Who answers for a group.
  func coordinator(of group: String) throws(WireSessionFailure) -> RightsOfGroup.Coordinator {
    try ask({ RightsOfGroup.coordinatorRequest(group, correlationID: $0, clientID: client) }) {
      (bytes, id) throws(WireError) in try RightsOfGroup.coordinator(bytes, correlationID: id)
    }
  }

  /// What may be done with a group; to be asked of its coordinator.
  func rights(group: String) throws(WireSessionFailure) -> RightsOfGroup.Answer {
    try ask({ RightsOfGroup.request(group, correlationID: $0, clientID: client) }) {
      (bytes, id) throws(WireError) in try RightsOfGroup.response(bytes, correlationID: id)
    }
  }

  /// The ids of topics.
  func ids(of topics: [String]) throws(WireSessionFailure) -> [String: String] {
    try ask({ TopicIDs.request(topics, correlationID: $0, clientID: client) }) {
      (bytes, id) throws(WireError) in try TopicIDs.response(bytes, correlationID: id)
    }
  }

  /// Proves who it is, where the properties ask for that.
  ///
  /// - Throws: ``WireSessionFailure/mechanismUnknown(_:)`` for a mechanism that is not spoken here; nothing was sent then.
  func authenticate(_ identity: WireIdentity) throws(WireSessionFailure) {
    guard let sasl = identity.sasl else { return }
    let hash: HashFunction?
    switch sasl.mechanism {
    case "PLAIN": hash = nil
    case "SCRAM-SHA-256": hash = .sha256
    case "SCRAM-SHA-512": hash = .sha512
    default: throw .mechanismUnknown(sasl.mechanism)
    }
    let answer = try ask({ SaslFrames.handshake(sasl.mechanism, correlationID: $0, clientID: client) }) {
      (bytes, id) throws(WireError) in try SaslFrames.handshakeAnswer(bytes, correlationID: id)
    }
    guard answer.error == 0 else { throw .mechanismRefused(sasl.mechanism, offered: answer.mechanisms.sorted()) }
    guard let hash else {
      _ = try step([0] + Array(sasl.name.utf8) + [0] + Array(sasl.password.utf8))
      return
    }
    var random = SystemRandomNumberGenerator()
    let nonce = (0..<4).map { _ in String(random.next(), radix: 36) }.joined()
    var scram = ScramClient(hash, name: sasl.name, password: sasl.password, nonce: nonce)
    let first = try step(scram.first)
    let second: [UInt8]
    do throws(ScramClient.Mistake) { second = try scram.final(to: first) } catch { throw Self.failure(error) }
    let last = try step(second)
    do throws(ScramClient.Mistake) { try scram.verify(last) } catch { throw Self.failure(error) }
  }

  private static func failure(_ mistake: ScramClient.Mistake) -> WireSessionFailure {
    switch mistake {
    case .malformed(let what): .notKafka(what)
    case .refused(let why): .notAuthenticated(why)
    case .serverUnproven: .brokerUnproven
    }
  }

  private func step(_ bytes: [UInt8]) throws(WireSessionFailure) -> [UInt8] {
    let answer = try ask({ SaslFrames.step(bytes, correlationID: $0, clientID: client) }) {
      (bytes, id) throws(WireError) in try SaslFrames.stepAnswer(bytes, correlationID: id)
    }
    guard answer.error == 0 else { throw .notAuthenticated(answer.message ?? "error \(answer.error)") }
    return answer.bytes
  }

  private func ask<T>(
    _ request: (Int32) -> [UInt8], _ read: ([UInt8], Int32) throws(WireError) -> T
  ) throws(WireSessionFailure) -> T {
    correlation += 1
    let bytes: [UInt8]
    do throws(ChannelFailure) { bytes = try channel.exchange(request(correlation), within: limit) } catch {
      throw .channel(error)
    }
    do throws(WireError) { return try read(bytes, correlation) } catch { throw .notKafka("\(error)") }
  }
}
