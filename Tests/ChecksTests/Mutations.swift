import Checks
import Events
import Testing

/// A seeded bug of the stack, planted in the evidence of a clean drill, and the one item that must find it.
struct Mutation: Sendable, CustomTestStringConvertible {
  var name: String
  var item: ChecklistItem
  /// The anomalies that the witness must name.
  var anomalies: Set<String>
  var apply: @Sendable (inout Evidence) -> Void

  init(
    _ name: String, _ item: ChecklistItem, _ anomalies: Set<String>,
    _ apply: @escaping @Sendable (inout Evidence) -> Void
  ) {
    self.name = name
    self.item = item
    self.anomalies = anomalies
    self.apply = apply
  }

  var testDescription: String { name }

  static let all: [Mutation] =
    mirrorLag + duplicates + acknowledgedLoss + staleTokens + [inflatedFence] + election + aggregateOrder + consumers

  static let mirrorLag = [
    Mutation("a mirror slower than its objective", .mirrorLagZero, ["M17"]) {
      $0.objectives.mirrorCatchUp = second / 4
    },
    Mutation("an event that a mirror skipped", .mirrorLagZero, ["M1"]) { evidence in
      let row = evidence.row(in: "east", of: "eu", at: 40)
      evidence.forget(row.event, in: "east")
    },
    Mutation("a mirror stuck until the objective was over", .mirrorLagZero, ["M17"]) { evidence in
      let last = evidence.truth.logs["east"]?.filter { $0.origin == "eu" }.suffix(5) ?? []
      for row in last { evidence.forget(row.event, in: "east") }
      evidence.objectives.mirrorCatchUp = 10 * second
      evidence.rewindProgress("billing-ap", "east")
    },
    Mutation("a payload changed by a mirror", .mirrorLagZero, ["M4"]) { evidence in
      let row = evidence.row(in: "east", of: "eu", at: 7)
      evidence.change(row.event, in: "east") { $0.checksum = ($0.checksum ?? 0) ^ 1 }
    },
    Mutation("a mirrored event that its origin does not have", .mirrorLagZero, ["D5", "M5"]) { evidence in
      let unknown = evidence.history.operations.first { $0.outcome == .unknown(evidence.code("timeout")) }
      guard var unknown else { return }
      unknown.key = 998
      evidence.insert(unknown, origin: "eu", token: CleanDrill.newToken, into: ["east"])
    },
  ]

  static let duplicates = [
    Mutation("a mirror that applies a batch again", .noDuplicates, ["L3"]) { evidence in
      let batch = evidence.truth.logs["eu"]?.filter { $0.origin == "east" }.prefix(10) ?? []
      for row in batch { evidence.append(row, to: "eu") }
      evidence.finishProgress("billing-eu", "eu")
    },
    Mutation("a retry that took effect in both regions", .noDuplicates, ["L3", "M13"]) { evidence in
      let row = evidence.row(in: "east", of: "east", at: 60)
      guard let op = evidence.history.operations.first(where: { $0.event == row.event && $0.kind == .append }) else {
        return
      }
      evidence.insert(op, origin: "eu", token: CleanDrill.newToken, into: ["eu", "east"])
    },
    Mutation("a second copy that was gone before the dump", .noDuplicates, ["L3"]) { evidence in
      guard var seen = evidence.history.operations.first(where: { $0.kind == .observe }) else { return }
      seen.position = 999_999
      evidence.history.operations.append(seen)
    },
  ]

  static let acknowledgedLoss = [
    Mutation("a write acknowledged and dropped", .noAcknowledgedLoss, ["L2", "E7"]) { evidence in
      let row = evidence.row(in: "eu", of: "eu", at: 33)
      for store in ["east", "eu"] { evidence.forget(row.event, in: store) }
    },
    Mutation("a failed write that stands in the log", .noAcknowledgedLoss, ["L6"]) { evidence in
      let row = evidence.row(in: "eu", of: "eu", at: 33)
      let refused = evidence.code("BS409")
      evidence.changeOperations { if $0.event == row.event && $0.kind == .append { $0.outcome = .fail(refused) } }
    },
    Mutation("an event that nobody wrote", .noAcknowledgedLoss, ["L19"]) { evidence in
      let row = evidence.row(in: "eu", of: "eu", at: 33)
      evidence.history.operations.removeAll { $0.event == row.event && $0.kind == .append }
    },
    Mutation("an RPO beyond the objective", .noAcknowledgedLoss, ["D2"]) { $0.objectives.recoveryPoint = 5 * second },
  ]

