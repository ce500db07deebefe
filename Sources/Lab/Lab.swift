internal import Glibc
internal import Netlink
internal import Stacks
public import Support
internal import Synchronization

/// A standing lab: its regions, its servers, and how to take it down.
///
/// Everything it has on the machine is found from its directory below the state directory, so whoever has that can take
/// it down, also after this object and its process are gone.
public final class Lab: Sendable {
  /// What was asked for.
  public let specification: LabSpecification
  /// The regions, in the specification's order.
  public let regions: [RegionHandle]
  /// Where their logs are.
  public let logsDirectory: String
  let paths: LabPaths
  let password: String
  private let roster: Mutex<[LabServer]>
  /// Starts servers; `nil` for a lab that another process made.
  private let starter: ServerStarter?

  init(
    record: LabRecord, paths: LabPaths, namespaces: [String: NetworkNamespace], servers: [LabServer],
    starter: ServerStarter? = nil
  ) {
    self.starter = starter
    specification = record.specification
    logsDirectory = record.logsDirectory
    password = record.password
    self.paths = paths
    roster = Mutex(servers.sorted { ($0.name.region, $0.kind.rawValue) < ($1.name.region, $1.kind.rawValue) })
    regions = specification.regions.enumerated().compactMap { index, region in
      namespaces[region.name].map {
        RegionHandle(
          region, number: index + 1, namespace: $0, paths: paths, specification: record.specification,
          password: record.password)
      }
    }
  }

  /// The servers as they were started last.
  public var servers: [LabServer] { roster.withLock { $0 } }

  /// Starts a server again that has ended, as it was started before. It runs, and need not be ready, when this returns.
  ///
  /// - Parameter clocks: how its monotonic and boot clocks are to differ from ours from now on; `nil`: as before.
  /// - Returns: the new one, which stands in ``servers`` from now on.
  /// - Throws: ``Problem``: usage if this process did not make the lab, steadyState if it runs still or cannot be started.
  public func restart(_ server: LabServer, clocks: TimeOffsets? = nil) async throws -> LabServer {
    guard let starter, var request = server.request, let region = region(server.region) else {
      throw Problem(.usage, at: "lab \(specification.id)", "only the process that made a lab starts its servers again")
    }
    guard !server.process.isAlive else {
      throw Problem(.steadyState, at: "\(server.name)", "it runs still, so it was not started again")
    }
    if let clocks { request.timeOffsets = clocks }
    let successor = try await starter.start(server.name, in: region.namespace, request)
    roster.withLock { roster in
      if let place = roster.firstIndex(where: { $0.name == server.name }) { roster[place] = successor }
    }
    return successor
  }

  /// The region with that name, if there is one.
  public func region(_ name: String) -> RegionHandle? { regions.first { $0.name == name } }

  /// The endpoints of etcd, that of `region` first: a client asks the member beside it before the others.
  public func etcdEndpoints(preferring region: String) -> [String] {
    regions.filter { $0.name == region }.compactMap(\.etcdEndpoint)
      + regions.filter { $0.name != region }.compactMap(\.etcdEndpoint)
  }

  /// Opens a lab that another process made.
  ///
  /// - Throws: ``Problem`` (usage) if there is no such lab, or it is not whole; nothing was changed.
  public static func open(_ id: String, stateDirectory: String) throws -> Lab {
    let paths = LabPaths(stateDirectory: stateDirectory, id: id)
    guard LabSpecification.isName(id, atMost: 16, digitFirst: true), fileExists(paths.directory) else {
      throw Problem(
        .usage, at: paths.directory, "there is no lab '\(id)'", fix: "blackstart lab up, or another --state directory")
    }
    let record: LabRecord
    var namespaces: [String: NetworkNamespace] = [:]
    let entries: [UndoEntry]
    do {
      record = try LabRecord.read(paths.record)
      entries = try UndoJournal.read(paths.journal).entries
      for region in record.specification.regions {
        namespaces[region.name] = try NetworkNamespace.open(named: paths.namespace(region.name))
      }
    } catch {
      throw Problem(
        .usage, at: "lab \(id)", "it is not whole (\(error)); it was not touched", fix: "blackstart recover")
    }
    let servers = entries.compactMap { entry -> LabServer? in
      guard case .started(let started) = entry else { return nil }
      return LabServer(started, child: nil)
    }
    return Lab(record: record, paths: paths, namespaces: namespaces, servers: servers)
  }

