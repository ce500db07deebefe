import Events
import KafkaWire
import Scenarios
import Stacks
import Support
import Testing

@testable import Drill
@testable import Workload

/// What steers a stack with Kafka, as far as it is pure.
struct KafkaSteeringTests {
  private func point(_ upstream: Int64, _ downstream: Int64) -> OffsetSyncRecord {
    OffsetSyncRecord(topic: "orders", partition: 0, upstream: upstream, downstream: downstream)
  }

  @Test func syncPointsReadBackwardsNeverSkip() {
    let points = SyncPoints([point(10, 4), point(11, 6), point(15, 9)])
    #expect(points.upstream(of: 4) == 10)
    #expect(points.upstream(of: 5) == 11)
    #expect(points.upstream(of: 6) == 11)
    #expect(
      points.upstream(of: 8) == 12, "what stands behind a point may have been read only as far as the point tells")
    #expect(points.upstream(of: 9) == 15)
    #expect(points.upstream(of: 1000) == 16)
    #expect(points.upstream(of: 3) == 0, "before the first point nothing is known")
    #expect(SyncPoints([]).upstream(of: 7) == 0)
  }

  @Test func aMirrorThatWasSetBackMakesItsEarlierSyncPointsVoid() {
    let points = SyncPoints([point(10, 4), point(20, 14), point(12, 30)])
    #expect(points.points == [point(12, 30)])
    #expect(points.upstream(of: 14) == 0, "a point that no longer counts would skip what is mirrored again")
    #expect(points.upstream(of: 31) == 13)
  }

  private let fenced = KafkaFailure(what: "commit", kind: .fenced, code: -144, name: "_FENCED", text: "", isFatal: true)
  private let forbidden = KafkaFailure(
    what: "commit", kind: .notAllowed, code: 29, name: "TOPIC_AUTHORIZATION_FAILED", text: "")
  private let late = KafkaFailure(what: "commit", kind: .timedOut, code: -185, name: "_TIMED_OUT", text: "")
  private let place = KafkaPartition("orders", 0)

  @Test func theOutcomeOfAWriteIsWhatIsKnownOfIt() {
    // Replaced by another owner while the connection held: nothing of it is there, and never will be.
    #expect(KafkaSession.failure(.aborted(fenced), .acknowledged(place, offset: 3)) == .refused("_FENCED"))
    // Not in any log: refused, even if nobody could say what became of the empty transaction.
    #expect(KafkaSession.failure(.unknown(forbidden), .refused(late)) == .refused("TOPIC_AUTHORIZATION_FAILED"))
    // In the log, and the commit's answer did not come.
    #expect(KafkaSession.failure(.unknown(late), .acknowledged(place, offset: 3)) == .unknown("timeout"))
    #expect(KafkaSession.failure(.unknown(fenced), .unknown(late)) == .unknown("_FENCED"))
    #expect(KafkaSession.failure(.unknown(late), nil) == .unknown("timeout"))
  }

  @Test func exportedOffsetsArePartOfTheDigest() {
    let position = GroupPosition(group: "g", ordinal: 3, last: nil, applied: [1: [0...2]])
    let offsets = KafkaGroupOffsets(group: "g", [place: 7])
    var file = PositionFile(
      region: "east", taken: "t", [GroupStand(region: "east", position: position, offsets: offsets)])
    #expect(file.isWhole && file.stands.first?.offsets == offsets)
    file.offsets = [KafkaGroupOffsets(group: "g", [place: 8])]
    #expect(!file.isWhole)
    file.offsets = nil
    #expect(!file.isWhole)
  }

  @Test func rangesOfEvents() {
    func event(_ producer: UInt32, _ sequence: UInt64) -> EventID { EventID(producer: producer, sequence: sequence) }
    let events = [event(2, 4), event(1, 0), event(1, 2), event(1, 1), event(2, 4), event(1, 5)]
    #expect(EventRanges.ranges(events) == [1: [0...2, 5...5], 2: [4...4]])
    #expect(EventRanges.ranges([]).isEmpty)
  }

  @Test func aProjectionGoesAlongWithItsGroup() {
    let state = KafkaState(log: KafkaEventLog(topic: "orders", partitions: 1, stores: ["east", "eu"]))
    let event = EventID(producer: 1, sequence: 1)
    #expect(state.apply(event, by: .init(name: "g", store: "east")))
    state.carry("g", from: "east", to: "eu")
    #expect(!state.apply(event, by: .init(name: "g", store: "eu")), "what was applied there is not applied here again")
    #expect(state.apply(EventID(producer: 1, sequence: 2), by: .init(name: "g", store: "eu")))
    #expect(state.applied(by: .init(name: "g", store: "east")).count == 1)
  }

  @Test func anUnsecuredNameIsNoSecretAndTellsThePrincipal() throws {
    let named = KafkaProperties(bootstrap: ["h:1"]).with(unsecuredName: "orders-7")
    #expect(named.principal == "User:orders-7")
  }
}
