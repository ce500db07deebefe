internal import Netlink
internal import Stacks
internal import Support

/// How a lab is doing, as its servers themselves say it now.
public struct LabStatus: Sendable, Hashable, Codable {
  /// One server.
  public struct Server: Sendable, Hashable, Codable {
    /// The region it serves.
    public var region: String
    /// What it is.
    public var kind: ServerKind
    /// Its process number.
    public var pid: Int32
    /// Whether that very process still runs.
    public var alive: Bool
    /// Whether it answered, and is in order as far as it can tell.
    public var ready: Bool
    /// What it said of itself, or why it is not ready.
    public var detail: String
    /// Where clients reach it.
    public var addresses: [String]
    /// Its log.
    public var logPath: String
  }

  /// One mirror, seen from the store that it fills.
  public struct Mirror: Sendable, Hashable, Codable {
    /// The region whose events it brings.
    public var origin: String
    /// The region whose store it fills.
    public var target: String
    /// Whether it follows: its apply worker runs and the first copy is finished.
    public var streaming: Bool
    /// Bytes of the origin's log that the target has not confirmed; `nil` if the origin does not answer.
    public var lagBytes: Int64?
    /// Errors of its apply worker so far.
    public var applyErrors: Int64
  }

  /// The lab's id.
  public var id: String
  /// Who answers for it, for people.
  public var standing: String
  /// Its servers, by region and kind.
  public var servers: [Server]
  /// The region whose etcd member leads, if a majority agrees on one.
  public var etcdLeader: String?
  /// The region that has write authority, if its control plane says so.
  public var writer: String?
  /// The fencing token of that authority.
  public var token: Int64?
  /// The mirrors whose target answered.
  public var mirrors: [Mirror]
  /// What it has besides servers: mounts through which faults of files are made, and control groups.
  public var others: [String]

  /// Whether all servers are ready, there is a writer, and all mirrors that answered follow.
  public var isReady: Bool {
    servers.allSatisfy { $0.alive && $0.ready } && (writer != nil || !servers.contains { $0.kind == .controlPlane })
      && mirrors.allSatisfy(\.streaming)
  }
}

