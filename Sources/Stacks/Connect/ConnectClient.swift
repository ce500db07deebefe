public import Support

/// A connector's or a task's state, as Connect names it.
public enum ConnectState: String, Sendable, Hashable, Codable {
  /// It works, or says so: right after a restart this may still be the dead worker's word.
  case running = "RUNNING"
  /// It was told to pause.
  case paused = "PAUSED"
  /// It was told to stop; it has no tasks then.
  case stopped = "STOPPED"
  /// It ended with an error.
  case failed = "FAILED"
  /// No worker has it.
  case unassigned = "UNASSIGNED"
  /// It is being started again.
  case restarting = "RESTARTING"
  /// It was deleted.
  case destroyed = "DESTROYED"
}

/// How a connector is, as its worker tells it.
public struct ConnectStatus: Sendable, Hashable, Codable {
  /// One task.
  public struct Task: Sendable, Hashable, Codable {
    /// Its number.
    public var id: Int
    /// Its state.
    public var state: ConnectState
    /// The worker that has it.
    public var worker: String
    /// Why it failed: the first line of its trace.
    public var reason: String?
  }

  /// The connector.
  public var name: String
  /// Its own state.
  public var state: ConnectState
  /// The worker that has it.
  public var worker: String
  /// Why it failed: the first line of its trace.
  public var reason: String?
  /// Its tasks.
  public var tasks: [Task]

  /// Whether connector and tasks agree on `wanted`. A stopped connector has no tasks, any other has at least one.
  ///
  /// - Parameter mayBeIdle: no tasks are fine; a checkpoint connector has none until a group has committed something.
  public func isAll(_ wanted: ConnectState, mayBeIdle: Bool = false) -> Bool {
    guard state == wanted else { return false }
    if wanted == .stopped { return tasks.isEmpty }
    return (mayBeIdle || !tasks.isEmpty) && tasks.allSatisfy { $0.state == wanted }
  }

  /// What failed, and why; `nil` when nothing did.
  public var failure: String? {
    if state == .failed { return "connector \(name): \(reason ?? "no reason given")" }
    guard let task = tasks.first(where: { $0.state == .failed }) else { return nil }
    return "task \(task.id) of \(name): \(task.reason ?? "no reason given")"
  }

  /// `east-to-eu-source RUNNING, tasks 0 RUNNING, 1 FAILED`.
  public var description: String {
    let parts = tasks.map { "\($0.id) \($0.state.rawValue)" }
    return "\(name) \(state.rawValue)\(parts.isEmpty ? ", no tasks" : ", tasks \(parts.joined(separator: ", "))")"
  }

  /// Reads Connect's answer.
  ///
  /// - Returns: `nil` when it is no status.
  init?(_ answer: JSONValue) {
    func reason(_ part: JSONValue) -> String? {
      part["trace"]?.string.flatMap { $0.split(whereSeparator: \.isNewline).first.map(String.init) }
    }
    guard let name = answer["name"]?.string, let own = answer["connector"],
      let state = own["state"]?.string.flatMap(ConnectState.init), let tasks = answer["tasks"]?.array
    else { return nil }
    self.name = name
    self.state = state
    worker = own["worker_id"]?.string ?? ""
    self.reason = reason(own)
    self.tasks = []
    for task in tasks {
      guard let id = task["id"]?.integer, let state = task["state"]?.string.flatMap(ConnectState.init) else {
        return nil
      }
      self.tasks.append(
        Task(id: Int(id), state: state, worker: task["worker_id"]?.string ?? "", reason: reason(task)))
    }
    self.tasks.sort { $0.id < $1.id }
  }
}

/// Where a source connector is in one of its source's partitions, as Connect keeps it.
public struct ConnectOffset: Sendable, Hashable, Codable {
  /// The partition, in the connector's own words: for a mirror its cluster, topic and number.
  public var partition: JSONValue
  /// The place there; `null` takes it away.
  public var offset: JSONValue

  /// An offset from its parts.
  public init(partition: JSONValue, offset: JSONValue) {
    self.partition = partition
    self.offset = offset
  }

  /// Where the mirror of `partition` of cluster `alias` has last copied: the offset of that record at the source.
  public static func mirrored(_ partition: KafkaPartition, of alias: String, lastOffset: Int64) -> ConnectOffset {
    ConnectOffset(
      partition: [
        "cluster": .string(alias), "partition": .integer(Int64(partition.number)), "topic": .string(partition.topic),
      ], offset: ["offset": .integer(lastOffset)])
  }

  /// The source's partition and the offset of the last record that was copied; `nil` where this is no mirror's offset.
  public var mirrored: (partition: KafkaPartition, lastOffset: Int64)? {
    guard let topic = partition["topic"]?.string,
      let number = partition["partition"]?.integer.flatMap(Int32.init(exactly:)),
      let last = offset["offset"]?.integer
    else { return nil }
    return (KafkaPartition(topic, number), last)
  }
}

