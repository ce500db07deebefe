internal import Support

/// What all of a lab's Java servers have in common: memory, class archive, and where their passing files go.
struct JavaServer: Sendable, Hashable {
  var java: JavaRuntime
  var distribution: KafkaDistribution
  /// The most that its heap may grow to.
  var heapMegabytes: Int
  /// Loaded classes from an earlier run; `nil` for none.
  var archive: String?
  /// Makes an archive of the classes when it ends by SIGTERM; `nil` for none.
  var recordsArchive: String?

  /// The command for one main class; set its network namespace and log file before use.
  ///
  /// - Parameter directory: its own, for its configuration, its logging and its passing files: it goes away with the lab.
  func request(_ mainClass: String, _ arguments: [String], in directory: String) -> ProcessRequest {
    var request = ProcessRequest(
      java.program,
      [
        "-Xms64m", "-Xmx\(heapMegabytes)m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss256k",
        "-XX:MaxMetaspaceSize=160m", "-XX:ReservedCodeCacheSize=64m", "-Djava.awt.headless=true",
        // Nothing outside the lab's own directories: no /tmp/hsperfdata, no unpacked native libraries left in /tmp.
        "-XX:-UsePerfData", "-Djava.io.tmpdir=\(directory)",
        "-Dlog4j2.configurationFile=\(directory)/\(Self.loggingFile)",
      ] + (archive.map { ["-XX:SharedArchiveFile=\($0)", "-Xlog:cds=off", "-Xlog:class+path=off"] } ?? [])
        + (recordsArchive.map { ["-XX:ArchiveClassesAtExit=\($0)"] } ?? [])
        + ["-cp", distribution.classPath, mainClass] + arguments)
    request.directory = directory
    return request
  }

  static let loggingFile = "log4j2.properties"

  /// Warnings to standard output, which is the server's log.
  static let loggingText = """
    # Written by blackstart; changes here are lost with the lab.
    appender.out.type = Console
    appender.out.name = out
    appender.out.layout.type = PatternLayout
    appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
    rootLogger.level = WARN
    rootLogger.appenderRef.out.ref = out

    """
}

/// How one broker of a lab is set up: a whole cluster by itself, controller and broker in one process.
public struct KafkaBrokerSettings: Sendable, Hashable, Codable {
  /// Its numeric IPv4 address.
  public var address: String
  /// Where it listens for clients.
  public var port: UInt16
  /// Where it tells clients to come to: its own port, or that of a guard that stands before it.
  public var advertisedPort: UInt16
  /// Where its controller listens.
  public var controllerPort: UInt16
  /// Where a guard stands before it: the port for the region's own servers, which administer without a token. The broker then
  /// listens on the loopback address alone, so that nobody comes past the guard from elsewhere. `nil`: there is no guard.
  public var innerPort: UInt16?
  /// Where it listens for clients that come under a name, for access rules to tell them apart. Whoever comes to ``port`` comes
  /// without one, as operators and mirrors do, and may do everything. `nil`: nowhere.
  public var namedPort: UInt16?
  /// Where it tells those clients to come to: ``namedPort``, or that of a guard.
  public var advertisedNamedPort: UInt16?
  /// Where its log is.
  public var dataDirectory: String

  /// A broker at an address.
  public init(
    address: String, port: UInt16 = 9092, advertisedPort: UInt16? = nil, controllerPort: UInt16 = 9093,
    innerPort: UInt16? = nil, namedPort: UInt16? = nil, advertisedNamedPort: UInt16? = nil, dataDirectory: String
  ) {
    self.address = address
    self.port = port
    self.advertisedPort = advertisedPort ?? port
    self.controllerPort = controllerPort
    self.innerPort = innerPort
    self.namedPort = namedPort
    self.advertisedNamedPort = advertisedNamedPort ?? namedPort
    self.dataDirectory = dataDirectory
  }

  /// The address that is reached from inside the region alone.
  public static let loopback = "127.0.0.1"

  private var listeners: String {
    let own = innerPort == nil ? address : Self.loopback
    // Brokers send each other what no guard lets pass, so their listener is the inner one.
    let inner = innerPort.map { (listen: ",INNER://\(own):\($0)", map: ",INNER:PLAINTEXT", name: "INNER") }
    let named = namedPort.map { ",NAMED://\(own):\($0)" } ?? ""
    let advertisedNamed = advertisedNamedPort.map { ",NAMED://\(address):\($0)" } ?? ""
    return """
      controller.quorum.voters=1@\(own):\(controllerPort)
      listeners=PLAINTEXT://\(own):\(port),CONTROLLER://\(own):\(controllerPort)\(inner?.listen ?? "")\(named)
      advertised.listeners=PLAINTEXT://\(address):\(advertisedPort)\(inner?.listen ?? "")\(advertisedNamed)
      controller.listener.names=CONTROLLER
      inter.broker.listener.name=\(inner?.name ?? "PLAINTEXT")
      listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\(inner?.map ?? ""),NAMED:SASL_PLAINTEXT
      """
  }

  /// The whole `server.properties`.
  public var configurationText: String { text + (namedPort == nil ? "" : Self.namedText) }

