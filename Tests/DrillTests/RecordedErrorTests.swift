import Checks
import Drill
import Events
import Support
import Testing

/// Errors planted into the record of a real run, each at places that a seed chooses: exactly the rows and items that it must show
/// fail, and no other.
@Suite struct RecordedErrorTests {
  private static let recorded = "\(packageRoot)/Tests/Fixtures/recorded-blackout"

  struct Planted: Sendable, CustomTestStringConvertible {
    var name: String
    var rows: Set<Anomaly>
    var items: Set<ChecklistItem>
    var apply: @Sendable (inout Evidence, inout SeededRandom) throws -> Void

    init(
      _ name: String, _ rows: Set<Anomaly>, _ items: Set<ChecklistItem>,
      _ apply: @escaping @Sendable (inout Evidence, inout SeededRandom) throws -> Void
    ) {
      self.name = name
      self.rows = rows
      self.items = items
      self.apply = apply
    }

    var testDescription: String { name }
  }

  static let errors = [
    Planted("acknowledge a write and drop it", [.lostWrite, .tailLoss, .acceptMismatch], [.noAcknowledgedLoss]) {
      evidence, random in
      let row = try evidence.anyRow("eu", of: "eu", &random)
      for store in ["east", "eu"] { evidence.forget(row.event, in: store) }
    },
    Planted("drop an acknowledgement", [.abortedRead, .acceptMismatch], [.noAcknowledgedLoss]) { evidence, random in
      let row = try evidence.anyRow("eu", of: "eu", &random)
      evidence.changeAppend(row.event) { $0.outcome = .fail(OutcomeCode(rawValue: 1)) }
    },
    Planted("lose the tail of the survivor's log", [.tailLoss, .acceptMismatch], [.noAcknowledgedLoss]) {
      evidence, random in
      for row in (evidence.truth.logs["eu"] ?? []).suffix(Int.random(in: 2...5, using: &random)) {
        for store in ["east", "eu"] { evidence.forget(row.event, in: store) }
      }
    },
    Planted("leave a record out of a mirror", [.mirrorMissing], [.mirrorLagZero]) { evidence, random in
      evidence.forget(try evidence.anyRow("east", of: "eu", &random).event, in: "east")
    },
    Planted("repeat an id in a mirror", [.duplicateAppend, .mirrorDuplicate], [.noDuplicates]) { evidence, random in
      var row = try evidence.anyRow("eu", of: "east", &random)
      row.position = (evidence.truth.logs["eu"]?.map(\.position).max() ?? 0) + 1
      evidence.truth.logs["eu"]?.append(row)
      evidence.finishProgress("eu")
    },
    Planted("re-order a key", [.keyOrderInversion], [.orderPerAggregate]) { evidence, random in
      let (one, other) = try evidence.anyNeighbours("eu", of: "eu", &random)
      for store in ["east", "eu"] {
        evidence.change(one.event, store) { $0.keySequence = other.keySequence }
        evidence.change(other.event, store) { $0.keySequence = one.keySequence }
      }
    },
    Planted("mutate a payload in a mirror", [.mirrorMutation], [.mirrorLagZero]) { evidence, random in
      let row = try evidence.anyRow("east", of: "eu", &random)
      evidence.change(row.event, "east") { $0.checksum = ($0.checksum ?? 0) ^ 1 << 40 }
    },
    Planted(
      "lower the token of a row behind the seal", [.staleTokenAccepted, .keyOrderInversion, .crossFailoverOrder],
      [.staleTokenRejected, .orderPerAggregate]
    ) { evidence, random in
      let row = try evidence.anyRow("eu", of: "eu", &random)
      let old = try #require(evidence.truth.grants?.map(\.token).min())
      for store in ["east", "eu"] { evidence.change(row.event, store) { $0.token = old } }
    },
    Planted("lower a granted token", [.tokenRegress], [.electionWithinTTL]) { evidence, _ in
      let last = try #require(evidence.truth.grants?.last)
      let first = try #require(evidence.truth.grants?.first)
      evidence.truth.grants?.append(
        GrantRow(token: first.token - 1, holder: "ap", observed: last.observed + 4_000_000_000))
    },
    Planted("grant one token twice", [.twoLeadersOneTerm], [.electionWithinTTL]) { evidence, _ in
      let last = try #require(evidence.truth.grants?.last)
      evidence.truth.grants?.append(GrantRow(token: last.token, holder: "ap", observed: last.observed + 1_000_000))
    },
    Planted("apply an effect twice", [.replayedEffects], [.consumerProgress]) { evidence, random in
      let count = evidence.truth.applied?.count ?? 0
      evidence.truth.applied?[Int.random(in: 0..<count, using: &random)].times = 2
    },
    Planted("skip an event in a projection", [.pollSkip], [.consumerProgress]) { evidence, random in
      let row = try #require(evidence.truth.applied?.randomElement(using: &random))
      evidence.truth.applied?.removeAll { $0 == row }
      evidence.history.operations.removeAll {
        $0.kind == .apply && $0.event == row.event
          && $0.group.flatMap { evidence.history.names.name(of: $0) } == row.group
      }
    },
    Planted("shift a group's progress beyond the end", [.translationBeyondEnd], [.consumerProgress]) {
      evidence, random in
      let count = evidence.truth.progress?.count ?? 0
      evidence.truth.progress?[Int.random(in: 0..<count, using: &random)].position += 7
    },
    Planted("put an event into a log that nobody wrote", [.unknownValue], [.noAcknowledgedLoss]) { evidence, random in
      let row = try evidence.anyRow("eu", of: "eu", &random)
      evidence.history.operations.removeAll { $0.event == row.event && $0.kind == .append }
    },
  ]

