internal import Support

/// A server of the lab.
struct ServerName: Sendable, Hashable, Codable, CustomStringConvertible {
  var region: String
  var kind: ServerKind

  /// `east etcd`.
  var description: String { "\(region) \(kind.rawValue)" }
  /// Its log in the logs directory.
  var logFile: String { "\(region)-\(kind.rawValue).log" }
}

/// A server that was started.
struct StartedServer: Sendable, Hashable, Codable {
  var name: ServerName
  var process: ProcessIdentity
  var logPath: String
}

/// What the lab writes down before (of a process: right after) it makes something.
enum UndoEntry: Sendable, Hashable {
  case begin(boot: String)
  case namespace(String)
  case directory(String)
  case mount(String)
  case group(String)
  case starting(ServerName)
  case started(StartedServer)
  case ready

  var type: String {
    switch self {
    case .begin: "lab.begin"
    case .namespace: "namespace.creating"
    case .directory: "directory.creating"
    case .mount: "mount.creating"
    case .group: "group.creating"
    case .starting: "process.starting"
    case .started: "process.started"
    case .ready: "lab.ready"
    }
  }

  var data: JSONValue {
    switch self {
    case .begin(let boot): ["boot": .string(boot)]
    case .namespace(let name): ["name": .string(name)]
    case .directory(let path), .mount(let path), .group(let path): ["path": .string(path)]
    case .starting(let name): ["region": .string(name.region), "server": .string(name.kind.rawValue)]
    case .started(let server):
      [
        "region": .string(server.name.region), "server": .string(server.name.kind.rawValue),
        "pid": .integer(Int64(server.process.pid)), "startTicks": .integer(Int64(clamping: server.process.startTicks)),
        "log": .string(server.logPath),
      ]
    case .ready: [:]
    }
  }

  /// Reads an entry back; `nil` for a type that this version does not know.
  init?(type: String, data: JSONValue) {
    func name() -> ServerName? {
      guard let region = data["region"]?.string, let kind = data["server"]?.string.flatMap(ServerKind.init) else {
        return nil
      }
      return ServerName(region: region, kind: kind)
    }
    switch type {
    case "lab.begin":
      guard let boot = data["boot"]?.string else { return nil }
      self = .begin(boot: boot)
    case "namespace.creating":
      guard let name = data["name"]?.string else { return nil }
      self = .namespace(name)
    case "directory.creating":
      guard let path = data["path"]?.string else { return nil }
      self = .directory(path)
    case "mount.creating":
      guard let path = data["path"]?.string else { return nil }
      self = .mount(path)
    case "group.creating":
      guard let path = data["path"]?.string else { return nil }
      self = .group(path)
    case "process.starting":
      guard let name = name() else { return nil }
      self = .starting(name)
    case "process.started":
      guard let name = name(), let pid = data["pid"]?.integer.flatMap(Int32.init(exactly:)),
        let ticks = data["startTicks"]?.integer.flatMap(UInt64.init(exactly:)), let log = data["log"]?.string
      else { return nil }
      self = .started(
        StartedServer(name: name, process: ProcessIdentity(pid: pid, startTicks: ticks), logPath: log))
    case "lab.ready": self = .ready
    default: return nil
    }
  }
}

/// The undo journal of one lab: `lab.jsonl` in its directory, each entry on disk before the change it announces.
struct UndoJournal: Sendable {
  private let journal: Journal
  /// The journal of the run, which also has it.
  private let run: Journal?
  /// Called after each entry; tests stop there as a killed process would.
  private let checkpoint: @Sendable (UndoEntry) throws -> Void

  init(
    creating path: String, timebase: Timebase, run: Journal?,
    checkpoint: @escaping @Sendable (UndoEntry) throws -> Void
  ) throws(SystemError) {
    journal = try Journal(creating: path, timebase: timebase)
    self.run = run
    self.checkpoint = checkpoint
  }

  func write(_ entry: UndoEntry) async throws {
    try await journal.append(entry.type, entry.data)
    try await run?.append(entry.type.hasPrefix("lab.") ? entry.type : "lab.\(entry.type)", entry.data)
    try checkpoint(entry)
  }

  /// The entries that a journal file holds, and whether those are all that it ever held.
  ///
  /// A last line that a crash cut off announced something that was not done; it counts as damage all the same.
  static func read(_ path: String) throws(SystemError) -> (entries: [UndoEntry], isWhole: Bool) {
    guard fileExists(path) else { return ([], true) }  // nothing is made before it is there
    let contents = try JournalContents(path: path)
    return (contents.records.compactMap { UndoEntry(type: $0.type, data: $0.data) }, contents.defect == nil)
  }
}
