internal import Events
internal import Support

/// The evidence without its operations, with what several checks derive from it.
struct Facts: Sendable {
  let truth: GroundTruth
  let faults: [FaultInterval]
  let milestones: Milestones
  let roles: Roles
  let contract: Contract
  let objectives: Objectives
  let coordinatorChangedLeader: Bool
  let names: NameTable
  let dropped: UInt64
  let cutReason: String?
  let gaps: [String]
  /// The last grant before the fault, and the first after it.
  let oldGrant: GrantRow?
  let newGrant: GrantRow?
  /// Whether there is a failover to judge: one was to be, or there was one.
  let isFailover: Bool
  /// The state of the survivor's fence that made it the new primary.
  let seal: FenceEntry?
  let redelivery: MirrorRedelivery?
  let steady: SteadyEvidence?
  let pauses: [MirrorPause]
  let isExternal: Bool
  /// Why no check may even begin to reckon; `nil` when they may.
  let complaint: String?
  let refusals: Set<OutcomeCode>
  let redeliveries: Set<OutcomeCode>

  init(_ evidence: Evidence) {
    truth = evidence.truth
    faults = evidence.faults
    milestones = evidence.milestones
    roles = evidence.roles
    contract = evidence.contract
    objectives = evidence.objectives
    coordinatorChangedLeader = evidence.coordinatorChangedLeader
    names = evidence.history.names
    dropped = evidence.history.dropped
    cutReason = evidence.history.cutReason
    gaps = evidence.gaps
    redelivery = evidence.redelivery
    steady = evidence.steady
    pauses = evidence.pauses ?? []
    isExternal = evidence.isExternal == true
    complaint = TimeAudit.complaint(evidence)
    let grants = (evidence.truth.grants ?? []).sorted { $0.observed < $1.observed }
    let loss = evidence.milestones.loss
    oldGrant = loss.flatMap { loss in grants.last { $0.observed < loss } }
    newGrant = loss.flatMap { loss in grants.first { $0.observed >= loss } }
    isFailover = evidence.expectsFailover || newGrant != nil
    let newToken = newGrant?.token
    seal = evidence.truth.fences[evidence.roles.survivor]?.first { $0.mode == .readWrite && $0.token == newToken }
    refusals = Self.codes(evidence.contract.refusalCodes, evidence.history.names)
    redeliveries = Self.codes(evidence.contract.redeliveryCodes, evidence.history.names)
  }

  private static func codes(_ wanted: [String], _ names: NameTable) -> Set<OutcomeCode> {
    Set(names.codes.indices.filter { wanted.contains(names.codes[$0]) }.map { OutcomeCode(rawValue: UInt16($0)) })
  }

  var newToken: Int64? { newGrant?.token }

  /// When the survivor was known to be promoted.
  var promotion: Int64? { milestones.newStoreSealed ?? seal?.observed }

  /// When the new token was granted.
  var granted: Int64? { milestones.tokenGranted ?? newGrant?.observed }

  /// The number of the store called `name`; `nil` when no operation ever went there.
  func index(of name: String) -> NodeIndex? {
    names.nodes.firstIndex(of: name).map { NodeIndex(rawValue: UInt16($0)) }
  }

  func name(of node: NodeIndex) -> String { names.name(of: node) ?? "node \(node.rawValue)" }

  /// What no item may pass without.
  var missingFromRecord: [String] {
    var missing = gaps
    if dropped > 0 { missing.append("\(grouped(Int(clamping: dropped))) operations that the recorder had to drop") }
    if let cutReason { missing.append("the end of the history (\(cutReason))") }
    return missing
  }

  /// Whether absence from the history proves absence from the drill.
  var historyIsComplete: Bool { dropped == 0 && cutReason == nil }

  /// Why the drill as a whole proves nothing.
  var faultVacuity: String? {
    if faults.isEmpty { return "the drill had no fault" }
    let reasons = faults.compactMap(\.vacuity)
    return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
  }

  /// The log of `store`, in its own order, partition by partition; notes in `missing` when there is none.
  func log(of store: String, _ missing: inout [String]) -> [LogRow]? {
    guard let rows = truth.logs[store] else {
      missing.append("the dump of \(store)'s log")
      return nil
    }
    return rows.sorted { ($0.partition ?? "", $0.position) < ($1.partition ?? "", $1.position) }
  }
}

/// A duration for a person.
func brief(_ nanoseconds: Int64) -> String { Duration.nanoseconds(nanoseconds).brief }

/// A number with its digits in groups of three.
func grouped(_ value: Int) -> String {
  let digits = String(value.magnitude)
  var text = ""
  for (place, digit) in digits.enumerated() {
    if place > 0 && (digits.count - place) % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return value < 0 ? "-" + text : text
}

/// `1 event`, `2 events`.
func counted(_ value: Int, _ noun: String, _ plural: String? = nil) -> String {
  "\(grouped(value)) \(value == 1 ? noun : plural ?? noun + "s")"
}

/// The time at which an operation was over; for one that never was, when it began.
func ended(_ operation: Operation) -> Int64 { operation.completed ?? operation.invoked }

extension Operation {
  /// Whether this was an attempt to write.
  var isWrite: Bool { kind == .append || kind == .staleAppend }
}

/// A share as a percentage with two significant figures: `0.062 %`.
func percent(_ share: Double) -> String {
  let value = share * 100
  return "\(fixed(value, value >= 10 ? 0 : value >= 1 ? 1 : value >= 0.1 ? 2 : value >= 0.01 ? 3 : 5)) %"
}
