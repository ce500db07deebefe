/// A pair of offsets at which a mirror met the same record: at the source, and at the target.
public struct SyncPoint: Sendable, Hashable {
  /// The record's offset in the source partition.
  public var upstream: Int64
  /// The record's offset in the target partition.
  public var downstream: Int64

  /// The record at `upstream` of the source stands at `downstream` of the target.
  public init(upstream: Int64, downstream: Int64) {
    self.upstream = upstream
    self.downstream = downstream
  }
}

/// What a mirror makes of a group's source offset.
public enum Translation: Sendable, Hashable {
  /// The target offset from which the group would go on.
  case offset(Int64)
  /// The group stands before the oldest sync point that may be used: no offset is safe.
  case tooOld
  /// No sync point has been read, or the first reading of them has not come to its end.
  case unavailable

  /// The offset, if there is one.
  public var offset: Int64? {
    guard case .offset(let value) = self else { return nil }
    return value
  }
}

/// The sync points of one partition as MirrorMaker 2 keeps them to translate group offsets: at most 64, ever thinner with the
/// distance from the newest.
///
/// Slot 0 is the newest point. For slots i < j, with u the upstream offsets:
/// - near enough: u[i] ≤ u[j] + 2^j − 2^i, so that a slot's distance from the newest is bounded by its number;
/// - far enough apart: u[i] ≥ u[j] + 2^max(i−2, 0) or both are the same point, so that slots are not wasted on neighbours.
///
/// A new point shifts older ones to higher slots where both rules allow, and lets go of those that fit nowhere. An upstream
/// offset that goes back (the source was truncated or made anew) clears all. While the points are first read, each one clears
/// those before it when the reading must come to its end; after a restart only the last one is then usable.
///
/// Source: Apache Kafka, `OffsetSyncStore` of `connect/mirror` (KAFKA-12468, KAFKA-15906), restated; pinned by the corpus.
public struct OffsetSyncStore: Sendable, Hashable {
  static let slotCount = 64

  /// A point as it was read: two readings of the same offsets are two points.
  private struct Slot: Sendable, Hashable {
    var point: SyncPoint
    var number: Int
  }

  private var slots: [Slot] = []
  private var readCount = 0
  private var isStarted = false
  /// Whether points read before ``start()`` replace each other.
  private let mustReadToEnd: Bool

  /// A store into which nothing has been read. `mustReadToEnd`: the task found no checkpoints of its own when it started, so
  /// that only the last of the points read before ``start()`` may be used.
  public init(mustReadToEnd: Bool = true) { self.mustReadToEnd = mustReadToEnd }

  /// The first reading has come to its end; from here on offsets are translated.
  public mutating func start() { isStarted = true }

  /// The points that can still be used, newest first, without repetitions.
  public var points: [SyncPoint] {
    var points: [SyncPoint] = []
    for slot in slots where points.last != slot.point { points.append(slot.point) }
    return points
  }

  /// Reads the next sync point.
  public mutating func take(_ point: SyncPoint) {
    readCount += 1
    let added = Slot(point: point, number: readCount)
    guard let newest = slots.first, isStarted || !mustReadToEnd, point.upstream >= newest.point.upstream else {
      slots = [Slot](repeating: added, count: Self.slotCount)
      return
    }
    let old = slots
    var replacement = added
    var candidate = 0
    slots[0] = added
    for slot in 1..<Self.slotCount {
      while true {
        let value = old[candidate]
        let isApart = Self.areApart(slots[slot - 1], value, slot - 1)
        let fits =
          Self.areNear(slots[slot - 1], value, slot - 1, slot) && isApart
          && (slot + 1 == Self.slotCount || Self.areApart(value, slots[slot + 1], slot))
        if fits { replacement = value }
        // Too close to its neighbour, or another slot's twin: of no use further down either.
        let isUseless = !isApart || (candidate + 1 < Self.slotCount && value == old[candidate + 1])
        if fits || isUseless { candidate += 1 }
        guard candidate < slot, isUseless else { break }
      }
      // The rest of the old points is still near enough.
      if Self.areNear(slots[slot - 1], slots[slot], slot - 1, slot) { break }
      slots[slot] = replacement
    }
  }

  // Both rules hold between a point and itself. Sums wrap; a sum below zero stands for one beyond the highest offset.
  private static func areNear(_ newer: Slot, _ older: Slot, _ i: Int, _ j: Int) -> Bool {
    let bound = older.point.upstream &+ (1 &<< Int64(j)) &- (1 &<< Int64(i))
    return newer == older || bound < 0 || newer.point.upstream <= bound
  }

  private static func areApart(_ newer: Slot, _ older: Slot, _ i: Int) -> Bool {
    let bound = older.point.upstream &+ (1 &<< Int64(max(i - 2, 0)))
    return newer == older || (bound >= 0 && newer.point.upstream >= bound)
  }

  /// The newest point at or before `groupOffset`, from which that offset is translated.
  public func point(for groupOffset: Int64) -> SyncPoint? {
    guard isStarted else { return nil }
    return slots.first { $0.point.upstream <= groupOffset }?.point
  }

  /// Where a group that has committed `groupOffset` at the source would go on at the target: at the point itself, or one
  /// past it and never further, because what follows it may have been filtered.
  public func translate(_ groupOffset: Int64) -> Translation {
    guard isStarted, !slots.isEmpty else { return .unavailable }
    guard let point = point(for: groupOffset) else { return .tooOld }
    return .offset(point.downstream &+ (groupOffset == point.upstream ? 0 : 1))
  }
}
