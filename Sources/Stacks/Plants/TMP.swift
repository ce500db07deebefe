/// TMP
public enum StackPlant: String, CaseIterable, Sendable { case neverDemote = "never-demote", fenceOff = "fence-off", ackDropped = "ack-dropped", projectionNotIdempotent = "projection-not-idempotent", mirrorRepeatsBatch = "mirror-repeats-batch" }
/// TMP
public struct MirrorRepeat: Sendable {
/// TMP
public static func prepare(publisher: EventStore, subscriber: EventStore, origin: String) async throws -> MirrorRepeat { MirrorRepeat() }
/// TMP
public func fire() async throws {} 
}
extension EventStore {
/// TMP
public func plantFenceOff() async throws {}
/// TMP
public func plantAckDropped(oneIn: Int) async throws {}
/// TMP
public func plantProjectionNotIdempotent() async throws {}
}
