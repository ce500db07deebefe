import Events
import Testing

private let id = EventID(producer: 1, sequence: 7)
private let names = sampleNames()
private let (east, eu) = (NodeIndex(rawValue: 0), NodeIndex(rawValue: 1))

private func op(_ kind: OperationKind, _ node: NodeIndex, at time: Int64, _ outcome: Outcome = .ok) -> Operation {
  Operation(
    kind, process: 3, event: id, key: 5, keySequence: 2, node: node, region: node, position: 40,
    token: kind == .append || kind == .staleAppend ? 77 : nil, group: kind == .apply ? GroupIndex(rawValue: 0) : nil,
    invoked: time, completed: time + 1, outcome: outcome)
}

private func row(_ store: String, _ event: EventID = id) -> LogRow {
  LogRow(store: store, position: 40, event: event, origin: "east", originSequence: 1, key: 5, keySequence: 2)
}

private func traced(_ operations: [Operation], _ dumps: (inout LineageTracer) -> Void = { _ in }) throws -> Lineage {
  var tracer = LineageTracer([id])
  tracer.take(operations, names: names)
  dumps(&tracer)
  return try #require(tracer.lineage(of: id))
}

@Suite struct LineageTests {
  @Test func `an event that went all the way answers every question with yes`() throws {
    let operations = [
      op(.staleAppend, east, at: 5, .fail(OutcomeCode(rawValue: 1))), op(.append, east, at: 10),
      op(.observe, east, at: 20), op(.observe, eu, at: 30), op(.apply, eu, at: 40),
    ]
    let lineage = try traced(operations) { tracer in
      tracer.take(log: [row("east")], of: "east")
      tracer.take(log: [row("eu")], of: "eu")
      tracer.take(applied: [AppliedRow(group: "billing-eu", store: "eu", event: id, times: 1)])
      tracer.take(reconciled: [ReconciledRow(store: "east", event: id, disposition: .replayed, observed: 99)])
      tracer.take(commits: [CommitRow(store: "eu", event: id, timeline: 2, location: 1000)])
    }
    #expect(lineage.published == .yes)
    #expect(lineage.acknowledged == .yes)
    #expect(lineage.refused == .yes)
    #expect(lineage.replicated == .yes)
    #expect(lineage.processed == .yes)
    #expect(lineage.tookEffectOnce == .yes)
    #expect(lineage.reconciled == .yes)
    #expect(lineage.attempts.map(\.code) == ["BS409", nil])
    #expect(lineage.attempts.map(\.token) == [77, 77])
    #expect(lineage.stores == ["east", "eu"])
    #expect(lineage.copies.map(\.firstSeen) == [21, 31])
    #expect(lineage.copies.map(\.inLog) == [true, true])
    #expect(lineage.copies[1].commit?.timeline == 2)
    #expect(lineage.deliveries.map(\.work) == [.applied])
    #expect(lineage.deliveries.map(\.group) == ["billing-eu"])
    #expect((lineage.key, lineage.keySequence) == (5, 2))
  }

  @Test func `an event that one store lost is not replicated, and a copy that vanished is no copy`() throws {
    let lineage = try traced([op(.append, east, at: 10), op(.observe, eu, at: 30)]) { tracer in
      tracer.take(log: [row("east")], of: "east")
      tracer.take(log: [], of: "eu")
      tracer.take(applied: [])
      tracer.take(reconciled: [])
    }
    #expect(lineage.isIn("east") == .yes)
    #expect(lineage.isIn("eu") == .no)
    #expect(lineage.copies.first { $0.store == "eu" }?.inLog == false)
    #expect(lineage.replicated == .no)
    #expect(lineage.processed == .no)
    #expect(lineage.tookEffectOnce == .no)
    #expect(lineage.reconciled == .no)
  }

  @Test func `what was not dumped is not known, and never a no`() throws {
    let lineage = try traced([op(.append, east, at: 10, .unknown(OutcomeCode(rawValue: 2)))])
    #expect(lineage.published == .yes)
    #expect(lineage.acknowledged == .unknown("a write to east ended with 'timeout'"))
    #expect(lineage.isIn("eu") == .unknown("the log of eu was not dumped"))
    #expect(lineage.replicated == .unknown("no other store's log was dumped"))
    #expect(lineage.tookEffectOnce == .unknown("the groups' own tables were not dumped"))
    #expect(lineage.reconciled == .unknown("what reconciliation did was not recorded"))
  }

  @Test func `an effect that came twice is told`() throws {
    let twice = try traced([op(.append, east, at: 1)]) {
      $0.take(applied: [AppliedRow(group: "billing-eu", store: "eu", event: id, times: 2)])
    }
    #expect(twice.tookEffectOnce == .no)
    #expect(twice.effects.map(\.times) == [2])
    #expect(try traced([op(.apply, eu, at: 1), op(.apply, eu, at: 2)]).tookEffectOnce == .no)
  }

  @Test func `a record of a cluster is traced by partition and offset, and markers are no copies`() throws {
    var poll = op(.poll, eu, at: 50)
    poll.partition = PartitionIndex(rawValue: 1)
    let lineage = try traced([poll]) { tracer in
      var marker = PartitionRow(store: "eu", partition: "orders-1", offset: 41, content: .commitMarker)
      marker.event = id
      tracer.take(
        records: [PartitionRow(store: "eu", partition: "orders-1", offset: 40, event: id), marker], of: "eu")
    }
    #expect(lineage.copies.map(\.partition) == ["orders-1"])
    #expect(lineage.copies.map(\.inLog) == [true])
    #expect(lineage.deliveries.map(\.work) == [.polled])
    #expect(lineage.published == .unknown("the history has no write of it"))
  }

  @Test func `an id that nobody met is not known, and the tracer says which there are`() throws {
    var tracer = LineageTracer([EventID(producer: 9, sequence: 9)])
    tracer.take([op(.append, east, at: 1)], names: names)
    tracer.take(log: [row("eu", EventID(producer: 1, sequence: 12))], of: "eu")
    let lineage = try #require(tracer.lineage(of: EventID(producer: 9, sequence: 9)))
    #expect(!lineage.isKnown)
    #expect(lineage.published == .no)
    #expect(tracer.sequences == [1: 7...12])
    #expect(tracer.lineage(of: id) == nil)
  }
}
