import Events
import Support
import Testing

@testable import Stacks

/// The outbox of the event store, on real servers.
@Suite(.serialized, .enabled(if: Servers.available, "needs root, postgresql-15 and etcd-server"))
struct OutboxStoreTests {
  private func entries(_ store: EventStore) async throws -> [OutboxEntry] {
    var entries: [OutboxEntry] = []
    try await store.dumpOutbox(page: 2) { entries += $0 }
    return entries
  }

  /// A mirror has the rows of what it applies under the same ids, and what it does not have is the slot.
  @Test func everyAppendLeavesARowThatTheMirrorHasTooAndASlotThatItHasNot() async throws {
    try await Servers.withStores(["east", "eu"]) { stores in
      let east = try #require(stores["east"])
      let eu = try #require(stores["eu"])
      let (eastAdmin, euAdmin) = (
        try await east.open(as: EventStore.administrator), try await eu.open(as: EventStore.administrator)
      )
      for admin in [eastAdmin, euAdmin] { try await admin.provisionOutbox(origins: ["east", "eu"], keepsRows: true) }
      try await eastAdmin.makeOutboxSlot()
      try await euAdmin.subscribe(to: "east", at: east.address("x"), region: "eu")
      try await east.open(as: EventStore.controlRole).seal(token: 7, holder: "east")
      let app = try await east.open()
      for sequence in 0..<3 as Range<UInt64> { _ = try await app.append(sample(3, sequence), token: 7) }
      // What is acknowledged again, or refused, leaves none.
      _ = try await app.append(sample(3, 0), token: 7)
      await #expect(throws: PostgresError.self) { try await app.append(sample(3, 9), token: 6) }

      let written = try await entries(eastAdmin)
      #expect(written.map(\.event.sequence) == [0, 1, 2])
      #expect(written.allSatisfy { $0.isKept && $0.origin == "east" && OutboxRecord.isRowID($0.id) })
      #expect(Set(written.map(\.id)).count == 3 && written[1].payload == "payload 1")
      try await eventually("the rows in eu") { try await entries(euAdmin).count == 3 }
      #expect(try await entries(euAdmin) == written)
      #expect(try await eastAdmin.outboxSlotIsActive() == false)
      #expect(try await euAdmin.outboxSlotIsActive() == nil)

      // A barrier belongs to no event.
      #expect(OutboxRecord.isRowID(try await eastAdmin.writeOutboxBarrier()))
      #expect(try await entries(eastAdmin).count == 3)
      try await eastAdmin.dropOutboxSlot()
      #expect(try await eastAdmin.outboxSlotIsActive() == nil)
    }
  }

  @Test func rowsThatAreNotKeptAreToldByTheirEventsAllTheSame() async throws {
    try await Servers.withStores(["east"]) { stores in
      let east = try #require(stores["east"])
      let admin = try await east.open(as: EventStore.administrator)
      try await admin.provisionOutbox(origins: ["east"], keepsRows: false)
      try await east.open(as: EventStore.controlRole).seal(token: 7, holder: "east")
      _ = try await east.open().append(sample(3, 0), token: 7)
      let written = try await entries(admin)
      #expect(written.count == 1 && !written[0].isKept)
    }
  }
}
