/// Which rule let a request pass or refused it.
public enum GuardRule: String, Sendable, Hashable, Codable, CaseIterable {
  /// It carries the token of the reign that is.
  case currentToken = "current-token"
  /// It needs a token and has none.
  case noToken = "no-token"
  /// What it carries is no token, or more than one.
  case malformedToken = "malformed-token"
  /// Its token belongs to an earlier reign.
  case staleToken = "stale-token"
  /// The authority never issued its token: it is above that of the reign that is.
  case inflatedToken = "inflated-token"
  /// Nobody holds write authority.
  case noAuthority = "no-authority"
  /// The authority has not answered for too long, so nobody can tell which token is current.
  case authorityUnknown = "authority-unknown"
  /// The authority names an earlier reign than was seen before: it was restored from a backup, or is another one.
  case authorityRegressed = "authority-regressed"
  /// The guard is told to let no write pass.
  case frozen
  /// What was decided, or the highest token seen, could not be written down.
  case notRecorded = "not-recorded"
  /// A request of a kind that this guard does not know.
  case unknownRequest = "unknown-request"
  /// An administrative request in a version that this guard does not know, so that it cannot be answered well-formed.
  case unknownVersion = "unknown-version"
  /// A request that only brokers send to each other.
  case betweenBrokers = "between-brokers"
  /// Bytes that are not what the protocol says they are, or too many of them.
  case malformedRequest = "malformed-request"
  /// It does not come over the TLS that the guard demands: in clear, or without a certificate that it takes.
  case tlsFailed = "tls-failed"
  /// A planted fault let it pass.
  case planted

  /// What it means, for the one who is refused.
  public var explanation: String {
    switch self {
    case .currentToken: "the fencing token is the current one"
    case .noToken: "this request needs the current fencing token and carries none"
    case .malformedToken: "what this request carries is not one fencing token"
    case .staleToken: "the fencing token belongs to an earlier reign"
    case .inflatedToken: "the authority never issued this fencing token"
    case .noAuthority: "nobody holds write authority now"
    case .authorityUnknown: "the authority does not answer, so the current fencing token is not known"
    case .authorityRegressed: "the authority names an earlier reign than was seen before"
    case .frozen: "the guard is told to let no write pass"
    case .notRecorded: "the guard cannot write down what it decides"
    case .unknownRequest: "the guard does not know this request"
    case .unknownVersion: "the guard does not know this version of the request"
    case .betweenBrokers: "only brokers send this request, and not through a guard"
    case .malformedRequest: "the request is not well-formed"
    case .tlsFailed: "the guard takes it only over the TLS that it demands"
    case .planted: "a planted fault lets everything pass"
    }
  }
}
