import Events
import Support
import Testing

@testable import Stacks

/// An event whose content follows from its number.
func sample(
  _ producer: UInt32, _ sequence: UInt64, aggregate: UInt32 = 1, aggregateSequence: UInt64? = nil
) -> NewEvent {
  NewEvent(
    id: EventID(producer: producer, sequence: sequence), aggregate: aggregate,
    aggregateSequence: aggregateSequence ?? sequence, correlation: "flow-\(producer)",
    producedAt: 1_700_000_000_000_000_000, payload: "payload \(sequence)", checksum: .max - sequence)
}

@Suite(.serialized, .enabled(if: Servers.available, "needs root, postgresql-15 and etcd-server"))
struct EventStoreTests {
  @Test func anAppendedEventIsReadBackWithEverythingThatItCarries() async throws {
    try await Servers.withStores(["east", "eu"]) { stores in
      let east = try #require(stores["east"])
      let control = try await east.open(as: EventStore.controlRole)
      try await control.seal(token: 7, holder: "east")
      let app = try await east.open()
      let first = try await app.append(sample(3, 0), token: 7)
      #expect(first == Acknowledgement(origin: "east", originSequence: 1, position: 1, duplicate: false))
      let again = try await app.append(sample(3, 0), token: 7)
      #expect(again == Acknowledgement(origin: "east", originSequence: 1, position: 1, duplicate: true))
      var changed = sample(3, 0)
      changed.checksum = 1
      await #expect(throws: PostgresError.self) { try await app.append(changed, token: 7) }
      let rows = try await app.tail(after: .start)
      #expect(rows.count == 1)
      let row = try #require(rows.first)
      #expect(row.id == EventID(producer: 3, sequence: 0) && row.token == 7 && row.checksum == .max)
      #expect(row.origin == "east" && row.position == 1 && row.aggregate == 1)
      #expect(try await app.tail(after: row.cursor).isEmpty)
      var dumped: [StoredEvent] = []
      try await app.dumpLog(page: 1) { dumped += $0 }
      #expect(dumped == rows)
    }
  }

  /// Each way around the fence is tried as the role that might try it.
  @Test func theFenceRefusesOtherTokensReadOnlyStoresAndOtherOrigins() async throws {
    try await Servers.withStores(["east", "eu"]) { stores in
      let east = try #require(stores["east"])
      let control = try await east.open(as: EventStore.controlRole)
      let app = try await east.open()
      func refusal(_ token: Int64, _ sequence: UInt64) async -> FenceRefusal? {
        do {
          _ = try await app.append(sample(1, sequence), token: token)
          return nil
        } catch { return FenceRefusal(error) }
      }
      #expect(await refusal(0, 0) == .readOnly)
      try await control.seal(token: 10, holder: "east")
      #expect(await refusal(10, 1) == nil)
      #expect(await refusal(9, 2) == .otherToken)
      #expect(await refusal(1_000_000, 3) == .otherToken)
      #expect(await refusal(9, 1) == .otherToken, "a repeated event is no way around the fence")
      try await control.demote(token: 10, holder: "east")
      #expect(await refusal(10, 4) == .readOnly)
      #expect(try await control.adopt(token: 12, holder: "eu").token == 12)
      #expect(await refusal(10, 5) == .otherToken)
      #expect(await refusal(12, 6) == .readOnly)

      // Past es.append, straight into the table: the trigger stands in front of it.
      let admin = try await east.open(as: EventStore.administrator)
      func insert(_ origin: String, _ token: Int64, into table: String) async -> PostgresError? {
        do {
          try await admin.connection.query(
            """
            insert into \(table) (\(EventStoreSchema.publishedColumns))
            values ($1, 99, 9, 9, 'k', 77, 1, null, 'c', 1, now(), now(), 1, $2, 'p', 0)
            """, [origin, "\(token)"])
          return nil
        } catch { return error }
      }
      try await control.seal(token: 20, holder: "east")
      #expect(await insert("eu", 20, into: "es.events").flatMap(FenceRefusal.init) == .otherOrigin)
      #expect(await insert("eu", 20, into: "es.events_eu").flatMap(FenceRefusal.init) == .otherOrigin)
      #expect(await insert("east", 19, into: "es.events_east").flatMap(FenceRefusal.init) == .otherToken)
      await #expect(throws: PostgresError.self) { try await admin.connection.query("delete from es.events") }
      await #expect(throws: PostgresError.self) { try await admin.connection.query("truncate es.events_east") }
      await #expect(throws: PostgresError.self) { try await app.connection.query("update es.fence set token = 0") }
      try await app.connection.query("begin isolation level repeatable read")
      await #expect(throws: PostgresError.self) { try await app.append(sample(1, 7), token: 20) }
      try await app.connection.query("rollback")
      #expect(await refusal(20, 8) == nil)
    }
  }