  @Test(arguments: errors) func isFoundExactly(error: Planted) throws {
    let whole = try RunRecord(reading: RunDirectory(opening: Self.recorded)).evidence
    for seed in UInt64(0)..<3 {
      var evidence = whole
      var random = SeededRandom(seed: seed, for: error.name)
      try error.apply(&evidence, &random)
      let verdict = judge(evidence)
      let found = Set(verdict.rows.filter { $0.state == .found }.map(\.anomaly))
      let failed = Set(verdict.items.filter { $0.verdict.kind == .fail }.map(\.item))
      #expect(found == error.rows, "seed \(seed): \(found.map(\.rawValue).sorted())")
      #expect(failed == error.items, "seed \(seed): \(failed.map(\.rawValue).sorted())")
      #expect(verdict.overall == .fail)
    }
  }
}

extension Evidence {
  /// A row of `store` that came from `origin`, neither among the first nor among the last.
  fileprivate func anyRow(_ store: String, of origin: String, _ random: inout SeededRandom) throws -> LogRow {
    let rows = (truth.logs[store] ?? []).filter { $0.origin == origin }.dropFirst(2).dropLast(6)
    return try #require(rows.randomElement(using: &random))
  }

  /// Two rows of one key that follow each other in it.
  fileprivate func anyNeighbours(
    _ store: String, of origin: String, _ random: inout SeededRandom
  ) throws -> (LogRow, LogRow) {
    let rows = (truth.logs[store] ?? []).filter { $0.origin == origin }
    let pairs = rows.flatMap { row in
      rows.filter { $0.key == row.key && $0.keySequence == row.keySequence + 1 }.map { (row, $0) }
    }
    return try #require(pairs.randomElement(using: &random))
  }

  fileprivate mutating func change(_ event: EventID, _ store: String, _ edit: (inout LogRow) -> Void) {
    guard let place = truth.logs[store]?.firstIndex(where: { $0.event == event }),
      var row = truth.logs[store]?[place]
    else { return }
    edit(&row)
    truth.logs[store]?[place] = row
  }

  fileprivate mutating func changeAppend(_ event: EventID, _ edit: (inout Operation) -> Void) {
    for place in history.operations.indices where history.operations[place].event == event {
      if history.operations[place].kind == .append { edit(&history.operations[place]) }
    }
  }

  /// As if an event had never come to a store.
  fileprivate mutating func forget(_ event: EventID, in store: String) {
    let node = history.names.nodes.firstIndex(of: store).map { NodeIndex(rawValue: UInt16($0)) }
    truth.logs[store]?.removeAll { $0.event == event }
    truth.applied?.removeAll { $0.event == event && $0.store == store }
    history.operations.removeAll {
      $0.event == event && $0.node == node && ($0.kind == .observe || $0.kind == .apply)
    }
    finishProgress(store)
  }

  /// The groups of a store have come to its end.
  fileprivate mutating func finishProgress(_ store: String) {
    let end = truth.logs[store]?.map(\.position).max() ?? -1
    for place in truth.progress?.indices ?? 0..<0 where truth.progress?[place].store == store {
      truth.progress?[place].position = end
    }
  }
}
