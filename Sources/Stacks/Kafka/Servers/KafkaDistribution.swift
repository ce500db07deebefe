internal import Glibc
internal import Support

/// A Kafka distribution, unpacked: the folder that `KAFKA_HOME` names, with its jars in `libs`.
public struct KafkaDistribution: Sendable, Hashable, Codable {
  /// The folder.
  public var home: String
  /// Its version, `4.3.1`.
  public var version: String
  /// Its jars, sorted: the class path.
  public var jars: [String]

  /// The oldest whose brokers the lab starts; it needs KRaft, and tools under the names that 4 gave them.
  public static let oldest = 4

  /// Takes the distribution that the environment names.
  ///
  /// - Parameter environment: a variable's value, `nil` if it is not set.
  /// - Throws: ``Problem`` (usage): no `KAFKA_HOME`, jars that are missing, by name, or a version that is too old.
  public static func locate(
    environment: (String) -> String? = environmentVariable
  ) throws -> KafkaDistribution {
    guard let home = environment("KAFKA_HOME"), !home.isEmpty else {
      throw Problem(
        .usage, at: "KAFKA_HOME", "it is not set: where Kafka is unpacked is not known",
        fix: "unpack kafka_2.13-4.x.tgz from kafka.apache.org anywhere and export KAFKA_HOME=that folder")
    }
    return try KafkaDistribution(home: home)
  }

  /// Examines the folder `home`.
  ///
  /// - Throws: as ``locate(environment:)``.
  public init(home: String) throws {
    let home = home.count > 1 && home.hasSuffix("/") ? String(home.dropLast()) : home
    guard home.hasPrefix("/") else {
      throw Problem(
        .usage, at: "KAFKA_HOME", "'\(home)' is no path from the root", fix: "export KAFKA_HOME=\"$PWD/\(home)\"")
    }
    let names = try listDirectory("\(home)/libs").filter { $0.hasSuffix(".jar") }
    guard !names.isEmpty else {
      throw Problem(
        .usage, at: home, "there are no jars in \(home)/libs, so this is no Kafka distribution",
        fix: "let KAFKA_HOME name the folder that has bin, config and libs")
    }
    let missing = Self.needed.filter { jar in !names.contains { Self.version(of: $0, jar) != nil } }
    guard missing.isEmpty else {
      throw Problem(
        .usage, at: "\(home)/libs",
        "\(missing.count == 1 ? "a jar is" : "\(missing.count) jars are") missing: \(missing.map { "\($0)-*.jar" }.joined(separator: ", "))",
        fix: "unpack the distribution anew; the scala-free \"clients\" download is not enough")
    }
    version = names.lazy.compactMap { Self.version(of: $0, "kafka-clients") }.first ?? ""
    let major = version.split(separator: ".").first.flatMap { Int($0) } ?? 0
    guard major >= Self.oldest else {
      throw Problem(
        .usage, at: home, "this is Kafka \(version), and the lab needs \(Self.oldest).0 or newer",
        fix: "let KAFKA_HOME name a newer one, or attach to a cluster that runs")
    }
    self.home = home
    jars = names.map { "\(home)/libs/\($0)" }
  }

  /// The class path as one argument.
  public var classPath: String { jars.joined(separator: ":") }

  /// What the servers cannot do without; whatever else is in `libs` is on the class path as well.
  static let needed = [
    "kafka_2.13", "kafka-clients", "kafka-server", "kafka-server-common", "kafka-metadata", "kafka-raft",
    "kafka-storage",
    "kafka-group-coordinator", "kafka-transaction-coordinator", "kafka-tools", "connect-api", "connect-json",
    "connect-runtime", "connect-transforms", "connect-mirror", "connect-mirror-client", "scala-library",
    "jackson-databind",
    "jersey-server", "jose4j", "metrics-core", "slf4j-api", "lz4-java", "snappy-java", "zstd-jni",
  ]

  /// The version in the file name of `jar`; `nil` if it is the name of another one.
  private static func version(of file: String, _ jar: String) -> String? {
    guard file.hasPrefix("\(jar)-"), file.hasSuffix(".jar") else { return nil }
    let rest = file.dropFirst(jar.count + 1).dropLast(4)
    return rest.first?.isNumber == true ? String(rest) : nil
  }
}
