internal import Events

/// How the steady state was seen all through a drill.
public struct SteadyEvidence: Sendable, Hashable, Codable {
  /// How an expectation stands.
  public enum State: String, Sendable, Hashable, Codable {
    /// It holds.
    case held
    /// It does not.
    case broken
    /// There is no data that could tell.
    case noData = "no-data"
  }

  /// That an expectation was seen in another state than before.
  public struct Change: Sendable, Hashable, Codable {
    /// When (ns, on the recorder's clock).
    public var at: Int64
    /// How it stands from then on.
    public var state: State
    /// What was seen, in words.
    public var seen: String

    /// A change.
    public init(at: Int64, state: State, seen: String) {
      self.at = at
      self.state = state
      self.seen = seen
    }
  }

  /// The expectations that were to hold, each with its changes in the order of time.
  public var changes: [String: [Change]]
  /// When all of them were looked at (ns), in the order of time.
  public var looks: [Int64]

  /// What was seen.
  public init(changes: [String: [Change]], looks: [Int64]) {
    self.changes = changes
    self.looks = looks
  }
}

/// Checklist item 11, `steady-state-recovered`: what held before the faults holds again after them, soon enough, and to the end.
///
/// It needs no workload of the drill's own: the expectations of the steady-state hypothesis are its evidence. An expectation may
/// break under a fault or not. Recovered is told from the last stretch of looks at which it held; no data is never taken for holding.
struct SteadyRecoveryCheck: Check {
  init(_ facts: Facts) {}

  mutating func take(_ operation: Operation) {}

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    guard !facts.faults.isEmpty else { return result }  // vacuous for every item
    guard let steady = facts.steady, let last = steady.looks.last, !steady.changes.isEmpty else {
      result.missing.append("looks at the steady state")
      return result
    }
    let gone = facts.faults.compactMap(\.verifiedGone)
    guard let armed = facts.faults.map(\.armed).min(), let healed = gone.max(), gone.count == facts.faults.count else {
      result.missing.append("the time of the heal")
      return result
    }
    guard last > healed else {
      result.missing.append("a look at the steady state after the heal")
      return result
    }
    var broke: [String] = []
    var slowest: Int64 = 0
    var outage: Int64 = 0
    for (name, changes) in steady.changes.sorted(by: { $0.key < $1.key }) {
      let course = Course(name: name, changes: changes, armed: armed, healed: healed, last: last)
      course.requireData(in: facts.faults, &result.missing)
      guard let recovered = course.recovery(within: facts.objectives.steadyRecovery, &result) else { continue }
      slowest = max(slowest, recovered)
      if let first = course.firstBreach {
        broke.append(name)
        outage = max(outage, healed + recovered - first)
      }
    }
    result.failure = result.findings.first?.what ?? ""
    if result.findings.isEmpty, result.missing.isEmpty {
      result.measures = [.seconds("held again after the heal", slowest), .seconds("RTO", outage)]
    }
    let names = broke.map { "'\($0)'" }.joined(separator: " and ")
    let under = names.isEmpty ? "all were seen to hold" : "\(names) did not hold"
    result.coverage = Coverage(
      "under the faults \(under); all held again \(brief(slowest)) after the heal, and to the end",
      counts: [Count("expectations", steady.changes.count), Count("looks", steady.looks.count)])
    return result
  }
}

/// How one expectation fared.
private struct Course {
  let name: String
  let changes: [SteadyEvidence.Change]
  let armed: Int64
  let healed: Int64
  let last: Int64

  /// Notes what is not known of it before, and during each fault.
  func requireData(in faults: [FaultInterval], _ missing: inout [String]) {
    switch changes.last(where: { $0.at < armed })?.state {
    case .held: break
    case .broken: missing.append("that '\(name)' held before the faults: it was broken")
    case .noData, nil: missing.append("whether '\(name)' held before the faults")
    }
    for fault in faults {
      guard let since = fault.provenSince else { continue }  // the drill's own vacuity
      let until = fault.disarmed ?? fault.verifiedGone ?? healed
      if !states(from: since, to: until).contains(where: { $0 != .noData }) {
        missing.append("data for '\(name)' while '\(fault.id)' was in force")
      }
    }
  }

  /// Every state that it was seen in between two moments.
  private func states(from: Int64, to: Int64) -> [SteadyEvidence.State] {
    let at = changes.last { $0.at <= from }.map { [$0.state] } ?? []
    return at + changes.filter { $0.at > from && $0.at <= to }.map(\.state)
  }

  /// When it was first not seen to hold from the first fault on.
  var firstBreach: Int64? { changes.first { $0.at >= armed && $0.state != .held }?.at }

  /// How long after the heal it held for good (ns); `nil` after noting why that cannot be said, or that it is too long.
  func recovery(within limit: Int64?, _ result: inout Judgement) -> Int64? {
    guard let end = changes.last else {
      result.missing.append("whether '\(name)' held after the heal")
      return nil
    }
    switch end.state {
    case .noData:
      result.missing.append("whether '\(name)' held at the end: \(end.seen)")
    case .broken:
      if let limit, last - healed < limit {
        result.missing.append(
          "what became of '\(name)': it was broken still \(brief(last - healed)) after the heal, when the run ended, and has "
            + "\(brief(limit))")
      } else {
        result.findings.append(
          Finding(
            "steady-state", "'\(name)' is broken still \(brief(last - healed)) after the heal: \(end.seen)",
            times: [healed, end.at]))
      }
    case .held:
      let took = max(0, end.at - healed)
      guard let limit, took > limit else { return took }
      result.findings.append(
        Finding(
          "steady-state", "'\(name)' held again only \(brief(took)) after the heal, \(brief(limit)) are allowed",
          times: [healed, end.at]))
    }
    return nil
  }
}
