internal import KafkaWire
internal import Support

/// What a drill means to do with a cluster: what the examination asks for.
public struct KafkaNeeds: Sendable, Hashable {
  /// A right on a resource.
  public struct Right: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Kafka's names for what can be done.
    public enum Operation: String, Sendable, Hashable, CaseIterable, Comparable {
      /// Reading.
      case read = "READ"
      /// Writing.
      case write = "WRITE"
      /// Making.
      case create = "CREATE"
      /// Removing.
      case delete = "DELETE"
      /// Looking at.
      case describe = "DESCRIBE"
      /// Reading a configuration.
      case describeConfigs = "DESCRIBE_CONFIGS"

      /// By name.
      public static func < (one: Operation, other: Operation) -> Bool { one.rawValue < other.rawValue }
    }

    /// What it is on.
    public enum Resource: Sendable, Hashable, Comparable {
      /// The cluster.
      case cluster
      /// A topic.
      case topic(String)
      /// A consumer group; a name that ends with a hyphen stands for all groups that begin like that.
      case group(String)
    }

    /// What it is on.
    public var resource: Resource
    /// What it allows.
    public var operation: Operation
    /// What it is for, in words.
    public var purpose: String

    /// A right from its parts.
    public init(_ operation: Operation, on resource: Resource, for purpose: String) {
      self.resource = resource
      self.operation = operation
      self.purpose = purpose
    }

    /// By resource, then by operation.
    public static func < (one: Right, other: Right) -> Bool {
      (one.resource, one.operation) < (other.resource, other.operation)
    }

    /// `READ on topic orders`.
    public var description: String {
      switch resource {
      case .cluster: "\(operation.rawValue) on the cluster"
      case .topic(let name): "\(operation.rawValue) on topic \(name)"
      case .group(let name): "\(operation.rawValue) on group \(name)"
      }
    }

    /// What grants it, as options of `kafka-acls`.
    public func grant(to principal: String) -> String {
      let target =
        switch resource {
        case .cluster: "--cluster"
        case .topic(let name): "--topic \(name)"
        case .group(let name):
          "--group \(name)" + (name.hasSuffix("-") ? " --resource-pattern-type prefixed" : "")
        }
      return "kafka-acls --add --allow-principal \(principal) --operation \(operation.rawValue) \(target)"
    }
  }

  /// The rights.
  public var rights: [Right]

  /// Needs from their parts.
  public init(rights: [Right] = []) { self.rights = rights }
}

/// What a broker said of itself and of us.
public struct KafkaExamination: Sendable, Hashable {
  /// How the connection stands.
  public enum Standing: Sendable, Hashable {
    /// It stands, and the broker believes us.
    case authenticated
    /// It stands, and whether the broker believes us was not asked: this mechanism is librdkafka's alone.
    case notAsked(mechanism: String)
  }

  /// The broker that was asked, `host:port`.
  public var address: String
  /// How the connection stands.
  public var standing: Standing
  /// The features that it does not have, with what it lacks.
  public var lacking: [(feature: String, lack: String)] { lacks.map { ($0.feature, $0.lack) } }
  /// Rights that are missing, sorted.
  public var missing: [KafkaNeeds.Right]
  /// Rights that could not be asked for, each with the reason.
  public var unasked: [String]

  struct Lack: Sendable, Hashable {
    var feature: String
    var lack: String
  }

  var lacks: [Lack]
}

/// Asks brokers what librdkafka 2.0 does not ask: which requests they answer, and what we may do. Changes nothing.
public struct KafkaExaminer: Sendable {
  private let properties: KafkaProperties
  private let networkNamespace: Int32?
  private let limit: Duration

  /// An examiner of one cluster.
  ///
  /// - Parameters:
  ///   - networkNamespace: descriptor of the namespace that its sockets open in; it must stay open.
  ///   - limit: of every question.
  public init(_ properties: KafkaProperties, networkNamespace: Int32? = nil, limit: Duration = .seconds(5)) {
    self.properties = properties
    self.networkNamespace = networkNamespace
    self.limit = limit
  }

