import Events
import Testing

@testable import Checks

/// A failover between clusters whose logs have partitions: each has an end of its own when the fence is set.
@Suite struct PartitionedFenceTests {
  private var drill = SmallDrill()

  /// East writes to two partitions under token 1, the mirror brings them to eu, and eu takes over with token 2.
  ///
  /// When eu was sealed, `east.orders-0` ended at 50 and `east.orders-1` at 3: an offset of one says nothing about the other.
  init() {
    place(1, "orders-0", 10, mirrored: 50, at: 10)
    place(2, "orders-0", 11, mirrored: 51, at: 12)
    place(3, "orders-1", 2, mirrored: 3, at: 11)
    place(4, "orders-1", 3, mirrored: 4, at: 13)
    write(5, in: "eu", "orders-1", 0, token: 2, at: 25)
    drill.truth.fences["eu"] = [
      FenceEntry(
        store: "eu", token: 2, mode: .readWrite, holder: "eu", barrierPosition: -1, barrierOriginSequence: -1,
        partitionBarriers: ["orders-0": -1, "orders-1": -1, "east.orders-0": 50, "east.orders-1": 3],
        observed: 20 * second)
    ]
    drill.truth.fences["east"] = [
      fence("east", .readWrite, token: 1, [-1, -1]), fence("east", .readOnly, token: 1, [11, 3]),
    ]
  }

  private func fence(_ store: String, _ mode: FenceMode, token: Int64, _ ends: [Int64]) -> FenceEntry {
    FenceEntry(
      store: store, token: token, mode: mode, holder: "east", barrierPosition: -1, barrierOriginSequence: -1,
      partitionBarriers: ["orders-0": ends[0], "orders-1": ends[1]], observed: 18 * second)
  }

  private mutating func write(
    _ number: UInt64, in store: String, _ partition: String, _ offset: Int64, token: Int64, at time: Int64
  ) {
    drill.write(number, to: store, token: token, at: time)
    drill.operations[drill.operations.count - 1].partition = drill.names.partition(partition)
    row(number, in: store, origin: store, partition, offset, first: offset, token: token, at: time)
  }

  private mutating func row(
    _ number: UInt64, in store: String, origin: String, _ partition: String, _ offset: Int64, first: Int64,
    token: Int64,
    at time: Int64
  ) {
    drill.row(number, in: store, origin: origin, token: token, position: offset, seen: time)
    let last = (drill.truth.logs[store]?.count ?? 0) - 1
    drill.truth.logs[store]?[last].partition = partition
    drill.truth.logs[store]?[last].originSequence = first
  }

  /// An event that east took and the mirror brought.
  private mutating func place(
    _ number: UInt64, _ partition: String, _ offset: Int64, mirrored: Int64, at time: Int64
  ) {
    write(number, in: "east", partition, offset, token: 1, at: time)
    row(number, in: "eu", origin: "east", "east.\(partition)", mirrored, first: offset, token: 1, at: 42)
  }

  private func findings(_ evidence: Evidence) throws -> [Finding] {
    let verdict = try #require(judge(evidence, checklist: [.staleTokenRejected]).items.first?.verdict)
    guard case .fail(let witness) = verdict else { return [] }
    return witness.findings.filter { $0.anomaly == "E4" }
  }

  @Test func `what stands behind its own partition's end is the recovery point, whatever stands in another`() throws {
    let point = try #require(judge(drill.evidence, checklist: [.noAcknowledgedLoss]).recoveryPoint)
    #expect(point.events.map(\.event.sequence) == [2, 4])
    #expect(point.late == 2 && point.lost == 0)
  }

  @Test func `the rows of a failover tell partitions apart, and lanes by them`() throws {
    let record = try FailoverRecord(drill.evidence, Facts(drill.evidence))
    #expect(record.points.map(\.lane.partition) == [0, 1])
    #expect(record.points.map { $0.missing.map(\.sequence) } == [[2], [4]])
    #expect(record.divergent.map(\.event.sequence) == [2, 4])
  }

  @Test func `without the ends of the partitions there is no recovery point`() throws {
    var evidence = drill.evidence
    evidence.truth.fences["eu"]?[0].partitionBarriers = nil
    #expect(judge(evidence, checklist: [.noAcknowledgedLoss]).recoveryPoint == nil)
    let verdict = try #require(judge(evidence, checklist: [.noAcknowledgedLoss]).items.first?.verdict)
    #expect(verdict.kind == .inconclusive)
    #expect(verdict.headline.contains("the end of each partition of eu's log when it was promoted"))
  }

  @Test func `a row behind its partition's barrier is a violation, also where another partition's end is higher`()
    throws
  {
    #expect(try findings(drill.evidence).isEmpty)
    var later = self
    later.write(6, in: "east", "orders-1", 4, token: 1, at: 17)
    let found = try findings(later.drill.evidence)
    #expect(found.map(\.anomaly) == ["E4"])
    #expect(found.first?.events.map(\.sequence) == [6])
    #expect(found.first?.what.contains("while it was read-only") == true)
  }

  @Test func `barriers that fall in one partition are no order of the fences`() throws {
    var evidence = drill.evidence
    evidence.truth.fences["east"]?[0].partitionBarriers?["orders-1"] = 3
    evidence.truth.fences["east"]?[1].partitionBarriers?["orders-1"] = 2
    let verdict = try #require(judge(evidence, checklist: [.staleTokenRejected]).items.first?.verdict)
    #expect("\(verdict)".contains("its barriers fall in orders-1"))
  }

  @Test func `rows of several partitions are told in an order that all of them allow`() {
    let fences = drill.truth.fences["east"] ?? []
    let own = (drill.truth.logs["east"] ?? []).shuffled()
    #expect(fences.inOrder(own).map(\.row.event.sequence) == [1, 2, 3, 4])
    #expect(fences.inOrder(own).allSatisfy { $0.states == 1 })
  }
}
