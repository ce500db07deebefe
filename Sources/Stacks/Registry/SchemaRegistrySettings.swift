public import Support

/// How one schema registry of a lab is set up: Apicurio on a database of its own in its region's PostgreSQL.
public struct SchemaRegistrySettings: Sendable, Hashable {
  /// Where it listens: the loopback address where a guard stands before it, so that nobody comes past that from elsewhere.
  public var address: String
  /// The port there.
  public var port: UInt16
  /// Its database, as ``databaseRole``.
  public var database: PostgresAddress

  /// The role that owns a registry's database.
  public static let databaseRole = "bs_registry"
  /// The database's name.
  public static let databaseName = "registry"
  /// Where the Confluent-compatible interface stands below the registry's address.
  public static let base = "/apis/ccompat/v7"

  /// A registry at an address.
  public init(address: String, port: UInt16, database: PostgresAddress) {
    self.address = address
    self.port = port
    self.database = database
  }

  /// The command that runs it; set its network namespace and log file before use.
  ///
  /// - Parameter directory: its own, for its passing files: it goes away with the lab.
  public func request(
    _ java: JavaRuntime, _ distribution: SchemaRegistryDistribution, in directory: String
  ) -> ProcessRequest {
    var request = ProcessRequest(
      java.program,
      [
        "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss256k", "-XX:MaxMetaspaceSize=160m",
        "-XX:ReservedCodeCacheSize=64m", "-Djava.awt.headless=true", "-XX:-UsePerfData",
        "-Djava.io.tmpdir=\(directory)", "-Dquarkus.http.host=\(address)", "-Dquarkus.http.port=\(port)",
        "-Dquarkus.log.level=WARN", "-Dquarkus.banner.enabled=false",
        // Bodies of requests would be kept in the working directory by default.
        "-Dquarkus.http.body.uploads-directory=\(directory)", "-Dapicurio.storage.kind=sql",
        "-Dapicurio.storage.sql.kind=postgresql", "-jar", distribution.jar,
      ])
    // Not on the command line, which everybody on the machine can read.
    request.environment["APICURIO_DATASOURCE_URL"] =
      "jdbc:postgresql://\(database.host):\(database.port)/\(Self.databaseName)"
    request.environment["APICURIO_DATASOURCE_USERNAME"] = Self.databaseRole
    request.environment["APICURIO_DATASOURCE_PASSWORD"] = database.password
    request.directory = directory
    return request
  }
}

extension EventStore {
  /// Makes an empty database for a schema registry, and the role that owns it, beside the store's own.
  ///
  /// - Parameter password: of the role; only its SCRAM verifier travels.
  /// - Throws: ``PostgresError``; a role without a database may be left.
  public func makeRegistryDatabase(password: String) async throws(PostgresError) {
    let role = quotedIdentifier(SchemaRegistrySettings.databaseRole)
    let verifier = try await connection.verifier(password: password, user: SchemaRegistrySettings.databaseRole)
    try await connection.execute(script: "create role \(role) login password \(quotedLiteral(verifier))")
    try await connection.execute(
      script: "create database \(quotedIdentifier(SchemaRegistrySettings.databaseName)) owner \(role)",
      within: .seconds(15))
  }
}
