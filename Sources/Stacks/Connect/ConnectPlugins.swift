internal import Support

/// Where plugins of Kafka Connect lie unpacked, a folder a plugin: the folder that `CONNECT_PLUGINS` names.
public struct ConnectPlugins: Sendable, Hashable, Codable {
  /// The folder: Connect's `plugin.path`.
  public var path: String
  /// The version of Debezium's PostgreSQL connector in it.
  public var debeziumVersion: String

  private static let jar = (head: "debezium-connector-postgres-", tail: ".jar")
  /// The oldest whose settings are known here.
  private static let oldest = 3

  /// Takes the plugins that the environment names.
  ///
  /// - Parameter environment: a variable's value, `nil` if it is not set.
  /// - Throws: ``Problem`` (usage): no `CONNECT_PLUGINS`, no Debezium connector for PostgreSQL there, or one that is too old.
  public static func locate(environment: (String) -> String? = environmentVariable) throws -> ConnectPlugins {
    guard let path = environment("CONNECT_PLUGINS"), !path.isEmpty else {
      throw Problem(
        .usage, at: "CONNECT_PLUGINS", "it is not set: where Debezium's connector is unpacked is not known",
        fix:
          "unpack debezium-connector-postgres-3.x-plugin.tar.gz from debezium.io into a folder of its own and export "
          + "CONNECT_PLUGINS=the folder around it")
    }
    return try ConnectPlugins(path: path)
  }

  /// Examines the folder `path`.
  ///
  /// - Throws: as ``locate(environment:)``.
  public init(path: String) throws {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard path.hasPrefix("/") else {
      throw Problem(
        .usage, at: "CONNECT_PLUGINS", "'\(path)' is no path from the root",
        fix: "export CONNECT_PLUGINS=\"$PWD/\(path)\"")
    }
    var versions: [String] = []
    for folder in try listDirectory(path) where fileExists("\(path)/\(folder)/.") {
      versions += try listDirectory("\(path)/\(folder)").filter {
        $0.hasPrefix(Self.jar.head) && $0.hasSuffix(Self.jar.tail)
      }.map { String($0.dropFirst(Self.jar.head.count).dropLast(Self.jar.tail.count)) }
    }
    guard let version = versions.first else {
      throw Problem(
        .usage, at: path, "no folder in it has \(Self.jar.head)*\(Self.jar.tail)",
        fix: "let CONNECT_PLUGINS name the folder *around* the one that Debezium's archive unpacks to")
    }
    guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major >= Self.oldest else {
      throw Problem(
        .usage, at: path, "this is Debezium \(version), and the lab needs \(Self.oldest).0 or newer",
        fix: "let CONNECT_PLUGINS name a newer one")
    }
    self.path = path
    debeziumVersion = version
  }
}
