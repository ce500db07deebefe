internal import Glibc
internal import Support

/// Where this machine has the programs of the servers.
public struct ServerBinaries: Sendable, Hashable, Codable {
  /// The PostgreSQL server.
  public var postgres: String
  /// What makes its data directories.
  public var initdb: String
  /// Its major version.
  public var postgresVersion: Int
  /// The etcd server.
  public var etcd: String

  /// The oldest PostgreSQL that has column lists in publications, which the event store's mirrors need.
  public static let oldestPostgres = 15

  /// Finds the programs in the places where Debian puts them.
  ///
  /// - Parameter root: prefix of all places, for tests.
  /// - Throws: ``Problems`` naming each missing program with its package; code ``ExitCode/usage``.
  public static func locate(root: String = "") throws -> ServerBinaries {
    var problems: [Problem] = []
    let library = "\(root)/usr/lib/postgresql"
    let versions = try listDirectory(library).compactMap(Int.init).sorted(by: >).filter { version in
      ["postgres", "initdb"].allSatisfy { isProgram("\(library)/\(version)/bin/\($0)") }
    }
    // Debian 12's own version first: it is the one that every drill is tested with.
    let version = versions.contains(oldestPostgres) ? oldestPostgres : versions.first { $0 > oldestPostgres }
    if version == nil {
      let found = versions.isEmpty ? "" : "; version \(versions[0]) is too old"
      problems.append(
        Problem(
          .usage, at: "PostgreSQL", "no server of version \(oldestPostgres) or newer under \(library)\(found)",
          fix: "apt-get install postgresql-\(oldestPostgres)"))
    }
    let etcd = ["/usr/bin/etcd", "/usr/local/bin/etcd"].map { root + $0 }.first(where: isProgram)
    if etcd == nil {
      problems.append(
        Problem(
          .usage, at: "etcd", "no etcd in \(root)/usr/bin or \(root)/usr/local/bin",
          fix: "apt-get install etcd-server"))
    }
    guard let version, let etcd else { throw Problems(problems) }
    let bin = "\(library)/\(version)/bin"
    return ServerBinaries(postgres: "\(bin)/postgres", initdb: "\(bin)/initdb", postgresVersion: version, etcd: etcd)
  }

  private static func isProgram(_ path: String) -> Bool { access(path, X_OK) == 0 }
}
