import Checks
import Events
import Support
import Testing

/// Mirrors in which the checks must tell cases apart that look alike.
@Suite struct MirrorChecksTests: MirrorFindings {
  private static let flow = MirrorDirection(from: "east", to: "eu")

  @Test func `a log that parted from another is found at its first record`() {
    for place in [0, 1, 4095, 4096, 4097, 9_999] {
      var one = ParityChain()
      var other = ParityChain()
      let left = (0..<10_000).map { UInt64($0) }
      var right = left
      right[place] ^= 1
      for number in left { one.append(key: 7, checksum: number) }
      for number in right { other.append(key: 7, checksum: number) }
      #expect(one.digest != other.digest)
      var blocksRead = 0
      let found = ParityChain.firstDifference(one, other) { start in
        blocksRead += 1
        let end = min(start + ParityChain.blockSize, left.count)
        return (Array(left[start..<end]), Array(right[start..<end]))
      }
      #expect(found == place)
      #expect(blocksRead == 1)
    }
  }

  @Test func `a longer log is no other log`() {
    var one = ParityChain()
    for number in UInt64(0)..<5000 { one.append(key: 7, checksum: number) }
    var other = one
    other.append(key: 7, checksum: 1)
    #expect(ParityChain.firstDifference(one, other) { _ in ([1, 2], [1, 2]) } == nil)
  }

  @Test func `order within keys is enough where no more is promised`() {
    let events = [
      MirrorEvent(0, .record(.source, record(0, at: 0, key: 1))),
      MirrorEvent(0, .record(.source, record(1, at: 1, key: 2))),
      MirrorEvent(0, .record(.source, record(2, at: 2, key: 1))),
      MirrorEvent(1, .record(.target, record(1, at: 0, key: 2))),
      MirrorEvent(1, .record(.target, record(0, at: 1, key: 1))),
      MirrorEvent(1, .record(.target, record(2, at: 2, key: 1))),
      MirrorEvent(2, .end),
    ]
    #expect(anomalies(find(MirrorExpectations(flow: Self.flow), events)) == ["M3"])
    #expect(find(MirrorExpectations(flow: Self.flow, isOrderedByKey: true), events).isEmpty)
    var swapped = events
    swapped.swapAt(4, 5)
    #expect(anomalies(find(MirrorExpectations(flow: Self.flow, isOrderedByKey: true), swapped)) == ["M3"])
  }

  @Test func `a record that was compacted away is not missing`() {
    let source = (UInt64(0)..<4).map { MirrorEvent(0, .record(.source, record($0, at: Int64($0), key: $0 % 2))) }
    let target = [2, 3].map { MirrorEvent(1, .record(.target, record(UInt64($0), at: Int64($0), key: UInt64($0) % 2))) }
    let events = source + target + [MirrorEvent(2, .end)]
    #expect(anomalies(find(MirrorExpectations(flow: Self.flow), events)) == ["M1", "M1"])
    #expect(find(MirrorExpectations(flow: Self.flow, isCompacted: true), events).isEmpty)
  }

  @Test func `the source may be read later than the target`() {
    let target = (UInt64(0)..<50).map { MirrorEvent(1, .record(.target, record($0, at: Int64($0)))) }
    let source = (UInt64(0)..<50).map { MirrorEvent(2, .record(.source, record($0, at: Int64($0)))) }
    #expect(find(MirrorExpectations(flow: Self.flow), target + source + [MirrorEvent(3, .end)]).isEmpty)
  }

  @Test func `a gap that was cut off before anybody read it is told`() {
    var events: [MirrorEvent] = []
    for number in UInt64(10)..<12 { events.append(MirrorEvent(0, .record(.target, record(number, at: Int64(number))))) }
    // The source is first read where its log starts now.
    for number in UInt64(10)..<12 {
      events.insert(MirrorEvent(0, .record(.source, record(number, at: Int64(number)))), at: 0)
    }
    events.swapAt(0, 1)
    events.append(MirrorEvent(1, .bounds(.source, start: 40, end: 50)))
    events.append(MirrorEvent(2, .record(.source, record(41, at: 41))))
    events.append(MirrorEvent(3, .record(.target, record(41, at: 12))))
    // Read all along: the records in between would have been seen, so there were none.
    #expect(find(MirrorExpectations(flow: Self.flow), events + [MirrorEvent(4, .end)]).isEmpty)
    // Seen at the source, and cut off before they were carried.
    events.insert(MirrorEvent(0, .record(.source, record(20, at: 20))), at: 4)
    let findings = find(MirrorExpectations(flow: Self.flow), events + [MirrorEvent(4, .end)])
    #expect(anomalies(findings) == ["M15"])
    #expect(findings.first?.events == [EventID(producer: 0, sequence: 20)])
  }