  static let staleTokens = [
    Mutation("a store whose fence is off", .staleTokenRejected, ["E4"]) { evidence in
      let tries = evidence.history.operations.filter { $0.kind == .staleAppend && $0.process == 51 }
      for op in tries.prefix(3) { evidence.acceptStale(op, at: "eu") }
    },
    Mutation("a fence that is off only after the heal", .staleTokenRejected, ["E4"]) { evidence in
      let tries = evidence.history.operations.filter {
        $0.kind == .staleAppend && $0.process == 50 && $0.invoked > CleanDrill.healedAt
      }
      for op in tries.prefix(2) { evidence.acceptStale(op, at: "east") }
    },
    Mutation("a leader that never gives up: writes in its read-only interval", .staleTokenRejected, ["E4"]) {
      $0.truth.fences["east"]?[1].barrierOriginSequence -= 3
    },
    Mutation("an old token acknowledged after the seal, no row to show for it", .staleTokenRejected, ["E4", "D4"]) {
      evidence in
      // A late acknowledgement under the old token of an event whose row bears the new one.
      let row = evidence.row(in: "eu", of: "eu", at: 20)
      evidence.changeOperations {
        if $0.event == row.event && $0.kind == .append { $0.token = CleanDrill.oldToken }
      }
    },
    Mutation("a row with an old token past the seal", .staleTokenRejected, ["E4"]) { evidence in
      let row = evidence.row(in: "eu", of: "eu", at: 0)
      for store in ["east", "eu"] { evidence.change(row.event, in: store) { $0.token = CleanDrill.oldToken } }
    },
    Mutation("a row without a token past the seal", .staleTokenRejected, ["E4", "E7"]) { evidence in
      let row = evidence.row(in: "eu", of: "eu", at: 0)
      evidence.change(row.event, in: "eu") { $0.token = nil }
    },
    Mutation("a token that was never granted is taken", .staleTokenRejected, ["E4", "E6"]) { evidence in
      guard let op = evidence.history.operations.first(where: { $0.process == 52 && $0.node.rawValue == 1 }) else {
        return
      }
      evidence.acceptStale(op, at: "eu")
    },
  ]

  static let inflatedFence = Mutation(
    "a store that raises its fence to whatever it is told", .staleTokenRejected, ["E6"]
  ) {
    $0.truth.fences["east"]?.append(
      FenceEntry(
        store: "east", token: 1_000_200, mode: .readWrite, holder: "?", barrierPosition: 9999,
        barrierOriginSequence: 9999))
  }

  static let election = [
    Mutation("an election slower than its limit", .electionWithinTTL, ["E8"]) { $0.objectives.electionMargin = 0 },
    Mutation("no new token, although there was time", .electionWithinTTL, ["E8"]) { $0.removeNewReign() },
    Mutation("a token lower than the one before", .electionWithinTTL, ["E2"]) {
      $0.truth.grants?.append(GrantRow(token: 150, holder: "ap", observed: CleanDrill.healedAt + second))
    },
    Mutation("one token, two holders", .electionWithinTTL, ["E1"]) {
      $0.truth.grants?.append(GrantRow(token: 200, holder: "ap", observed: CleanDrill.healedAt + second))
    },
  ]

  static let aggregateOrder = [
    Mutation("two events of an aggregate swapped", .orderPerAggregate, ["L18"]) { evidence in
      let rows: [LogRow] = (evidence.truth.logs["eu"] ?? []).filter { $0.origin == "eu" && $0.key == 20 }
      let (first, next) = (rows[2], rows[3])
      for store in ["east", "eu"] {
        evidence.change(first.event, in: store) { $0.keySequence = next.keySequence }
        evidence.change(next.event, in: store) { $0.keySequence = first.keySequence }
      }
    },
    Mutation("two events swapped by one mirror", .orderPerAggregate, ["L18", "M3"]) { evidence in
      let rows: [LogRow] = (evidence.truth.logs["east"] ?? []).filter { $0.origin == "eu" && $0.key == 20 }
      let (first, next) = (rows[2], rows[3])
      evidence.change(first.event, in: "east") { $0.position = next.position }
      evidence.change(next.event, in: "east") { $0.position = first.position }
    },
    Mutation("the new reign begins below the old one's numbers", .orderPerAggregate, ["L18", "D8"]) { evidence in
      let row = evidence.row(in: "eu", of: "eu", at: 0)
      for store in ["east", "eu"] { evidence.change(row.event, in: store) { $0.keySequence = 0 } }
    },
    Mutation("late events where the contract does not permit them", .orderPerAggregate, ["L18"]) {
      $0.contract.permits = []
    },
  ]

  static let consumers = [
    Mutation("an event skipped by a consumer", .consumerProgress, ["L15"]) { evidence in
      let row = evidence.row(in: "eu", of: "east", at: 25)
      evidence.truth.applied?.removeAll { $0.group == "billing-eu" && $0.event == row.event }
    },
    Mutation("a projection without its idempotency check", .consumerProgress, ["D7"]) { evidence in
      evidence.truth.applied = evidence.truth.applied?.enumerated().map { place, row in
        var row = row
        if place % 200 == 0 { row.times = 2 }
        return row
      }
    },
    Mutation("an effect reported twice", .consumerProgress, ["D7"]) { evidence in
      guard let op = evidence.history.operations.first(where: { $0.kind == .apply && $0.outcome == .ok }) else {
        return
      }
      evidence.history.operations.append(op)
    },
    Mutation("a consumer that stopped short", .consumerProgress, ["L22", "L22"]) { evidence in
      let last = evidence.truth.logs["eu"]?.suffix(5) ?? []
      evidence.truth.applied?.removeAll { row in row.group == "billing-eu" && last.contains { $0.event == row.event } }
      evidence.rewindProgress("billing-eu", "eu", by: 5)
    },
    Mutation("progress recorded behind what was applied", .consumerProgress, ["L22"]) {
      $0.rewindProgress("billing-eu", "eu", by: 1)
    },
    Mutation("progress beyond the end of the log", .consumerProgress, ["M8"]) {
      $0.rewindProgress("billing-eu", "eu", by: -3)
    },
    Mutation("an event applied that the log does not have", .consumerProgress, ["L19"]) {
      $0.truth.applied?.append(
        AppliedRow(group: "billing-eu", store: "eu", event: EventID(producer: 77, sequence: 1), times: 1))
    },
  ]
}
