internal import Glibc
internal import Support

/// Apicurio Registry as its project publishes it, unpacked: the folder that `REGISTRY_HOME` names.
public struct SchemaRegistryDistribution: Sendable, Hashable, Codable {
  /// The folder.
  public var home: String
  /// The jar that runs; the others lie in `lib` beside it.
  public var jar: String
  /// Its version, `3.0.9`.
  public var version: String

  private static let name = (head: "apicurio-registry-app-", tail: "-runner.jar")
  /// The oldest whose settings the lab knows.
  private static let oldest = 3

  /// Takes the registry that the environment names.
  ///
  /// - Parameter environment: a variable's value, `nil` if it is not set.
  /// - Throws: ``Problem`` (usage): no `REGISTRY_HOME`, no registry there, or one that is too old.
  public static func locate(environment: (String) -> String? = environmentVariable) throws -> SchemaRegistryDistribution
  {
    guard let home = environment("REGISTRY_HOME"), !home.isEmpty else {
      throw Problem(
        .usage, at: "REGISTRY_HOME", "it is not set: where the schema registry is unpacked is not known",
        fix: "unpack apicurio-registry-app-3.x-all.tar.gz from apicur.io anywhere and export REGISTRY_HOME=that folder")
    }
    return try SchemaRegistryDistribution(home: home)
  }

  /// Examines the folder `home`.
  ///
  /// - Throws: as ``locate(environment:)``.
  public init(home: String) throws {
    guard home.hasPrefix("/") else {
      throw Problem(
        .usage, at: "REGISTRY_HOME", "'\(home)' is no path from the root", fix: "export REGISTRY_HOME=\"$PWD/\(home)\"")
    }
    let files = try listDirectory(home)
    guard let file = files.first(where: { $0.hasPrefix(Self.name.head) && $0.hasSuffix(Self.name.tail) }) else {
      throw Problem(
        .usage, at: home, "there is no \(Self.name.head)*\(Self.name.tail) in it, so this is no Apicurio Registry",
        fix: "let REGISTRY_HOME name the folder that has that jar and lib")
    }
    guard files.contains("lib"), try listDirectory("\(home)/lib").contains(where: { $0.hasSuffix(".jar") }) else {
      throw Problem(
        .usage, at: "\(home)/lib", "the registry's jars are missing",
        fix: "unpack the distribution anew, with its folder lib")
    }
    version = String(file.dropFirst(Self.name.head.count).dropLast(Self.name.tail.count))
    guard let major = version.split(separator: ".").first.flatMap({ Int($0) }), major >= Self.oldest else {
      throw Problem(
        .usage, at: home, "this is Apicurio Registry \(version), and the lab needs \(Self.oldest).0 or newer",
        fix: "let REGISTRY_HOME name a newer one")
    }
    self.home = home
    jar = "\(home)/\(file)"
  }
}
