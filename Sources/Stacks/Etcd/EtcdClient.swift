public import Support

/// A client of etcd's v3 JSON gateway, on a thread of its own and, if asked, inside a network namespace.
///
/// Every call ends within one deadline of ours, however many endpoints it tries: a member in a minority would let us
/// wait 7 s. The endpoint that answered last is asked first; when it fails, the next call begins with the next one.
/// A request is repeated at another endpoint only when it provably never left, so no write is done twice. A call that
/// is under way when its task is cancelled still ends by its deadline.
public actor EtcdClient {
  /// The endpoints, such as `http://10.91.1.1:2379`, the preferred one first.
  public nonisolated let endpoints: [String]
  private nonisolated let executor: ThreadExecutor
  private let timebase: Timebase
  private let limit: Duration
  private let handle: CurlHandle
  private var current = 0

  /// The client's own thread.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Starts the thread; connects nowhere yet.
  ///
  /// - Parameters:
  ///   - endpoints: at least one.
  ///   - name: of the thread.
  ///   - networkNamespace: descriptor of the namespace in which the sockets open; it may be closed afterwards.
  ///   - limit: deadline of every call, 1 s at most.
  /// - Throws: ``SystemError`` when the thread cannot be made or may not enter the namespace.
  public init(
    endpoints: [String], name: String, networkNamespace: Int32? = nil, timebase: Timebase = .system,
    limit: Duration = .seconds(1)
  ) throws(SystemError) {
    precondition(!endpoints.isEmpty, "an etcd client without endpoints")
    precondition(limit <= .seconds(1), "an etcd deadline of \(limit), longer than 1 s")
    self.endpoints = endpoints
    self.timebase = timebase
    self.limit = limit
    handle = try CurlHandle()
    executor = try ThreadExecutor(name: name, networkNamespace: networkNamespace)
  }

  /// Asks for a lease of `seconds`; etcd may grant more.
  public func grantLease(seconds: Int64) throws(EtcdError) -> EtcdLease {
    try call("/v3/lease/grant", EtcdWire.grant(seconds: seconds), EtcdWire.lease)
  }

  /// Renews a lease once.
  ///
  /// - Returns: the seconds it now has; 0 when it no longer exists.
  public func keepAlive(_ lease: Int64) throws(EtcdError) -> Int64 {
    try call("/v3/lease/keepalive", EtcdWire.lease(id: lease), EtcdWire.renewed)
  }

  /// Ends a lease and deletes its keys. A lease that is gone is fine.
  public func revoke(_ lease: Int64) throws(EtcdError) {
    do throws(EtcdError) {
      try call("/v3/lease/revoke", EtcdWire.lease(id: lease)) { _ in }
    } catch {
      // gRPC 5: not found.
      guard case .refused(_, code: 5, _) = error else { throw error }
    }
  }

  /// Writes a key.
  ///
  /// - Parameter lease: the lease it is bound to; 0 for none.
  public func put(_ key: String, _ value: String, lease: Int64 = 0) throws(EtcdError) {
    try call("/v3/kv/put", EtcdWire.put(key, value, lease: lease)) { _ in }
  }

  /// Reads a key.
  ///
  /// - Parameter serializable: `true` lets the member answer from its own state, which in a minority is stale.
  /// - Returns: `nil` when there is no such key.
  public func range(_ key: String, serializable: Bool = false) throws(EtcdError) -> EtcdKeyValue? {
    try call("/v3/kv/range", EtcdWire.range(key, serializable: serializable), EtcdWire.found)
  }

  /// Creates a key only if it is not there, in one transaction.
  public func createIfAbsent(_ key: String, _ value: String, lease: Int64) throws(EtcdError) -> EtcdCreation {
    try call("/v3/kv/txn", EtcdWire.createIfAbsent(key, value, lease: lease), EtcdWire.creation)
  }

  /// Deletes a key only if it still is in the life that `token` names.
  ///
  /// - Returns: whether it was.
  public func deleteIfOwned(_ key: String, token: Int64) throws(EtcdError) -> Bool {
    try call("/v3/kv/txn", EtcdWire.deleteIfOwned(key, token: token), EtcdWire.succeeded)
  }

  /// Asks one member for its own view.
  ///
  /// - Parameter endpoint: the member asked; `nil` for whichever answers.
  public func status(endpoint: String? = nil) throws(EtcdError) -> EtcdStatus {
    try call("/v3/maintenance/status", [:], only: endpoint, EtcdWire.status)
  }

  /// Lists the members of the cluster.
  public func members() throws(EtcdError) -> [EtcdMember] {
    try call("/v3/cluster/member/list", [:], EtcdWire.members)
  }

  private func call<T>(
    _ path: String, _ request: JSONValue, only: String? = nil,
    _ read: (JSONValue) throws(EtcdWire.Malformed) -> T
  ) throws(EtcdError) -> T {
    let body: [UInt8]
    do { body = try encodeJSON(request) } catch { preconditionFailure("a JSON value that cannot be encoded: \(error)") }
    let deadline = timebase.monotonic() + limit.nanoseconds
    var last: EtcdError?
    for attempt in 0..<(only == nil ? endpoints.count : 1) {
      let endpoint = only ?? endpoints[current]
      let left = deadline - timebase.monotonic()
      if attempt > 0 && left <= 0 { break }
      do throws(EtcdError) {
        return try self.attempt(endpoint, path, body, within: .nanoseconds(left), read)
      } catch {
        if only == nil && error.blamesTheEndpoint { current = (current + 1) % endpoints.count }
        guard case .unreachable = error else { throw error }
        last = error
      }
    }
    throw last ?? .unreachable(endpoint: only ?? endpoints[current], "no time left")
  }

  private func attempt<T>(
    _ endpoint: String, _ path: String, _ body: [UInt8], within left: Duration,
    _ read: (JSONValue) throws(EtcdWire.Malformed) -> T
  ) throws(EtcdError) -> T {
    let bytes: [UInt8]
    switch handle.post(endpoint + path, body, within: left) {
    case .timedOut(sent: true): throw .timedOut(endpoint: endpoint, after: limit)
    case .timedOut(sent: false): throw .unreachable(endpoint: endpoint, "no connection within \(left.brief)")
    case .failed(let why, sent: true): throw .lost(endpoint: endpoint, why)
    case .failed(let why, sent: false): throw .unreachable(endpoint: endpoint, why)
    case .body(let body, _): bytes = body
    }
    let answer: JSONValue
    do { answer = try decodeJSON(JSONValue.self, from: bytes) } catch {
      throw .malformed(endpoint: endpoint, "not JSON: \(String(decoding: bytes.prefix(80), as: UTF8.self))")
    }
    if let (code, message) = EtcdWire.refusal(answer) {
      throw .refused(endpoint: endpoint, code: code, message)
    }
    do throws(EtcdWire.Malformed) { return try read(answer) } catch {
      throw .malformed(endpoint: endpoint, error.what)
    }
  }
}