/// Kafka Connect's REST interface of one worker.
///
/// Connect answers 202 to most orders at once and follows later: what must have happened is asked for by
/// ``waitUntil(_:is:mayBeIdle:within:)``. No order is repeated by itself.
public struct ConnectClient: Sendable {
  /// Where the worker listens, `http://10.91.2.1:8083`.
  public var address: String
  /// Descriptor of the namespace in which sockets open; `nil` for ours. The caller keeps it open.
  public var networkNamespace: Int32?
  /// The longest that one request may take.
  public var limit: Duration
  /// What waiting counts on.
  public var clock: any Clock<Duration>
  /// What is sent as `Authorization`, asked for anew for every request; it goes nowhere else. `nil`: nothing.
  public var authorization: (@Sendable () throws -> String)?
  /// The certificates of those who may vouch for an `https:` address, a file; `nil`: this machine's own.
  public var authorities: String?

  /// A client of the worker at `address`.
  public init(
    address: String, networkNamespace: Int32? = nil, limit: Duration = .seconds(5),
    clock: any Clock<Duration> = ContinuousClock()
  ) {
    self.address = address.hasSuffix("/") ? String(address.dropLast()) : address
    self.networkNamespace = networkNamespace
    self.limit = limit
    self.clock = clock
  }

  /// The worker's version and the id of its cluster; the first thing that answers after a start.
  public func worker() async throws -> (version: String, clusterID: String) {
    let answer = try await call("GET", "/")
    return (answer["version"]?.string ?? "unknown", answer["kafka_cluster_id"]?.string ?? "unknown")
  }

  /// The names of all connectors, sorted.
  public func connectors() async throws -> [String] {
    (try await call("GET", "/connectors").array ?? []).compactMap(\.string).sorted()
  }

  /// Creates a connector or changes its configuration.
  public func put(_ name: String, _ configuration: [String: String]) async throws {
    _ = try await call("PUT", "\(path(name))/config", .object(configuration.mapValues(JSONValue.string)))
  }

  /// The configuration of a connector; `nil` when there is none of that name.
  public func configuration(of name: String) async throws -> [String: String]? {
    guard let answer = try await find("\(path(name))/config"), case .object(let entries) = answer else { return nil }
    return entries.compactMapValues(\.string)
  }

  /// Deletes a connector; one that does not exist is fine.
  public func delete(_ name: String) async throws {
    _ = try await call("DELETE", path(name), allowed: [404])
  }

  /// How a connector and its tasks are; `nil` when there is none of that name, or it has no status yet.
  public func status(of name: String) async throws -> ConnectStatus? {
    guard let answer = try await find("\(path(name))/status") else { return nil }
    guard let status = ConnectStatus(answer) else { throw strange("GET \(path(name))/status", answer) }
    return status
  }

  /// Orders a connector to pause: its tasks stay, and do nothing.
  public func pause(_ name: String) async throws { _ = try await call("PUT", "\(path(name))/pause") }

  /// Orders a connector to go on after ``pause(_:)`` or ``stop(_:)``.
  public func resume(_ name: String) async throws { _ = try await call("PUT", "\(path(name))/resume") }

  /// Orders a connector to stop: its tasks end. Only then can its offsets be changed.
  public func stop(_ name: String) async throws { _ = try await call("PUT", "\(path(name))/stop") }

  /// Orders a connector and all its tasks to start again.
  public func restart(_ name: String) async throws {
    _ = try await call("POST", "\(path(name))/restart?includeTasks=true&onlyFailed=false")
  }

  /// Waits until the connector and every task of it are in `state`; see ``ConnectStatus/isAll(_:mayBeIdle:)``.
  ///
  /// - Throws: ``Problem`` (steadyState): one of them failed, with the first line of its trace, or the limit passed, with the
  ///   last states seen.
  @discardableResult
  public func waitUntil(
    _ name: String, is state: ConnectState, mayBeIdle: Bool = false, within limit: Duration = .seconds(20)
  ) async throws -> ConnectStatus {
    let seen = LastSeen()
    do {
      return try await withDeadline(limit, clock: clock, "\(name) to be \(state.rawValue)") {
        while true {
          let status: ConnectStatus?
          do { status = try await self.status(of: name) } catch let problem as Problem {
            // A worker answers 409 while it hands connectors out anew, and not at all while it starts.
            await seen.set(problem.what)
            try await clock.sleep(for: .milliseconds(50))
            continue
          }
          if let status {
            if status.isAll(state, mayBeIdle: mayBeIdle) { return status }
            if let failure = status.failure, state != .failed {
              throw Problem(
                .steadyState, at: address, "\(failure); it cannot become \(state.rawValue)",
                fix: "mend the cause, then restart the connector")
            }
            await seen.set(status.description)
          } else {
            await seen.set("the worker knows no connector \(name)")
          }
          try await clock.sleep(for: .milliseconds(50))
        }
      }
    } catch is DeadlineExceeded {
      throw Problem(
        .steadyState, at: address,
        "\(name) was not \(state.rawValue) within \(limit.brief); last seen: \(await seen.text)",
        fix: "read the worker's log")
    }
  }

