internal import Glibc
internal import Support

/// Where a lab keeps what, and what its namespaces are called.
struct LabPaths: Sendable, Hashable {
  /// The tool's own directory, `/var/lib/blackstart` unless told otherwise.
  var stateDirectory: String
  /// The lab's id.
  var id: String

  init(stateDirectory: String, id: String) {
    self.stateDirectory = absolutePath(stateDirectory)
    self.id = id
  }

  /// All labs of this state directory.
  static func labs(in stateDirectory: String) -> String { "\(stateDirectory)/labs" }

  /// Templates, which are made once and stay.
  static func cache(in stateDirectory: String) -> String { "\(stateDirectory)/cache" }

  /// All that the lab has on disk but its servers' logs. Made first, removed last.
  var directory: String { "\(Self.labs(in: stateDirectory))/\(id)" }
  /// The lab as it was asked for, with its password: mode 0600.
  var record: String { "\(directory)/lab.json" }
  /// Who is responsible for it now.
  var owner: String { "\(directory)/owner.json" }
  /// What was made, written before it was made.
  var journal: String { "\(directory)/lab.jsonl" }

  func region(_ name: String) -> String { "\(directory)/\(name)" }
  func etcdData(_ region: String) -> String { "\(self.region(region))/etcd" }
  func storeData(_ region: String) -> String { "\(self.region(region))/postgres" }
  func broker(_ region: String) -> String { "\(self.region(region))/broker" }
  func brokerData(_ region: String) -> String { "\(broker(region))/data" }
  func worker(_ region: String) -> String { "\(self.region(region))/worker" }
  /// What the worker's connectors are told by reference alone: mode 0600.
  func outboxSecrets(_ region: String) -> String { "\(worker(region))/outbox.properties" }
  func registry(_ region: String) -> String { "\(self.region(region))/registry" }
  func guardState(_ region: String, _ kind: ServerKind) -> String { "\(self.region(region))/\(kind.rawValue)" }
  func controlPlaneConfiguration(_ region: String) -> String { "\(self.region(region))/control-plane.json" }
  func controlPlaneSocket(_ region: String) -> String { "\(self.region(region))/control-plane.sock" }

  /// The namespace of a region, or of the wide-area network (`wan`).
  func namespace(_ region: String) -> String { "bs-\(id)-\(region)" }

  /// A socket's path has room for 107 bytes (unix(7)).
  func check(_ specification: LabSpecification) throws(Problem) {
    for region in specification.regions(with: .control) {
      let path = controlPlaneSocket(region.name)
      if path.utf8.count > 107 {
        throw Problem(
          .usage, at: path,
          "the path is too long for a socket (\(path.utf8.count) bytes, at most 107); nothing was made",
          fix: "use a shorter state directory")
      }
    }
  }
}

/// `path` from the root: servers run in directories of their own, and are found again by the paths they were given.
func absolutePath(_ path: String) -> String {
  if path.hasPrefix("/") { return path }
  guard let here = getcwd(nil, 0) else { return path }  // the working directory was removed; later calls will say so
  defer { free(here) }
  return "\(String(cString: here))/\(path)"
}