  /// Asks the broker at `address`.
  ///
  /// - Throws: ``Problem`` (steadyState) that says who does not answer, or is not believed, and what to do about it.
  public func examine(_ address: String, _ needs: KafkaNeeds) async throws -> KafkaExamination {
    let identity = WireIdentity(try properties.resolved())
    let (properties, limit) = (properties, limit)
    return try await onOwnThread("examine", networkNamespace: networkNamespace) {
      do throws(WireSessionFailure) {
        return try Self.examine(address, identity, needs, within: limit)
      } catch {
        throw error.problem(at: address, properties)
      }
    }
  }

  /// The ids of topics, as one of the brokers tells them; `nil` where the way to log in is one that librdkafka alone speaks, so that
  /// nobody can be asked. A topic that is not there, or of a broker that knows no ids, has none.
  ///
  /// - Throws: as ``examine(_:_:)``.
  public func topicIDs(_ topics: [String]) async throws -> [String: String]? {
    let identity = WireIdentity(try properties.resolved())
    let (properties, limit) = (properties, limit)
    return try await onOwnThread("topic-ids", networkNamespace: networkNamespace) {
      var last: Problem?
      for address in properties.bootstrap {
        do throws(WireSessionFailure) {
          let session = try KafkaWireSession(to: address, identity, within: limit)
          try session.authenticate(identity)
          return try session.ids(of: topics)
        } catch {
          if case .mechanismUnknown = error { return nil }
          last = error.problem(at: address, properties)
        }
      }
      throw last ?? Problem(.usage, "no address of a broker is given")
    }
  }

  private static func examine(
    _ address: String, _ identity: WireIdentity, _ needs: KafkaNeeds, within limit: Duration
  ) throws(WireSessionFailure) -> KafkaExamination {
    let session = try KafkaWireSession(to: address, identity, within: limit)
    let offered = try session.versions()
    let lacks = KafkaFeature.all.compactMap { feature in
      feature.lack(in: offered).map { KafkaExamination.Lack(feature: feature.name, lack: $0.text) }
    }
    var result = KafkaExamination(address: address, standing: .authenticated, missing: [], unasked: [], lacks: lacks)
    do throws(WireSessionFailure) { try session.authenticate(identity) } catch {
      guard case .mechanismUnknown(let name) = error else { throw error }
      result.standing = .notAsked(mechanism: name)
      result.unasked.append(
        "\(name) is spoken by librdkafka alone, so that the broker could not be asked what may be done")
      return result
    }
    // A broker that cannot tell is told of as such, above.
    guard offered[RightsMetadata.apiKey]?.contains(RightsMetadata.apiVersion) ?? false else { return result }
    try addTopicsAndCluster(to: &result, session, needs)
    try addGroups(to: &result, session, identity, needs, offered, within: limit)
    result.missing.sort()
    return result
  }

  private static func addTopicsAndCluster(
    to result: inout KafkaExamination, _ session: KafkaWireSession, _ needs: KafkaNeeds
  ) throws(WireSessionFailure) {
    let topics = Set(needs.rights.compactMap { if case .topic(let name) = $0.resource { name } else { nil } })
    let answer = try session.rights(topics: topics.sorted())
    for right in needs.rights {
      switch right.resource {
      case .cluster: result.add(right, answer.cluster)
      case .topic(let name):
        let topic = answer.topics[name]
        switch topic?.error {
        case 0: result.add(right, topic?.rights)
        case 29: result.missing.append(right)
        default:
          let reason = "what may be done with topic \(name) is not told before it is there"
          if !result.unasked.contains(reason) { result.unasked.append(reason) }
        }
      case .group: break
      }
    }
  }

  private static func addGroups(
    to result: inout KafkaExamination, _ session: KafkaWireSession, _ identity: WireIdentity, _ needs: KafkaNeeds,
    _ offered: [Int16: ClosedRange<Int16>], within limit: Duration
  ) throws(WireSessionFailure) {
    let wanted = RightsOfGroup.describeGroups
    guard offered[wanted.apiKey]?.contains(wanted.apiVersion) ?? false else { return }
    let groups = Set(needs.rights.compactMap { if case .group(let name) = $0.resource { name } else { nil } })
    for group in groups.sorted() {
      let rights = needs.rights.filter { $0.resource == .group(group) }
      let asked = group.hasSuffix("-") ? "\(group)doctor" : group
      switch try session.coordinator(of: asked) {
      // Group, or topic of the groups, that may not be looked at.
      case .refused(30), .refused(29): result.missing += rights
      case .refused(let error):
        result.unasked.append("rights on group \(group): nobody answers for it (error \(error))")
      case .at(let address):
        let there = try KafkaWireSession(to: address, identity, within: limit)
        try there.authenticate(identity)
        let answer = try there.rights(group: asked)
        if answer.error == 30 {
          result.missing += rights
        } else {
          for right in rights { result.add(right, answer.rights) }
        }
      }
    }
  }
}