extension Lab {
  /// Asks every server how it is; all at once, none longer than about 1 s.
  public func status() async throws -> LabStatus {
    let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
      for server in servers {
        guard let region = region(server.region) else { continue }
        group.addTask(name: "status of \(server.name)") { try await self.ask(server, in: region) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    let boot = try bootID()
    let leaders = answers.compactMap(\.leader)
    let ids = Dictionary(answers.compactMap { answer in answer.member.map { ($0, answer.server.region) } }) { $1 }
    let voters = specification.regions(with: .quorum).count
    // One member alone may believe anything; a majority that names one leader cannot be wrong about the term.
    let leader = Set(leaders).first { id in leaders.count { $0 == id } > voters / 2 }
    let reign = answers.compactMap(\.reign).max { $0.token < $1.token }
    return LabStatus(
      id: specification.id, standing: "\(Lab.standing(paths, boot: boot))",
      servers: answers.map(\.server).sorted { ($0.region, $0.kind.rawValue) < ($1.region, $1.kind.rawValue) },
      etcdLeader: leader.flatMap { ids[$0] }, writer: reign?.region, token: reign?.token,
      mirrors: mirrors(answers), others: try LabRemains(paths, boot: boot).others())
  }

  private struct Answer: Sendable {
    var server: LabStatus.Server
    var member: UInt64?
    var leader: UInt64?
    var reign: (region: String, token: Int64)?
    var mirrors: MirrorStatus?
  }

  private func ask(_ server: LabServer, in region: RegionHandle) async throws -> Answer {
    var answer = Answer(
      server: LabStatus.Server(
        region: server.region, kind: server.kind, pid: server.process.pid, alive: server.process.isAlive, ready: false,
        detail: "its process has ended", addresses: addresses(of: server.kind, in: region), logPath: server.logPath))
    guard answer.server.alive else { return answer }
    switch server.kind {
    case .etcd: try await askEtcd(&answer, region)
    case .store: try await askStore(&answer, region)
    case .controlPlane: try await askControlPlane(&answer, region)
    case .broker: try await askBroker(&answer, region)
    case .worker: try await askWorker(&answer, region)
    case .registry: try await askRegistry(&answer, region)
    case .registryGuard, .adminGuard: try askGuard(&answer, server)
    }
    return answer
  }

  private func askEtcd(_ answer: inout Answer, _ region: RegionHandle) async throws {
    guard let endpoint = region.etcdEndpoint else { return }
    let client = try EtcdClient(
      endpoints: [endpoint], name: "status-etcd", networkNamespace: region.namespace.fileDescriptor)
    do throws(EtcdError) {
      let status = try await client.status()
      answer.member = status.member
      answer.leader = status.leader == 0 ? nil : status.leader
      answer.server.ready = status.leader != 0
      let role = status.leader == 0 ? "knows no leader" : status.leader == status.member ? "leads" : "follows"
      answer.server.detail = "\(role), term \(status.raftTerm), revision \(status.revision), etcd \(status.version)"
    } catch {
      answer.server.detail = "\(error)"
    }
  }

  private func askStore(_ answer: inout Answer, _ region: RegionHandle) async throws {
    guard let address = region.store?.with(user: EventStore.administrator) else { return }
    let connection = try PostgresConnection(
      address, name: "status-store", networkNamespace: region.namespace.fileDescriptor)
    do throws(PostgresError) {
      try await connection.open(within: .seconds(1))
      let store = EventStore(connection)
      let fence = try await store.fence()
      answer.mirrors = try await store.mirrorStatus()
      answer.server.ready = true
      answer.server.detail =
        "\(fence.mode == .readWrite ? "read-write" : "read-only"), fence at token \(fence.token)"
        + (fence.holder.isEmpty ? "" : " of \(fence.holder)")
    } catch {
      answer.server.detail = "\(error)"
    }
    await connection.close()
  }

  private func askControlPlane(_ answer: inout Answer, _ region: RegionHandle) async throws {
    guard let path = region.controlPlaneSocket else { return }
    switch try await ControlPlaneClient(path: path, name: "status-control").next() {
    case .silent(let why): answer.server.detail = why
    case .state(let state):
      answer.server.ready = state.etcdReachable
      answer.server.detail = [state.role.rawValue, state.note].compactMap(\.self).joined(separator: ", ")
      if let writer = state.writerRegion, let token = state.token { answer.reign = (writer, token) }
    }
  }

  private func askBroker(_ answer: inout Answer, _ region: RegionHandle) async throws {
    guard let properties = region.kafka else { return }
    let admin = try await KafkaAdmin(
      properties, name: "status-broker", networkNamespace: region.namespace.fileDescriptor, limit: .seconds(1))
    do throws(KafkaFailure) {
      let metadata = try await admin.metadata()
      let topics = metadata.topics.filter { !$0.key.hasPrefix("__") }
      let leaderless = topics.flatMap { name, partitions in
        partitions.filter { $0.leader == nil }.map { "\(name)-\($0.number)" }
      }
      answer.server.ready = leaderless.isEmpty
      answer.server.detail =
        leaderless.isEmpty
        ? "cluster \(metadata.clusterID ?? "?"), \(topics.count) topics"
        : "no leader for \(leaderless.sorted().joined(separator: ", "))"
    } catch {
      answer.server.detail = "\(error)"
    }
    await admin.close()
  }

  /// What a worker says of its connectors is its own word: it says RUNNING also while nothing flows.
  private func askWorker(_ answer: inout Answer, _ region: RegionHandle) async throws {
    guard let endpoint = region.connectEndpoint else { return }
    let client = ConnectClient(
      address: endpoint, networkNamespace: region.namespace.fileDescriptor, limit: .seconds(1))
    do {
      var states: [String] = []
      var allRun = true
      for link in specification.mirrorLinks() where link.target.alias == region.name {
        for part in KafkaMirrorLink.Part.allCases {
          let status = try await client.status(of: link.name(part))
          allRun = allRun && status?.isAll(.running, mayBeIdle: part == .checkpoint) == true
          states.append(status.map { $0.failure ?? "\($0.name) \($0.state.rawValue)" } ?? "\(link.name(part)) missing")
        }
      }
      answer.server.ready = allRun
      answer.server.detail = states.joined(separator: ", ")
    } catch let problem as Problem {
      answer.server.detail = problem.what
    }
  }

  /// Asked through its guard, as everybody asks it.
  private func askRegistry(_ answer: inout Answer, _ region: RegionHandle) async throws {
    guard let endpoint = region.registryEndpoint else { return }
    let client = SchemaRegistryClient(address: endpoint, networkNamespace: region.namespace.fileDescriptor)
    do {
      let schemas = try await client.schemas()
      answer.server.ready = true
      answer.server.detail = "\(Set(schemas.map(\.subject)).count) subjects, \(schemas.count) versions"
    } catch let problem as Problem {
      answer.server.detail = problem.what
    }
  }

  /// A guard has nothing to be asked by; what it let pass and refused stands in its log.
  private func askGuard(_ answer: inout Answer, _ server: LabServer) throws {
    let log = guardDecisions(of: server.region, server.kind)
    answer.server.ready = fileExists(log)
    answer.server.detail = answer.server.ready ? "decisions in \(log)" : "it has not opened its log of decisions"
  }

  private func addresses(of kind: ServerKind, in region: RegionHandle) -> [String] {
    switch kind {
    case .etcd:
      let port = specification.ports.etcdClient
      return ["\(region.address4):\(port)", "[\(region.address6)]:\(port)"]
    case .store:
      let port = specification.ports.store
      return ["\(region.address4):\(port)", "[\(region.address6)]:\(port)"]
    case .controlPlane: return region.controlPlaneSocket.map { [$0] } ?? []
    case .broker: return region.kafka?.bootstrap ?? []
    case .worker: return region.connectEndpoint.map { [$0] } ?? []
    case .registry: return region.registryEndpoint.map { [$0] } ?? []
    case .registryGuard: return ["\(region.address4):\(specification.ports.registry)"]
    case .adminGuard: return ["\(region.address4):\(specification.ports.kafka)"]
    }
  }

  /// A store names its slots and subscriptions by region (`EventStore`), so both ends of a mirror can be matched.
  private func mirrors(_ answers: [Answer]) -> [LabStatus.Mirror] {
    let stores = specification.regions(with: .store).map(\.name)
    let states = Dictionary(
      answers.compactMap { answer in answer.mirrors.map { (answer.server.region, $0) } }, uniquingKeysWith: { $1 })
    return stores.flatMap { target in
      stores.filter { $0 != target }.compactMap { origin in
        guard let incoming = states[target]?.incoming.first(where: { $0.subscription == "es_\(origin)" }) else {
          return nil
        }
        let slot = states[origin]?.outgoing.first { $0.slot == "es_\(origin)_to_\(target)" }
        return LabStatus.Mirror(
          origin: origin, target: target, streaming: incoming.running && incoming.unreadyTables == 0,
          lagBytes: slot?.lagBytes, applyErrors: incoming.applyErrors)
      }
    }
  }
}