  @Test func `a mirror that catches up slowly is told from one that is stuck`() {
    let second: Int64 = 1_000_000_000
    var expectations = MirrorExpectations(flow: Self.flow, freshness: second, catchUp: 10 * second)
    expectations.outages = [0...5 * second]
    let source = (UInt64(0)..<200).map { MirrorEvent(second, .record(.source, record($0, at: Int64($0)))) }
    let slow = (UInt64(0)..<100).map {
      MirrorEvent(6 * second + Int64($0) * second / 5, .record(.target, record($0, at: Int64($0))))
    }
    let slowly = find(expectations, source + slow + [MirrorEvent(30 * second, .end)])
    #expect(anomalies(slowly) == ["M17"])
    #expect(slowly[0].what.contains("catching up"))
    let stuck = find(
      expectations,
      source + [
        MirrorEvent(6 * second, .heartbeat), MirrorEvent(16 * second + 1, .sync(SyncPoint(upstream: 0, downstream: 0))),
      ]
        + [MirrorEvent(17 * second, .end)])
    #expect(anomalies(stuck).contains("M17"))
    #expect(stuck.contains { $0.what.contains("stuck") })
    let brief = find(expectations, source + [MirrorEvent(14 * second, .end)])
    #expect(!anomalies(brief).contains("M17"))
  }

  @Test func `an offset that is written twice after a reconnect skips nothing`() {
    var events = (UInt64(0)..<20).map { MirrorEvent(0, .record(.source, record($0, at: Int64($0)))) }
    let copies = (UInt64(0)..<10).map { $0 } + (UInt64(5)..<20).map { $0 }
    for (offset, number) in copies.enumerated() {
      events.append(MirrorEvent(1, .record(.target, record(number, at: Int64(offset)))))
    }
    // Source 7 has its second copy at 12; a group that goes on there has everything before it.
    events.append(MirrorEvent(2, .checkpoint(Checkpoint(group: "g", upstream: 7, downstream: 12))))
    #expect(anomalies(find(MirrorExpectations(flow: Self.flow), events + [MirrorEvent(3, .end)])) == ["M2"])
    events.append(MirrorEvent(2, .checkpoint(Checkpoint(group: "h", upstream: 7, downstream: 13))))
    let skipping = find(MirrorExpectations(flow: Self.flow), events + [MirrorEvent(3, .end)])
    #expect(anomalies(skipping) == ["M2", "M6"])
    #expect(skipping[1].what.contains("skip 1 record"))
  }

  /// The dumps of two clusters become the events of a mirror.
  @Test func `a mirror of partitions is read from the dumps of both clusters`() {
    var evidence = CleanDrill.evidence()
    var records: [PartitionRow] = []
    for number in Int64(0)..<30 {
      var source = PartitionRow(
        store: "east", partition: "orders-0", offset: number, event: EventID(producer: 9, sequence: UInt64(number)))
      source.checksum = UInt64(number)
      source.key = 3
      var target = source
      target.store = "eu"
      target.partition = "east.orders-0"
      target.provenance = ["east"]
      if number == 12 { continue }
      records.append(source)
      if number != 17 { records.append(target) }
      // An aborted record is not carried.
      if number == 20 {
        var aborted = PartitionRow(
          store: "east", partition: "orders-0", offset: 100, event: EventID(producer: 9, sequence: 900))
        aborted.transactionalID = "t"
        var marker = PartitionRow(store: "east", partition: "orders-0", offset: 101, content: .abortMarker)
        marker.transactionalID = "t"
        records += [aborted, marker]
      }
    }
    evidence.truth.records = records
    evidence.truth.checkpoints = [
      CheckpointRow(
        source: "east", target: "eu", group: "g", partition: "orders-0", upstream: 10, downstream: 15, observed: 1)
    ]
    evidence.truth.offsetSyncs = []
    evidence.truth.groupOffsets = []
    evidence.truth.heartbeats = []
    evidence.roles.mirrors = [MirrorDirection(from: "east", to: "eu")]
    let rows = examineMirrors(MirrorEvidence.of(evidence)).rows
    #expect(Set(rows.flatMap(\.findings).map(\.anomaly)) == ["M1", "M6"])
    #expect(rows.first { $0.anomaly == .truncationSkip }?.missing == ["samples of the log start of east"])
    #expect(rows.first { $0.anomaly == .mirrorMissing }?.examined?.value == 29)
  }
}