  /// Leaves the lab standing when this process ends: `recover` then lets it be.
  public func keep() throws {
    try write(.kept)
  }

  /// Takes the lab down without a trace but the servers' logs. Runs to its end also when the caller is cancelled.
  ///
  /// - Returns: what was removed, in words.
  /// - Throws: ``Problem`` (recoveryIncomplete) saying what is left.
  @discardableResult
  public func down() async throws -> [String] {
    try await Self.takeDown(paths)
  }

  /// Takes down the lab `id` of a state directory, whatever state it is in.
  ///
  /// - Parameter force: also while another process uses it, which then sees its servers die.
  /// - Throws: ``Problem``: usage if there is no such lab or it is in use, recoveryIncomplete saying what is left.
  @discardableResult
  public static func down(_ id: String, stateDirectory: String, force: Bool = false) async throws -> [String] {
    let paths = LabPaths(stateDirectory: stateDirectory, id: id)
    guard LabSpecification.isName(id, atMost: 16, digitFirst: true), fileExists(paths.directory) else {
      throw Problem(
        .usage, at: paths.directory, "there is no lab '\(id)'; nothing was changed", fix: "blackstart recover --list")
    }
    if !force, case .held(let process) = standing(paths, boot: try bootID()), process.pid != getpid() {
      throw Problem(
        .usage, at: "lab \(id)", "\(process) uses it; nothing was changed",
        fix: "end that process first, or say --force")
    }
    return try await takeDown(paths)
  }

  /// Reports each server that ends, until the caller is cancelled. Run it beside the drill.
  ///
  /// A server that the drill itself ends is reported as well; the drill knows which it meant.
  ///
  /// - Parameter report: returns the server that took its place, if any: that one is watched from then on.
  public func superviseServers(
    clock: any Clock<Duration> = ContinuousClock(), _ report: @escaping @Sendable (ServerEnded) async -> LabServer?
  ) async {
    await withDiscardingTaskGroup { group in
      for server in servers {
        group.addTask(name: "watch \(server.name)") {
          var watched: LabServer? = server
          while let server = watched, let ended = await Self.end(of: server, clock) { watched = await report(ended) }
        }
      }
    }
  }

  /// How a server ended; `nil` when the caller was cancelled first.
  private static func end(of server: LabServer, _ clock: any Clock<Duration>) async -> ServerEnded? {
    guard let child = server.child else { return await watch(server, clock) }
    return await child.wait().map { ServerEnded(server, $0) }
  }

  /// Watches a server that is no child of ours: the kernel tells only its parent.
  private static func watch(_ server: LabServer, _ clock: any Clock<Duration>) async -> ServerEnded? {
    while server.process.isAlive {
      do { try await clock.sleep(for: .milliseconds(200)) } catch { return nil }  // cancelled
    }
    return ServerEnded(server, nil)
  }

  func write(_ phase: LabOwner.Phase) throws {
    try writeFile(paths.owner, encodeJSON(LabOwner.mine(phase)))
  }

  static func takeDown(_ paths: LabPaths) async throws -> [String] {
    try await shieldedThrowing {
      try await onOwnThread("lab-down") {
        let boot = try bootID()
        // From here on a kill leaves an abandoned lab, not one that looks kept. A full disk must not keep it up, though.
        let owner = try encodeJSON(LabOwner.mine(.closing))
        do { try writeFile(paths.owner, owner) } catch {
          try removeTree(paths.owner)  // no owner is abandoned too
        }
        return try LabRemains(paths, boot: boot).remove()
      }
    }
  }
}
