import Events
import Support
import Testing

@testable import Stacks

/// Each planted fault really breaks its promise, and the promise holds without it (see EventStoreTests).
@Suite(.serialized, .enabled(if: Servers.available, "needs root, postgresql-15 and etcd-server"))
struct PlantTests {
  @Test func aFenceThatIsOffTakesStaleTokens() async throws {
    try await Servers.withStores(["east", "eu"]) { stores in
      let east = try #require(stores["east"])
      try await east.open(as: EventStore.administrator).plantFenceOff()
      let control = try await east.open(as: EventStore.controlRole)
      try await control.seal(token: 5, holder: "east")
      let app = try await east.open()
      _ = try await app.append(sample(1, 0), token: 3)
      try await control.demote(token: 5, holder: "east")
      _ = try await app.append(sample(1, 1), token: 5)
      #expect(try await app.tail(after: .start).map(\.token) == [3, 5])
    }
  }

  @Test func everyThirdAcknowledgedEventIsDropped() async throws {
    try await Servers.withStores(["east"]) { stores in
      let east = try #require(stores["east"])
      try await east.open(as: EventStore.administrator).plantAckDropped(oneIn: 3)
      try await east.open(as: EventStore.controlRole).seal(token: 5, holder: "east")
      let app = try await east.open()
      var positions: [Int64] = []
      for sequence in UInt64(0)..<9 {
        positions.append(try await app.append(sample(1, sequence), token: 5).position)
      }
      #expect(positions == Array(1...9), "the acknowledgements look right")
      #expect(try await app.tail(after: .start).map(\.id.sequence) == [0, 1, 3, 4, 6, 7])
      let stale = await #expect(throws: PostgresError.self) { try await app.append(sample(1, 10), token: 4) }
      #expect(stale.flatMap(FenceRefusal.init) == .otherToken, "the fence is another promise and still holds")
    }
  }

  @Test func aProjectionAppliesWhatItReadsAgain() async throws {
    try await Servers.withStores(["east"]) { stores in
      let east = try #require(stores["east"])
      try await east.open(as: EventStore.administrator).plantProjectionNotIdempotent()
      try await east.open(as: EventStore.controlRole).seal(token: 5, holder: "east")
      let app = try await east.open()
      for sequence in UInt64(0)..<4 { _ = try await app.append(sample(1, sequence), token: 5) }
      #expect(try await app.applyBatch(group: "g").appliedCount == 4)
      #expect(try await app.applyBatch(group: "g", reread: 2).appliedCount == 2)
      var records: [AppliedRecord] = []
      try await app.dumpApplied { records += $0 }
      #expect(records.map(\.times) == [1, 1, 2, 2])
      #expect(try await app.connection.query("select events from es.projection").first == ["6"])
    }
  }

  @Test func aMirrorAppliesABatchTwiceAndGoesOn() async throws {
    try await Servers.withStores(["east", "eu"], mirrored: true) { stores in
      let east = try #require(stores["east"])
      let eu = try #require(stores["eu"])
      try await east.open(as: EventStore.controlRole).seal(token: 5, holder: "east")
      let app = try await east.open()
      let mirror = try await eu.open()
      _ = try await app.append(sample(1, 0), token: 5)
      try await eventually("the first row") { try await mirror.tail(after: .start).count == 1 }
      let plant = try await MirrorRepeat.prepare(
        publisher: try await east.open(as: EventStore.administrator),
        subscriber: try await eu.open(as: EventStore.administrator), origin: "east")
      for sequence in UInt64(1)..<4 { _ = try await app.append(sample(1, sequence), token: 5) }
      try await eventually("four rows") { try await mirror.tail(after: .start).count == 4 }
      #expect(try await mirror.applyBatch(group: "g").appliedCount == 4)
      try await plant.fire()
      try await eventually("three rows again") { try await mirror.tail(after: .start).count >= 7 }
      _ = try await app.append(sample(1, 4), token: 5)
      try await eventually("a row after that") { try await mirror.tail(after: .start).last?.id.sequence == 4 }
      let rows = try await mirror.tail(after: .start)
      // The copy begins where the target had confirmed, so the first event may come again as well.
      let sequences = rows.map(\.id.sequence)
      #expect([[0, 1, 2, 3, 1, 2, 3, 4], [0, 1, 2, 3, 0, 1, 2, 3, 4]].contains(sequences))
      #expect(try await app.tail(after: .start).count == 5, "the origin's own log is untouched")
      // The consumer's check is another promise and still holds.
      #expect(try await mirror.applyBatch(group: "g").appliedCount == 1)
      let status = try await app.mirrorStatus()
      #expect(status.outgoing.map(\.slot) == ["es_east_to_eu_repeat"] && status.outgoing[0].active)
    }
  }
}
