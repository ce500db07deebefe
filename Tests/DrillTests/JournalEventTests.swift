import Support
import TestSupport
import Testing

@testable import Drill

/// What a run writes to its journal is what comes out of it.
@Suite struct JournalEventTests {
  /// One of each, with every field set.
  private static let samples: [any JournalEvent] = [
    RunStarted(
      scenario: "s", seed: UInt64(Int64.max), version: "0.1.0", build: "ab12", host: "h", kernel: "6.1",
      plants: ["fence-off"],
      process: ProcessIdentity(pid: 7, startTicks: 99), mode: .dryRun),
    PhaseEntered(phase: .recovery), LabIsUp(lab: "r1", regions: ["east", "eu"], took: 4_100_000_000),
    AuthoritySeen(
      region: "eu", role: "writer", writer: "eu", ownToken: 9, token: 9, storeMode: "rw", storeHighest: 9,
      etcdLeader: "ap", etcdReachable: true),
    PlantSet(plant: "fence-off", detail: "eu: its guard no longer looks at the token"),
    FaultArming(fault: "f", kind: "partition", objects: ["eu": ["add table inet bs_r1_f"]]),
    FaultArmed(fault: "f", at: 5, skew: 2, owners: ["eu: user postgres is 113"]),
    FaultNameChanged(fault: "f", node: "eu", name: "db.example", added: ["10.0.0.1"], removed: ["fd00::1"]),
    FaultNameLost(fault: "f", node: "eu", name: "db.example", why: "timeout"),
    FaultProven(
      fault: "f", at: 6, cut: ["east→eu"], open: ["eu→ap"], measured: ["east→eu v4: 80 ms"], droppedPackets: 1 << 40),
    GuardianNoted(what: "replaced"),
    FaultLapsed(fault: "f", node: "eu", reason: "lapsed"),
    FaultDisarming(fault: "f", reason: "planned", droppedPackets: ["eu": 12]),
    FaultGone(
      fault: "f", at: 9, open: ["east→eu"], differences: ["- link eth0"], evidence: ["eu: 2 of 2 processes run again"]),
    Sample(
      rates: ["eu": .init(acknowledged: 3, failed: 2, unknown: 1)], lag: ["east→eu": .init(records: 4, age: 5)],
      interval: 500_000_000),
    ConditionMet(condition: "c", took: 1), ConditionMissed(condition: "c", state: "s"),
    ServerLost(region: "eu", server: "postgres", end: "signal 9", fault: "crash"),
    ServerRestarted(region: "eu", server: "postgres", fault: "crash", away: 3_000_000_000, clocks: "monotonic +1h"),
    TruthDumped(file: "log-eu.jsonl", rows: 8), EvidenceSetAside(what: ["w"]),
    HistoryClosed(operations: 10, dropped: 1), RunAborted(reason: "r"), RunEnded(code: 7),
    AnomalySeen(row: "L3", name: "duplicate-append", what: "w", total: 1), StateSeen(values: ["log of eu": "d"]),
    FaultWithheld(fault: "f", objects: ["eu": ["add table inet bs_r1_f"]]), StepConfirmed(what: "w", waited: 3),
    RunbookStarted(runbook: "runbook", steps: ["a"], trigger: "t"),
    StepChanged(runbook: "runbook", step: "a", verb: "promote", state: .acting, attempt: 2, detail: "d"),
    RunbookEnded(
      runbook: "runbook", isComplete: false, leftAt: "a", why: "w", state: "s", isSafe: true, undone: ["b"]),
    FactNoted(fact: "trigger", what: "w", figures: ["n": 4]),
    TrafficShifted(step: "a", to: "eu", share: 0.25, returnedBecause: "lag"),
    ConsumersMoved(store: "eu", groups: ["g"], digest: "d"),
    TriggerMissed(of: "fault f", condition: "c", seen: "s"), SteadyBroken(expectation: "e", lasted: 5, seen: "s"),
    SteadyAfter(holds: false, broken: ["b"], took: 6), ProbeAnswered(probe: "p", outcome: "no-data", what: "w"),
    ProbeSummary(probe: "p", passed: 1, failed: 2, withoutData: 3),
    CommunicationSent(
      communication: "c", audience: "a", sink: "file x", anchor: "fault f", due: 1, sent: 2, isLate: true, text: "t"),
    CommunicationFailed(communication: "c", why: "w"),
    KafkaFenceSet(
      region: "east", token: 7, isOpen: true, ownersEnded: 4,
      rulesRemoved: ["topic orders: User:orders-5 from * allow write"],
      took: 1),
    KafkaFenceDelayed(region: "east", why: "watermarks: _TRANSPORT (-195): down"),
    ClocksSeen(clocks: ["eu": .init(offset: -7, uncertainty: 20, at: 5)], unanswered: ["ap": "w"]),
  ]

  private func record<T: JournalEvent>(_ event: T, in journal: Journal) async throws {
    let record = try await journal.record(event)
    let back = try #require(record.decoded(T.self))
    #expect(record.type == T.type)
    #expect(try encodeJSON(back) == encodeJSON(event))
  }

  @Test func everyEventComesBackAsItWent() async throws {
    try await withRunDirectory { directory in
      let journal = try Journal(creating: directory.journal, timebase: .system)
      for event in Self.samples { try await record(event, in: journal) }
      let contents = try JournalContents(path: directory.journal)
      #expect(contents.defect == nil)
      #expect(contents.records.map(\.type) == Self.samples.map { type(of: $0).type })
    }
  }

  /// Nothing known is nothing written: an absent value must not come back as a value.
  @Test func whatIsNotKnownStaysUnknown() async throws {
    try await withRunDirectory { directory in
      let journal = try Journal(creating: directory.journal, timebase: .system)
      let event = AuthoritySeen(region: "ap", role: "silent", etcdReachable: false)
      #expect(try await journal.record(event).decoded(AuthoritySeen.self) == event)
    }
  }

  @Test func anotherTypeOrShapeIsNoSuchEvent() async throws {
    try await withRunDirectory { directory in
      let journal = try Journal(creating: directory.journal, timebase: .system)
      let gone = try await journal.record(FaultGone(fault: "f", at: 9, open: [], differences: []))
      #expect(gone.decoded(FaultArmed.self) == nil)
      let foreign = try await journal.append(FaultArmed.type, ["fault": "f", "at": "noon"])
      #expect(foreign.decoded(FaultArmed.self) == nil)
      #expect(foreign.hasForeignShape)
      #expect(!gone.hasForeignShape)
      #expect(try await !journal.append("of.another.version", ["a": 1]).hasForeignShape)
    }
  }

  /// A record of a type that is not known by its shape would be absent, and nobody would say so.
  @Test func everyTypeIsKnown() {
    let known = Set(JournalRecord.knownTypes.map { $0.type })
    #expect(known == Set(Self.samples.map { type(of: $0).type }))
  }

  /// docs/run-directory.md lists the types for whoever reads a journal with other tools.
  @Test func everyTypeIsInTheDocumentation() throws {
    let page = String(decoding: try readFile("\(packageRoot)/docs/run-directory.md"), as: UTF8.self)
    for event in Self.samples {
      let name = type(of: event).type
      #expect(page.contains("`\(name)`"), "\(name) is not in docs/run-directory.md")
    }
  }
}