  /// A source connector's offsets; those of a partition that it has not begun are missing.
  public func offsets(of name: String) async throws -> [ConnectOffset] {
    let answer = try await call("GET", "\(path(name))/offsets")
    guard let list = answer["offsets"]?.array else { throw strange("GET \(path(name))/offsets", answer) }
    return list.compactMap { entry in
      entry["partition"].map { ConnectOffset(partition: $0, offset: entry["offset"] ?? .null) }
    }
  }

  /// Sets some of a stopped connector's offsets. What was copied after them is copied again, what stands before them is not.
  ///
  /// - Throws: ``Problem``; Connect refuses a connector that is not stopped.
  public func setOffsets(of name: String, _ offsets: [ConnectOffset]) async throws {
    let list = offsets.map { JSONValue.object(["partition": $0.partition, "offset": $0.offset]) }
    _ = try await call("PATCH", "\(path(name))/offsets", ["offsets": .array(list)])
  }

  /// That somebody knows what a reset does.
  public enum ResetConfirmation: Sendable {
    /// Everything that the source still has is mirrored again, under new offsets: duplicates by design.
    case everythingIsMirroredAgain
  }

  /// Forgets all offsets of a stopped connector.
  ///
  /// - Throws: ``Problem``; Connect refuses a connector that is not stopped.
  public func resetOffsets(of name: String, _ confirmation: ResetConfirmation) async throws {
    _ = try await call("DELETE", "\(path(name))/offsets")
  }

  private actor LastSeen {
    var text = "nothing"
    func set(_ text: String) { self.text = text }
  }

  private func path(_ name: String) -> String { "/connectors/\(percentEncoded(name))" }

  /// The answer to a GET; `nil` for 404.
  private func find(_ path: String) async throws -> JSONValue? {
    let (status, answer) = try await exchange("GET", path, nil)
    if status == 404 { return nil }
    guard (200..<300).contains(status) else { throw refused("GET", path, status, answer) }
    return answer
  }

  private func call(
    _ method: String, _ path: String, _ body: JSONValue? = nil, allowed: Set<Int> = []
  ) async throws -> JSONValue {
    let (status, answer) = try await exchange(method, path, body)
    guard (200..<300).contains(status) || allowed.contains(status) else { throw refused(method, path, status, answer) }
    return answer
  }

  private func exchange(_ method: String, _ path: String, _ body: JSONValue?) async throws -> (Int, JSONValue) {
    var headers = [(name: "Content-Type", value: "application/json"), (name: "Accept", value: "application/json")]
    if let authorization { headers.append((name: "Authorization", value: try authorization())) }
    var request = HTTPRequest(
      method: method, url: address + path, headers: headers,
      // curl needs a body where the method usually has one, or it waits for one.
      body: try body.map { try encodeJSON($0) } ?? (method == "GET" || method == "DELETE" ? nil : []))
    request.authorities = authorities
    switch try await sendHTTP(request, within: limit, networkNamespace: networkNamespace) {
    case .failed(let why):
      throw Problem(
        .steadyState, at: address, "the Connect worker did not answer \(method) \(path): \(why)",
        fix: "see that it runs and that its REST address is reachable")
    case .answered(let status, let bytes):
      if bytes.isEmpty { return (status, .null) }
      guard let value = try? decodeJSON(JSONValue.self, from: bytes) else {
        // Jetty speaks HTML when something stands before Connect, or nothing of Connect's is there.
        return (status, .string(String(decoding: bytes.prefix(200), as: UTF8.self)))
      }
      return (status, value)
    }
  }

  private func refused(_ method: String, _ path: String, _ status: Int, _ answer: JSONValue) -> Problem {
    let why = answer["message"]?.string ?? answer.string ?? ""
    let first = why.split(whereSeparator: \.isNewline).first.map(String.init) ?? "no reason given"
    return Problem(
      .steadyState, at: address, "the Connect worker refused \(method) \(path) with status \(status): \(first)",
      fix: status == 409
        ? "it hands connectors out anew: try again in a moment"
        : [401, 403].contains(status)
          ? "check the secret that connect.authorization refers to, and what it allows" : nil)
  }

  private func strange(_ what: String, _ answer: JSONValue) -> Problem {
    Problem(
      .steadyState, at: address, "the answer to \(what) is none of Connect's: \("\(answer)".prefix(120))",
      fix: "see that the address is a Connect worker's")
  }
}