/// Leadership in which the checks must tell cases apart that look alike.
@Suite struct LeadershipChecksTests {
  private func find(_ events: [LeadershipEvent]) -> [Finding] {
    var checks = LeadershipChecks(LeadershipExpectations())
    for event in events { checks.take(event) }
    checks.take(.end(at: nil))
    return checks.drain()
  }

  private func grant(
    _ holder: String, _ token: Int64, at time: Int64, until end: Int64?, uncertainty: Int64 = 0
  ) -> LeadershipEvent {
    .lease(
      LeaseChange(
        .acquired, holder: holder, token: FencingToken(token), invoked: time, returned: time, leaseEnd: end,
        uncertainty: uncertainty))
  }

  @Test func `an overlap within the uncertainty of clocks is possible, and any other is certain`() {
    #expect(find([grant("a", 1, at: 0, until: 10), grant("b", 2, at: 11, until: 20)]).isEmpty)
    let possible = find([grant("a", 1, at: 0, until: 10, uncertainty: 2), grant("b", 2, at: 11, until: 20)])
    #expect(possible.map(\.anomaly) == ["E3"])
    #expect(possible.map(\.certainty) == [.possible])
    let certain = find([grant("a", 1, at: 0, until: 14, uncertainty: 2), grant("b", 2, at: 11, until: nil)])
    #expect(certain.map(\.certainty) == [.certain])
    let stopped = LeadershipEvent.lease(
      LeaseChange(.stopped, holder: "a", token: FencingToken(1), invoked: 9, returned: 9))
    #expect(
      find([grant("a", 1, at: 0, until: 14, uncertainty: 2), stopped, grant("b", 2, at: 11, until: nil)]).isEmpty)
  }

  @Test func `grants that overlap in time may get their tokens in either order`() {
    let late = LeadershipEvent.lease(
      LeaseChange(.acquired, holder: "b", token: FencingToken(1), invoked: 3, returned: 6))
    #expect(find([grant("a", 2, at: 5, until: nil), late]).isEmpty)
    let after = LeadershipEvent.lease(
      LeaseChange(.acquired, holder: "b", token: FencingToken(1), invoked: 6, returned: 7))
    #expect(find([grant("a", 2, at: 5, until: nil), after]).map(\.anomaly) == ["E2"])
  }

  @Test func `a higher epoch outweighs a lower revision`() {
    func grant(_ epoch: Int64, _ revision: Int64, at time: Int64) -> LeadershipEvent {
      .lease(
        LeaseChange(
          .acquired, holder: "h\(time)", token: FencingToken(epoch: epoch, revision), invoked: time, returned: time))
    }
    #expect(find([grant(0, 900, at: 1), grant(1, 3, at: 5)]).isEmpty)
    #expect(find([grant(0, 900, at: 1), grant(0, 3, at: 5)]).map(\.anomaly) == ["E2"])
  }

  @Test func `a refusal is justified as soon as a higher token may have been granted`() {
    func refusal(at time: Int64) -> LeadershipEvent {
      .write(
        FencedWrite(
          holder: "a", token: FencingToken(1), resource: "r", event: EventID(producer: 1, sequence: 1),
          invoked: time - 1,
          returned: time, status: .rejected))
    }
    let next = LeadershipEvent.lease(
      LeaseChange(.acquired, holder: "b", token: FencingToken(2), invoked: 20, returned: 25))
    #expect(find([grant("a", 1, at: 0, until: nil), refusal(at: 21), next]).isEmpty)
    #expect(find([grant("a", 1, at: 0, until: nil), refusal(at: 19), next]).map(\.anomaly) == ["E6"])
  }
}
