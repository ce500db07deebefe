internal import Netlink
internal import Support

/// What of a lab is on the machine, found without the lab's own records or code.
struct LabCensus {
  /// Names below `/run/netns`.
  var namespaces: [String]
  /// Processes in the lab's namespaces, or with its state directory on their command line.
  var processes: [String]
  /// Entries of the directory of labs.
  var directories: [String]
  /// System V segments of its databases.
  var segments: [String]

  var isEmpty: Bool { namespaces.isEmpty && processes.isEmpty && directories.isEmpty && segments.isEmpty }

  /// `4 namespaces, 9 processes, 1 directory`; `nothing`.
  var brief: String {
    let parts = [
      (namespaces.count, "namespace"), (processes.count, "process"), (directories.count, "lab directory"),
      (segments.count, "segment"),
    ].filter { $0.0 > 0 }.map { "\($0) \($1)" }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }

  /// Everything by name.
  var details: String { (namespaces + processes + directories + segments).joined(separator: ", ") }
}

/// Where to look for the parts of one lab. Made while the lab stands.
struct LabTrace: Sendable {
  private let prefix: String
  private let labsDirectory: String
  private let stateDirectory: String
  /// Held open: the number of a namespace that is gone would be given to somebody else's.
  private let namespaces: [NetworkNamespace]
  private let segments: Set<Int64>

  /// - Parameter namespaces: the lab's own, so that a process is found in them even when their names are gone.
  init(lab id: String, namespaces: [NetworkNamespace], stateDirectory: String) throws {
    prefix = "bs-\(id)-"
    labsDirectory = "\(stateDirectory)/labs"
    self.stateDirectory = stateDirectory
    self.namespaces = namespaces
    segments = try Self.segments(of: "\(stateDirectory)/labs/\(id)")
  }

  /// Looks now.
  func census() throws -> LabCensus {
    LabCensus(
      namespaces: try NetworkNamespace.names().filter { $0.hasPrefix(prefix) },
      processes: try processes(),
      directories: try listDirectory(labsDirectory).map { "\(labsDirectory)/\($0)" },
      segments: try standingSegments().filter { segments.contains($0) }.map { "shared memory \($0)" })
  }

  private func processes() throws -> [String] {
    let identities = Set(namespaces.map(\.identity))
    return try listDirectory("/proc").compactMap { entry in
      // A process that ends while it is looked at is none that is left.
      guard let pid = Int32(entry), let namespace = try? NetworkNamespace.open(pid: pid),
        let words = try? readFile("/proc/\(pid)/cmdline", limit: 1 << 20)
      else { return nil }
      let command = String(decoding: words.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
      guard identities.contains(namespace.identity) || command.contains(stateDirectory) else { return nil }
      return "pid \(pid) \(command.prefix(60))"
    }
  }

  /// The shared memory of each database, from the seventh line of `postmaster.pid`: key and id.
  private static func segments(of directory: String) throws -> Set<Int64> {
    var found: Set<Int64> = []
    for region in try listDirectory(directory) {
      let path = "\(directory)/\(region)/postgres/postmaster.pid"
      guard fileExists(path) else { continue }
      let lines = String(decoding: try readFile(path, limit: 1 << 16), as: UTF8.self).split(
        separator: "\n", omittingEmptySubsequences: false)
      guard lines.count > 6, let id = lines[6].split(separator: " ").last.flatMap({ Int64($0) }) else { continue }
      found.insert(id)
    }
    return found
  }

  /// The ids of all segments of this machine: the second column of `/proc/sysvipc/shm`.
  private func standingSegments() throws -> [Int64] {
    String(decoding: try readFile("/proc/sysvipc/shm", limit: 16 << 20), as: UTF8.self).split(separator: "\n")
      .dropFirst().compactMap { line in
        let columns = line.split(separator: " ")
        return columns.count > 1 ? Int64(columns[1]) : nil
      }
  }
}
