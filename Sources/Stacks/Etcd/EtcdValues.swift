internal import Support

/// A lease that etcd granted.
public struct EtcdLease: Sendable, Hashable, Codable {
  /// Its number.
  public var id: Int64
  /// Seconds it lives without renewal, as granted: etcd raises what is shorter than 1.5 election timeouts.
  public var seconds: Int64

  /// A lease by number.
  public init(id: Int64, seconds: Int64) {
    self.id = id
    self.seconds = seconds
  }
}

/// A key as it stands.
public struct EtcdKeyValue: Sendable, Hashable, Codable {
  /// The key.
  public var key: String
  /// Its value.
  public var value: String
  /// The revision of the whole store at which this life of the key began: our fencing token.
  public var createRevision: Int64
  /// The revision of its last change.
  public var modRevision: Int64
  /// The lease it is bound to; 0 for none.
  public var lease: Int64

  /// A key with its value and revisions.
  public init(key: String, value: String, createRevision: Int64, modRevision: Int64, lease: Int64) {
    self.key = key
    self.value = value
    self.createRevision = createRevision
    self.modRevision = modRevision
    self.lease = lease
  }
}

/// What came of creating a key only if it is not there.
public enum EtcdCreation: Sendable, Hashable {
  /// It is created; its create revision is the fencing token.
  case created(token: Int64)
  /// It is there already, perhaps by an earlier attempt of ours whose answer was lost: compare the lease.
  case exists(EtcdKeyValue)
}

/// One member's view of the cluster.
public struct EtcdStatus: Sendable, Hashable, Codable {
  /// The member that answered.
  public var member: UInt64
  /// Who leads, in its view; 0 when nobody does.
  public var leader: UInt64
  /// Its Raft term.
  public var raftTerm: UInt64
  /// The revision of its store.
  public var revision: Int64
  /// The server's version.
  public var version: String

  /// A view by its parts.
  public init(member: UInt64, leader: UInt64, raftTerm: UInt64, revision: Int64, version: String) {
    self.member = member
    self.leader = leader
    self.raftTerm = raftTerm
    self.revision = revision
    self.version = version
  }
}

/// A member of the cluster.
public struct EtcdMember: Sendable, Hashable, Codable {
  /// Its number.
  public var id: UInt64
  /// Its name; empty until it has started once.
  public var name: String
  /// Where clients reach it.
  public var clientURLs: [String]

  /// A member by its parts.
  public init(id: UInt64, name: String, clientURLs: [String]) {
    self.id = id
    self.name = name
    self.clientURLs = clientURLs
  }
}

/// Why a call to etcd did not end well, and whether it may have taken effect all the same.
public enum EtcdError: Error, Sendable, Hashable {
  /// No endpoint could be connected to within the deadline; nothing was sent.
  case unreachable(endpoint: String, String)
  /// Our deadline passed after the request had left.
  case timedOut(endpoint: String, after: Duration)
  /// The connection broke after the request had left.
  case lost(endpoint: String, String)
  /// The server refused: gRPC code and message. A refusal of etcd's own time-outs may come after the effect.
  case refused(endpoint: String, code: Int64, String)
  /// The answer is not what etcd 3.4's gateway says.
  case malformed(endpoint: String, String)

  /// Whether a write may have taken effect although no answer says so.
  public var isUnknownOutcome: Bool {
    switch self {
    case .unreachable: false
    case .timedOut, .lost, .malformed: true
    // Codes 1 (cancelled), 2 (unknown), 4 (deadline exceeded), 13 (internal), 14 (unavailable): the proposal may be in
    // the log already (google.golang.org/grpc/codes; "etcdserver: request timed out" is 14).
    case .refused(_, let code, _): [1, 2, 4, 13, 14].contains(code)
    }
  }
}

extension EtcdError {
  /// Whether another endpoint might have answered.
  var blamesTheEndpoint: Bool {
    if case .unreachable = self { return true }
    return isUnknownOutcome
  }
}

extension EtcdError: CustomStringConvertible {
  /// What happened, at which endpoint.
  public var description: String {
    switch self {
    case .unreachable(let endpoint, let why): "cannot reach etcd at \(endpoint): \(why)"
    case .timedOut(let endpoint, let limit): "etcd at \(endpoint) gave no answer within \(limit.brief)"
    case .lost(let endpoint, let why): "the connection to etcd at \(endpoint) broke: \(why)"
    case .refused(let endpoint, let code, let why): "etcd at \(endpoint) refused: \(why) (gRPC code \(code))"
    case .malformed(let endpoint, let what): "etcd at \(endpoint) answered in an unexpected shape: \(what)"
    }
  }
}
