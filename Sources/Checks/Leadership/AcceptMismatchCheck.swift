internal import Events

/// E7, accept mismatch: a write was acknowledged and the resource's own order lacks it (acknowledged, then discarded), or it
/// was refused and stands there all the same.
///
/// Kept are the writes whose place in the order has not been seen yet, and a bit for each that has been accepted or refused.
/// Judged only for resources of which all that they accepted is known.
struct AcceptMismatchCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.acceptMismatch]

  private struct Resource: Sendable {
    var accepted = EventSet()
    var refused = EventSet()
    var acknowledged: [EventID: FencedWrite] = [:]
    var order: [EventID] = []
    var isComplete = false
  }

  private var resources: [String: Resource] = [:]
  private var findings = FindingBuffer()
  private(set) var judged = 0

  mutating func take(_ write: FencedWrite) {
    guard let event = write.event else { return }
    switch write.status {
    case .ok:
      judged += 1
      guard resources[write.resource]?.accepted.contains(event) != true else { return }
      resources[write.resource, default: Resource()].acknowledged[event] = write
      resources[write.resource]?.order.append(event)
      compact(write.resource)
    case .rejected, .closed:
      judged += 1
      _ = resources[write.resource, default: Resource()].refused.insert(event)
      if resources[write.resource]?.accepted.contains(event) == true { addRefused(event, write.token, write.resource) }
    case .failed, .unknown: break
    }
  }

  mutating func take(_ accept: FenceAccept) {
    guard !accept.isSeal, let event = accept.event else { return }
    guard resources[accept.resource, default: Resource()].accepted.insert(event) else { return }
    resources[accept.resource]?.acknowledged[event] = nil
    if resources[accept.resource]?.refused.contains(event) == true { addRefused(event, accept.token, accept.resource) }
  }

  mutating func acceptsAreComplete(of resource: String) { resources[resource, default: Resource()].isComplete = true }

  private mutating func compact(_ name: String) {
    guard let resource = resources[name], resource.order.count > 1024,
      resource.order.count > 2 * resource.acknowledged.count
    else { return }
    resources[name]?.order.removeAll { resource.acknowledged[$0] == nil }
  }

  private mutating func addRefused(_ event: EventID, _ token: FencingToken, _ resource: String) {
    findings.add(
      Finding(
        .acceptMismatch, "\(resource) refused \(event) (token \(token)), and has it all the same", events: [event],
        store: resource, tokens: [token.revision]))
  }

  mutating func end() {
    for (name, resource) in resources.sorted(by: { $0.key < $1.key }) where resource.isComplete {
      for event in resource.order {
        guard let write = resource.acknowledged[event] else { continue }
        findings.add(
          Finding(
            .acceptMismatch, "\(name) acknowledged \(event) (token \(write.token)), and its own order lacks it",
            events: [event], store: name, tokens: [write.token.revision],
            times: [write.invoked, write.returned ?? write.invoked]))
      }
    }
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