  @Test func aReignEndsByItselfWhenNobodyExtendsItAndALateSealDoesNotReopenIt() async throws {
    try await Servers.withStores(["east"]) { stores in
      let east = try #require(stores["east"])
      let control = try await east.open(as: EventStore.controlRole)
      let app = try await east.open()
      let now = Timebase.system.wall()
      try await control.seal(token: 5, holder: "east", validUntilWall: now + 60_000_000_000)
      _ = try await app.append(sample(1, 0), token: 5)
      let same = try await control.seal(token: 5, holder: "east", validUntilWall: now - 1_000_000_000)
      #expect(same.validUntilWall == (now + 60_000_000_000) / 1000 * 1000, "a repeated seal changes nothing")
      try await control.seal(token: 6, holder: "east", validUntilWall: now - 1_000_000_000)
      let late = await #expect(throws: PostgresError.self) { try await app.append(sample(1, 1), token: 6) }
      #expect(late.flatMap(FenceRefusal.init) == .readOnly)
      try await control.extend(token: 6, validUntilWall: now + 60_000_000_000)
      _ = try await app.append(sample(1, 1), token: 6)
      // A demotion overtakes its own seal: the seal comes too late.
      try await control.demote(token: 8, holder: "east")
      let refused = await #expect(throws: PostgresError.self) { try await control.seal(token: 8, holder: "east") }
      #expect(refused.flatMap(FenceRefusal.init) == .otherToken)
      let gone = await #expect(throws: PostgresError.self) {
        try await control.extend(token: 8, validUntilWall: now + 60_000_000_000)
      }
      #expect(gone.flatMap(FenceRefusal.init) == .otherToken)
      #expect(try await control.demote(token: 3, holder: "old").token == 8, "an older reign cannot end a newer one")
      let log = try await control.dumpFenceLog()
      #expect(log.map(\.token) == [5, 6, 8] && log.map(\.mode) == [.readWrite, .readWrite, .readOnly])
      #expect(log[1].barrierPosition == 1 && log[1].barrierOriginSequence == 1)
    }
  }

  /// Eight writers hold the old token while the store is sealed: none of their rows may come after the seal's return.
  @Test func noWriteOfTheOldTokenIsAcceptedAfterTheSealHasReturned() async throws {
    try await Servers.withStores(["east"]) { stores in
      let east = try #require(stores["east"])
      let control = try await east.open(as: EventStore.controlRole)
      try await control.seal(token: 1, holder: "east")
      let clock = Timebase.system
      try await withThrowingTaskGroup(of: [(began: Int64, ended: Int64, accepted: Bool)].self) { group in
        for writer in 0..<8 {
          let app = try await east.open()
          group.addTask {
            var attempts: [(began: Int64, ended: Int64, accepted: Bool)] = []
            var refused = 0
            for sequence in 0..<2000 where refused < 20 {
              let began = clock.monotonic()
              do {
                _ = try await app.append(
                  sample(UInt32(writer), UInt64(sequence), aggregate: UInt32(writer)), token: 1)
                attempts.append((began, clock.monotonic(), true))
              } catch {
                #expect(FenceRefusal(error) == .otherToken)
                refused += 1
                attempts.append((began, clock.monotonic(), false))
              }
            }
            return attempts
          }
        }
        try await eventually("200 rows") { try await control.tail(after: .start).count > 200 }
        let sealBegan = clock.monotonic()
        try await control.seal(token: 2, holder: "east")
        let sealed = clock.monotonic()
        var accepted = 0
        var refused = 0
        for try await attempts in group {
          accepted += attempts.count(where: \.accepted)
          refused += attempts.count { !$0.accepted }
          #expect(!attempts.contains { $0.accepted && $0.began > sealed }, "accepted after the seal")
          #expect(!attempts.contains { !$0.accepted && $0.ended < sealBegan }, "refused before the seal")
        }
        #expect(accepted > 200 && refused == 160)
      }
      let barrier = try #require(try await control.dumpFenceLog().last).barrierPosition
      try await control.dumpLog { rows in #expect(rows.allSatisfy { $0.position <= barrier }) }
    }
  }

  /// A seal waits for a write under way; a writer that stands still does not hold it up for longer than a second.
  @Test func aWriterThatStandsStillInATransactionIsThrownOut() async throws {
    try await Servers.withStores(["east"]) { stores in
      let east = try #require(stores["east"])
      let control = EventStore(try await east.open(as: EventStore.controlRole).connection, limit: .seconds(5))
      try await control.seal(token: 1, holder: "east")
      let writer = try await east.open()
      try await writer.connection.query("begin")
      _ = try await writer.append(sample(1, 0), token: 1)
      let began = Timebase.system.monotonic()
      try await control.seal(token: 2, holder: "east")
      #expect(Timebase.system.monotonic() - began > 500_000_000, "it waited for the writer")
      let thrownOut = await #expect(throws: PostgresError.self) { try await writer.connection.query("commit") }
      #expect(thrownOut?.isUnknownOutcome == true)
      #expect(try await control.tail(after: .start).isEmpty)
      #expect(try await control.latestSequences(of: [1]).isEmpty)
      try await writer.reconnect()
      _ = try await writer.append(sample(1, 1, aggregate: 1, aggregateSequence: 17), token: 2)
      #expect(try await control.latestSequences(of: [1, 2]) == [1: 17])
    }
  }

  /// Transactions that commit in another order than they took their numbers in must not make a reader skip rows.
  @Test func aReaderSkipsNothingWhenTransactionsCommitOutOfOrder() async throws {
    try await Servers.withStores(["east"]) { stores in
      let east = try #require(stores["east"])
      try await east.open(as: EventStore.controlRole).seal(token: 1, holder: "east")
      let slow = try await east.open()
      let fast = try await east.open()
      let reader = try await east.open()
      try await slow.connection.query("set idle_in_transaction_session_timeout = 0")
      try await slow.connection.query("begin")
      _ = try await slow.append(sample(1, 0, aggregate: 1), token: 1)
      _ = try await fast.append(sample(2, 0, aggregate: 2), token: 1)
      #expect(try await reader.tail(after: .start).isEmpty, "the fast row stands behind a running transaction")
      #expect(try await reader.applyBatch(group: "g").deliveries.isEmpty)
      try await slow.connection.query("commit")
      #expect(try await reader.tail(after: .start).map(\.id.producer) == [1, 2])
      #expect(try await reader.applyBatch(group: "g").appliedCount == 2)

      // The same with many: one reader follows six writers and must see every row once.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in UInt32(10)..<16 {
          let app = try await east.open()
          group.addTask {
            for sequence in UInt64(0)..<150 {
              _ = try await app.append(sample(writer, sequence, aggregate: writer), token: 1)
            }
          }
        }
        group.addTask {
          try await withDeadline(.seconds(20), "902 rows") { () -> Void in
            var cursor = StoreCursor.start
            var seen: Set<EventID> = []
            while seen.count < 902 {
              for row in try await reader.tail(after: cursor, limit: 100) {
                let isNew = seen.insert(row.id).inserted
                #expect(isNew && row.cursor > cursor)
                cursor = row.cursor
              }
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test func aConsumerAppliesEachEventOnceHoweverOftenItReadsBack() async throws {
    try await Servers.withStores(["east"]) { stores in
      let east = try #require(stores["east"])
      try await east.open(as: EventStore.controlRole).seal(token: 1, holder: "east")
      let app = try await east.open()
      for sequence in UInt64(0)..<10 { _ = try await app.append(sample(1, sequence, aggregate: 4), token: 1) }
      let first = try await app.applyBatch(group: "eu", limit: 6)
      #expect(first.deliveries.map(\.ordinal) == Array(1...6) && first.appliedCount == 6)
      let overlap = try await app.applyBatch(group: "eu", limit: 6, reread: 4)
      #expect(overlap.deliveries.map(\.ordinal) == Array(3...10))
      #expect(overlap.appliedCount == 4 && overlap.redeliveredCount == 4)
      #expect(overlap.deliveries.allSatisfy { $0.applied != $0.redelivered })
      let nothing = try await app.applyBatch(group: "eu", limit: 6, reread: 50)
      #expect(nothing.deliveries.count == 10 && nothing.appliedCount == 0)
      #expect(try await app.applyBatch(group: "eu").deliveries.isEmpty)
      let progress = try #require(try await app.dumpProgress().first)
      let last = try await app.tail(after: .start).last
      #expect(progress.ordinal == 10 && progress.cursor == last?.cursor)
      var applied: [AppliedRecord] = []
      try await app.dumpApplied(page: 3) { applied += $0 }
      #expect(applied.count == 10 && applied.allSatisfy { $0.times == 1 })
      let deliveries = applied.map(\.deliveries).reduce(0, +)
      #expect(deliveries == 24, "six, then eight, then all ten")
      let projection = try await app.connection.query("select events, last_sequence from es.projection")
      #expect(projection.first == ["10", "9"])
    }
  }

  @Test func storesMirrorEachOthersOwnEventsBothWaysAndNumberThemAnew() async throws {
    try await Servers.withStores(["east", "eu"], mirrored: true) { stores in
      let east = try #require(stores["east"])
      let eu = try #require(stores["eu"])
      let eastApp = try await east.open()
      let euApp = try await eu.open()
      try await east.open(as: EventStore.controlRole).seal(token: 1, holder: "east")
      try await eu.open(as: EventStore.controlRole).seal(token: 2, holder: "eu")
      for sequence in UInt64(0)..<5 {
        _ = try await euApp.append(sample(2, sequence, aggregate: 2), token: 2)
        _ = try await eastApp.append(sample(1, sequence, aggregate: 1), token: 1)
      }
      for store in [eastApp, euApp] {
        try await eventually("ten rows") { try await store.tail(after: .start).count == 10 }
        let rows = try await store.tail(after: .start)
        #expect(rows.map(\.position).sorted() == Array(1...10))
        let eastern = rows.filter { $0.origin == "east" }
        #expect(eastern.map(\.id.sequence) == [0, 1, 2, 3, 4])
        #expect(eastern.allSatisfy { $0.token == 1 })
      }
      // What a mirror has brought is known: a producer that repeats it elsewhere is told so.
      let repeated = try await euApp.append(sample(1, 3, aggregate: 1), token: 2)
      #expect(repeated.duplicate && repeated.origin == "east")

      let euAdmin = try await eu.open(as: EventStore.administrator)
      try await euAdmin.freezeMirror(of: "east")
      try await eventually("the worker's end") { try await !euAdmin.mirrorsReady() }
      _ = try await eastApp.append(sample(1, 5, aggregate: 1), token: 1)
      let held = try await eastApp.mirrorStatus()
      #expect(held.outgoing.map(\.slot) == ["es_east_to_eu"] && held.outgoing[0].lagBytes > 0)
      #expect(try await euApp.mirrorStatus().incoming.map(\.enabled) == [false])
      try await euAdmin.resumeMirror(of: "east")
      try await eventually("the row that waited") { try await euApp.tail(after: .start).count == 11 }
      let status = try await euApp.mirrorStatus()
      #expect(status.incoming.map(\.running) == [true] && status.incoming[0].applyErrors == 0)
    }
  }
}
