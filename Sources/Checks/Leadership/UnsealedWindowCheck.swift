internal import Events
internal import Support

/// E5, unsealed window: a write with an old token, begun after a newer token was granted, was accepted by a resource that had
/// not seen the newer token yet. The fencing scheme allows it; it is bounded by the window from the grant to the first accept
/// of the new token, which is measured for each resource.
struct UnsealedWindowCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.unsealedWindow]

  /// The time from a grant to the moment a resource was known to have taken its token.
  struct Window: Sendable, Hashable {
    var resource: String
    var token: FencingToken
    var granted: Int64
    var sealed: Int64

    var length: Int64 { sealed - granted }
  }

  private struct Grant: Sendable {
    var token: FencingToken
    var returned: Int64
  }

  private static let capacity = 1024
  private var grants: [Grant] = []
  private var highest: [String: FencingToken] = [:]
  private var findings = FindingBuffer()
  private(set) var windows: [Window] = []

  mutating func take(_ change: LeaseChange) {
    guard change.kind == .acquired else { return }
    grants.append(Grant(token: change.token, returned: change.returned))
    if grants.count > Self.capacity { grants.removeFirst(Self.capacity / 2) }
  }

  mutating func take(_ accept: FenceAccept) {
    let before = highest[accept.resource]
    if before.map({ accept.token > $0 }) ?? true {
      highest[accept.resource] = accept.token
      if let known = accept.known, let grant = grants.first(where: { $0.token == accept.token }),
        windows.count < Self.capacity
      {
        windows.append(Window(resource: accept.resource, token: accept.token, granted: grant.returned, sealed: known))
      }
    }
    guard !accept.isSeal, let invoked = accept.invoked, before.map({ accept.token >= $0 }) ?? true else { return }
    let newer = grants.filter { $0.token > accept.token && $0.returned < invoked }.min { $0.returned < $1.returned }
    guard let newer else { return }
    findings.add(
      Finding(
        .unsealedWindow,
        "\(accept.resource) took \(accept.event?.description ?? "a write") with token \(accept.token), begun "
          + "\(brief(invoked - newer.returned)) after token \(newer.token) was granted: it had not been sealed with that yet",
        events: accept.event.map { [$0] } ?? [], store: accept.resource,
        tokens: [accept.token.revision, newer.token.revision], positions: [accept.sequence],
        times: [newer.returned, invoked]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
