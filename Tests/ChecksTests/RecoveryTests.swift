import Checks
import Events
import Testing

@Suite struct RecoveryTests {
  /// One event mirrored in time, one late, one lost, one acknowledged by the old reign after the promotion.
  private func drill() -> SmallDrill {
    var drill = SmallDrill()
    drill.write(0, to: "east", token: 1, at: 5)
    drill.write(1, to: "east", token: 1, at: 9)
    drill.write(2, to: "east", token: 1, at: 13)
    drill.write(3, to: "east", token: 1, at: 16, outcome: .unknown(.neverCompleted))
    drill.write(4, to: "east", token: 1, at: 17)
    drill.write(5, to: "east", token: 1, at: 30)
    drill.write(0, producer: 1, from: "eu", to: "east", token: 1, at: 6)
    drill.write(1, producer: 1, from: "eu", to: "eu", token: 2, at: 22)
    drill.write(0, producer: 2, from: "ap", to: "east", token: 1, at: 7)
    drill.write(1, producer: 2, from: "ap", to: "eu", token: 2, at: 25)
    drill.row(0, in: "eu", origin: "east", token: 1, position: 1, seen: 6)
    drill.row(0, producer: 1, in: "eu", origin: "east", token: 1, position: 0, seen: 6)
    drill.row(0, producer: 2, in: "eu", origin: "east", token: 1, position: 1, seen: 8)
    drill.row(1, producer: 1, in: "eu", origin: "eu", token: 2, position: 2, seen: 22)
    drill.row(1, in: "eu", origin: "east", token: 1, position: 5, seen: 42)
    drill.row(4, in: "eu", origin: "east", token: 1, position: 6, seen: 43)
    return drill
  }

  @Test func `the RPO counts, dates and lists what was not there at the promotion`() throws {
    let point = try #require(judge(drill().evidence).recoveryPoint)
    #expect(point.count == 3)
    #expect(point.late == 2)
    #expect(point.lost == 1)
    #expect(point.span == 8 * second)
    #expect(point.window == 8 * second)
    #expect(point.ageAtPromotion == 11 * second)
    #expect(point.promotion == 20 * second)
    #expect(point.acknowledgedByOldReignAfterPromotion == 1)
    #expect(point.events.map(\.event.description) == ["p0-1", "p0-2", "p0-4"])
    #expect(
      point.events.map(\.disposition) == [.late(afterHeal: 2 * second), .lost, .late(afterHeal: 3 * second)])
  }

  @Test func `lost and late are told apart, and unknown writes are neither`() throws {
    let item = try #require(judge(drill().evidence).items.first { $0.item == .noAcknowledgedLoss })
    guard case .fail(let witness) = item.verdict else {
      Issue.record("\(item.verdict)")
      return
    }
    // p2-1 and p0-5 were acknowledged as well and are nowhere.
    #expect(Set(witness.findings.flatMap(\.events).map(\.description)) == ["p0-2", "p0-5", "p2-1"])
    #expect(witness.sentence == "3 of 9 acknowledged events lost")
  }

  @Test func `the RTO has its phases, each from where the one before it ended`() throws {
    let times = try #require(judge(drill().evidence).recoveryTimes)
    let expected: [(String, Int64?, Int64?)] = [
      ("detection", 2, 2), ("election", 9, 7), ("seal", 10, 1), ("first acknowledged write", 12, 2),
      ("survivors' producers back", 15, 3), ("all producers back", nil, nil), ("lag zero", nil, nil),
    ]
    for (phase, (name, at, took)) in zip(times.phases, expected) {
      #expect(phase.name == name)
      #expect(phase.at == at.map { $0 * second }, "\(name)")
      #expect(phase.took == took.map { $0 * second }, "\(name)")
    }
    #expect(times.phases.count == expected.count)
    #expect(times.recovery == 15 * second)
    #expect((times.producers, times.producersBack) == (3, 2))
  }

  @Test func `when the coordination service changed its leader, the limit is longer and the verdict says both`() throws
  {
    var evidence = drill().evidence
    evidence.objectives.electionMargin = second
    let item = { (evidence: Evidence) in judge(evidence).items.first { $0.item == .electionWithinTTL }?.verdict }
    #expect(item(evidence)?.kind == .fail)
    #expect(
      item(evidence)?.headline
        == "the first write under token 2 was acknowledged 12.0 s after the leader was lost; "
        + "the limit is 11.0 s (10.0 s lease + 1.00 s margin)")
    evidence.coordinatorChangedLeader = true
    #expect(item(evidence)?.kind == .pass)
    #expect(
      item(evidence)?.headline
        == "first write under token 2 12.0 s after the leader was lost; the limit is 23.0 s (2 × 10.0 s lease + 2.00 s "
        + "election of the coordination service + 1.00 s margin), because the coordination service changed its own leader "
        + "and so extended the lease; without that it would be 11.0 s (10.0 s lease + 1.00 s margin)")
  }

  @Test func `write rates and mirror lag follow the history`() {
    let evidence = drill().evidence
    let rates = writeRates(evidence.history, bucket: 10 * second)
    #expect(rates.map(\.start) == [5, 5, 5, 15, 15, 25, 25].map { $0 * second })
    #expect(rates.map(\.region) == ["ap", "east", "eu", "east", "eu", "ap", "east"])
    #expect(rates.map(\.acknowledged) == [1, 3, 1, 1, 1, 1, 1])
    #expect(rates.map(\.unknown).reduce(0, +) == 1)
    #expect(rates.map(\.failed).reduce(0, +) == 0)

    var lagging = drill()
    lagging.row(1, in: "east", origin: "east", token: 1, position: 9, seen: 9)
    let lag = mirrorLag(lagging.evidence.history, [MirrorDirection(from: "east", to: "eu")])
    #expect(lag.first { $0.time == 8 * second }?.lag == 0)
    #expect(lag.first { $0.time == 10 * second }?.lag == second)
    #expect(lag.first { $0.time == 41 * second }?.lag == 32 * second)
    #expect(lag.first { $0.time == 42 * second }?.lag == 0)
    #expect(mirrorLag(HistoryEvidence(operations: [], names: NameTable()), []).isEmpty)
    #expect(writeRates(HistoryEvidence(operations: [], names: NameTable())).isEmpty)
  }

  /// Evidence comes from files, and a file can say anything.
  @Test(arguments: [Int64.min, -1, .max])
  func `times that no clock shows make the verdict inconclusive, never a crash`(time: Int64) {
    let edits: [@Sendable (inout Evidence) -> Void] = [
      { $0.history.operations[3].invoked = time }, { $0.history.operations[3].completed = time },
      { $0.milestones.healed = time }, { $0.truth.grants?[0].observed = time },
      { $0.truth.fences["eu"]?[0].observed = time }, { $0.objectives.leaseTTL = time },
    ]
    for edit in edits {
      var evidence = drill().evidence
      edit(&evidence)
      #expect(judge(evidence).overall == .inconclusive)
    }
  }
}