extension KafkaExamination {
  /// Notes how a right stands.
  fileprivate mutating func add(_ right: KafkaNeeds.Right, _ rights: AuthorizedOperations?) {
    guard let rights else { return unasked.append("\(right): the broker did not say") }
    if let operation = AuthorizedOperations.Operation.allCases.first(where: { $0.name == right.operation.rawValue }),
      !rights.allows(operation)
    {
      missing.append(right)
    }
  }
}

extension WireSessionFailure {
  /// As an error for a person. The secret that was used stands nowhere in it.
  func problem(at address: String, _ properties: KafkaProperties) -> Problem {
    let who = properties.principal ?? "this client"
    func problem(_ what: String, _ fix: String) -> Problem { Problem(.steadyState, at: address, what, fix: fix) }
    switch self {
    case .channel(.unreachable(let why)):
      return problem("the broker cannot be reached: \(why)", "check the address, and that a broker listens there")
    case .channel(.timedOut(let why)):
      return problem(
        "the broker did not answer in time: \(why)",
        "check that nothing between swallows the packets, and that the port speaks \(properties.protocolName)")
    case .channel(.broken(let why)):
      return problem(
        "the connection broke: \(why)",
        "see whether the port speaks \(properties.protocolName), as security.protocol says")
    case .channel(.untrusted(let distrust)): return distrust.problem(at: address)
    case .notKafka(let what):
      return problem("what answers there is no Kafka broker that is understood: \(what)", "check the port")
    case .mechanismRefused(let mechanism, let offered):
      return problem(
        "the broker does not take \(mechanism)",
        "sasl.mechanisms: one of \(offered.isEmpty ? "those that the listener enables" : offered.joined(separator: ", "))"
      )
    case .notAuthenticated(let why):
      return problem(
        "the broker does not believe \(who): \(why)",
        "check sasl.username, and the secret that sasl.password refers to")
    case .brokerUnproven:
      return problem(
        "the broker accepted \(who), and does not know the password itself: it is not the cluster that it says it is",
        "do not go on; find out who listens there")
    case .mechanismUnknown(let name):
      return problem("\(name) is not spoken here", "use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 to have rights asked for")
    }
  }
}

extension ChannelFailure.Distrust {
  fileprivate func problem(at address: String) -> Problem {
    func problem(_ what: String, _ fix: String) -> Problem { Problem(.steadyState, at: address, what, fix: fix) }
    return switch self {
    case .notValidNow(let why):
      problem(
        "the broker's certificate is not valid now: \(why)",
        "renew the broker's certificate, or set this machine's clock")
    case .unknownAuthority(let why):
      problem(
        "nobody who is trusted vouches for the broker's certificate: \(why)",
        "ssl.ca.location must name the certificate of the authority that signed the broker's")
    case .otherName(let why):
      problem(
        "the broker's certificate is for another name: \(why)",
        "name the broker in bootstrap as its certificate does, or have its certificate name this address")
    case .ownFiles(let why):
      problem(
        "this client's own certificate, key or authorities cannot be used: \(why)",
        "check ssl.ca.location, ssl.certificate.location and ssl.key.location, and the secret that opens the key")
    case .handshake(let why):
      problem(
        "no TLS connection came about: \(why)",
        "see whether the port speaks TLS, and whether the broker wants a certificate of the client")
    }
  }
}

extension KafkaProperties {
  /// How clients come in, `SASL_SSL`.
  var protocolName: String {
    guard case .text(let name)? = values["security.protocol"] else { return "PLAINTEXT" }
    return name.uppercased()
  }
}