  private var text: String {
    """
    # Written by blackstart; changes here are lost with the lab.
    process.roles=broker,controller
    node.id=1
    \(listeners)
    log.dirs=\(dataDirectory)
    authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
    super.users=User:ANONYMOUS
    auto.create.topics.enable=false
    # One broker a cluster
    default.replication.factor=1
    offsets.topic.replication.factor=1
    offsets.topic.num.partitions=3
    transaction.state.log.replication.factor=1
    transaction.state.log.min.isr=1
    transaction.state.log.num.partitions=3
    # What a lost producer left open holds readers up for its own time-out, and not ten seconds beyond it.
    transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
    share.coordinator.state.topic.replication.factor=1
    share.coordinator.state.topic.min.isr=1
    # Small and quick
    group.initial.rebalance.delay.ms=0
    num.io.threads=2
    num.network.threads=2
    background.threads=2
    log.segment.bytes=16777216
    log.index.size.max.bytes=1048576
    log.cleaner.dedupe.buffer.size=4194304
    log.retention.check.interval.ms=1000
    log.initial.task.delay.ms=1000

    """
  }

  private static let namedText = """
    # Names without a proof, as in a lab: what is tried is the rules, not the passwords.
    listener.name.named.sasl.enabled.mechanisms=OAUTHBEARER
    listener.name.named.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule \
      required unsecuredLoginStringClaim_sub="broker";
    # A name may do what no rule is about: its transactional id is one such thing, for librdkafka 2.0 cannot make rules about it.
    allow.everyone.if.no.acl.found=true

    """
}

/// How one Connect worker of a lab is set up: it runs the connectors that bring records to its own region.
public struct ConnectWorkerSettings: Sendable, Hashable, Codable {
  /// The region, part of the names of its group and its topics.
  public var region: String
  /// Its numeric IPv4 address.
  public var address: String
  /// Where its REST interface listens.
  public var port: UInt16
  /// Addresses of its region's brokers.
  public var bootstrap: [String]
  /// Whether source connectors may write in transactions.
  public var exactlyOnce: Bool
  /// How often positions are kept without exactly-once: what a killed worker copies again.
  public var offsetFlushInterval: Duration
  /// How long the transaction of a killed worker holds readers up.
  public var transactionTimeout: Duration
  /// Where connectors lie that are not Kafka's own; `nil`: there are none.
  public var pluginPath: String?

  /// A worker beside a broker.
  public init(
    region: String, address: String, port: UInt16 = 8083, bootstrap: [String], exactlyOnce: Bool = true,
    offsetFlushInterval: Duration = .milliseconds(500), transactionTimeout: Duration = .seconds(5)
  ) {
    self.region = region
    self.address = address
    self.port = port
    self.bootstrap = bootstrap
    self.exactlyOnce = exactlyOnce
    self.offsetFlushInterval = offsetFlushInterval
    self.transactionTimeout = transactionTimeout
  }

  /// The topic in which it says how its connectors are.
  public static let statusTopic = "bs-mirror-status"

  /// Where its REST interface is.
  public var endpoint: String { "http://\(address):\(port)" }

  /// Its properties, as Connect's and MirrorMaker's documentation name them.
  public var properties: [String: String] {
    var entries = [
      "bootstrap.servers": bootstrap.joined(separator: ","), "group.id": "bs-mirror-\(region)",
      "listeners": endpoint, "rest.advertised.host.name": address, "rest.advertised.port": "\(port)",
      "config.storage.topic": "bs-mirror-configs", "offset.storage.topic": "bs-mirror-offsets",
      "status.storage.topic": Self.statusTopic, "config.storage.replication.factor": "1",
      "offset.storage.replication.factor": "1", "status.storage.replication.factor": "1",
      "offset.storage.partitions": "1", "status.storage.partitions": "1",
      "offset.flush.interval.ms": "\(offsetFlushInterval.milliseconds)",
      // A worker that comes back takes its tasks at once; the default leaves them alone for five minutes.
      "scheduled.rebalance.max.delay.ms": "0", "session.timeout.ms": "6000", "heartbeat.interval.ms": "2000",
      "exactly.once.source.support": exactlyOnce ? "enabled" : "disabled",
      "producer.transaction.timeout.ms": "\(transactionTimeout.milliseconds)", "plugin.discovery": "service_load",
      // A path that was cut is tried again within a second.
      "reconnect.backoff.max.ms": "500",
    ]
    if let pluginPath {
      entries["plugin.path"] = pluginPath
      // A password stands in a file of the worker's, and in no configuration of a connector.
      entries["config.providers"] = "file"
      entries["config.providers.file.class"] = "org.apache.kafka.common.config.provider.FileConfigProvider"
    }
    for side in ["key", "value", "header"] {
      entries["\(side).converter"] = "org.apache.kafka.connect.converters.ByteArrayConverter"
    }
    return entries
  }

  /// The whole `worker.properties`.
  public var configurationText: String {
    "# Written by blackstart; changes here are lost with the lab.\n"
      + properties.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
  }
}
