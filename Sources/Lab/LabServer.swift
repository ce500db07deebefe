internal import Faults
internal import Netlink
public import Support

/// A server of a lab that was started.
public struct LabServer: Sendable {
  /// The region it serves.
  public let region: String
  /// What it is.
  public let kind: ServerKind
  /// Its process.
  public let process: ProcessIdentity
  /// The file that has what it says.
  public let logPath: String
  /// Ours to wait for, if this very process started it.
  let child: ChildProcess?
  /// How it was started; `nil` if another process did.
  let request: ProcessRequest?

  var name: ServerName { ServerName(region: region, kind: kind) }

  init(_ started: StartedServer, child: ChildProcess?, request: ProcessRequest? = nil) {
    region = started.name.region
    kind = started.name.kind
    process = started.process
    logPath = started.logPath
    self.child = child
    self.request = request
  }
}

/// A server that ended while nobody had asked it to.
public struct ServerEnded: Sendable {
  /// The region it served.
  public var region: String
  /// What it was.
  public var kind: ServerKind
  /// How it ended; `nil` if another process had started it, so that nobody here can know.
  public var end: ProcessEnd?
  /// The server, to start it again.
  public var server: LabServer
  /// Its log.
  public var logPath: String
  /// The last lines of its log.
  public var lastLines: [String]
  /// What to do, if its log has a well-known complaint.
  public var remedy: String?

  init(_ server: LabServer, _ end: ProcessEnd?) {
    region = server.region
    kind = server.kind
    self.end = end
    self.server = server
    logPath = server.logPath
    let tail = LogTail(path: server.logPath)
    lastLines = tail.lines
    remedy = tail.remedy
  }

  /// As an error: `east store: error: it exited with status 1; …`.
  public func problem(_ code: ExitCode) -> Problem {
    let how = end.map { "\($0)" } ?? "ended"
    let lines = lastLines.isEmpty ? "its log is empty" : "its last words:\n    \(lastLines.joined(separator: "\n    "))"
    return Problem(code, at: "\(region) \(kind.rawValue)", "it \(how); \(lines)", fix: remedy ?? "read \(logPath)")
  }
}

/// Starts servers inside their regions, each written down before and right after.
struct ServerStarter: Sendable {
  let paths: LabPaths
  let logsDirectory: String
  let journal: UndoJournal
  /// Control groups of the servers.
  let groups: OwnedGroups
  /// In which hierarchies; none where no fault needs them.
  let groupPlaces: [String]
  /// How clocks differ, by region, for servers that are not started with others.
  let clocks: [String: TimeOffsets]

  /// Starts one server; it is running, not ready, when this returns.
  ///
  /// - Throws: ``Problem`` (steadyState) when it cannot be started; it does not run then.
  func start(_ name: ServerName, in namespace: NetworkNamespace, _ request: ProcessRequest) async throws -> LabServer {
    var request = request
    request.networkNamespace = namespace.fileDescriptor
    request.timeOffsets = request.timeOffsets ?? clocks[name.region]
    let logPath = "\(logsDirectory)/\(name.logFile)"
    request.logPath = logPath
    try await journal.write(.starting(name))
    let child: ChildProcess
    let fixed: ProcessRequest
    do {
      // Starting blocks until the program is loaded.
      (child, fixed) = try await onOwnThread("lab-spawn") { [groups, groupPlaces, request] in
        var request = request
        request.controlGroups = try groups.make("\(name.region)-\(name.kind.rawValue)", in: groupPlaces)
        return (try ChildProcess(request), request)
      }
    } catch let error as SystemError {
      throw Problem(
        .steadyState, at: "\(name)", "it cannot be started: \(error)",
        fix: Self.remedy(error, request, logsDirectory))
    }
    let started = StartedServer(name: name, process: child.identity, logPath: logPath)
    try await journal.write(.started(started))
    return LabServer(started, child: child, request: fixed)
  }

  private static func remedy(_ error: SystemError, _ request: ProcessRequest, _ logsDirectory: String) -> String {
    switch error.call {
    case "open" where error.object.hasPrefix(logsDirectory): "make \(logsDirectory) writable, with space left"
    case "timens_offsets": "no clock can be before its start: choose clocks later than minus the machine's uptime"
    case "unshare(CLONE_NEWTIME)": "the kernel has no time namespaces (Linux 5.6, CONFIG_TIME_NS): leave clocks out"
    default: "see that \(request.path) runs"
    }
  }
}
