internal import Lab
internal import Support
internal import Synchronization

/// Which servers of the lab the faults of a timeline end on purpose, and what is to become of them then.
final class PlannedEndings: Sendable {
  /// One fault that ends servers.
  struct Ending: Sendable {
    /// The fault's id.
    var fault: String
    /// Where.
    var region: String
    /// Which server; `nil` for any in the region, where the fault chooses by something else.
    var kind: ServerKind?
    /// How long after its end it is started again; `nil` for never.
    var restart: Duration?
    /// How its monotonic and boot clocks differ then; `nil`: as before.
    var clocks: TimeOffsets?
    /// For how long after the fault a server may still end by it: one that is being started again may find later what happened.
    var aftermath: Duration = .seconds(1)
    /// Until when a server that has ended may have ended by it (ns, monotonic).
    var until: Int64 = .max
  }

  private let endings = Mutex<[Ending]>([])

  /// Notes that from now on servers may end by this fault.
  func announce(_ ending: Ending) { endings.withLock { $0.append(ending) } }

  /// Notes that the fault ends nothing any more. What it ended just now may be noticed a moment later.
  func withdraw(fault: String, now: Int64) {
    endings.withLock { endings in
      for index in endings.indices where endings[index].fault == fault {
        endings[index].until = now + endings[index].aftermath.nanoseconds
      }
    }
  }

  /// The fault that ended this server; `nil` if none was to, and something else is wrong.
  func ending(of region: String, _ kind: ServerKind, now: Int64) -> Ending? {
    endings.withLock { $0.last { $0.region == region && ($0.kind ?? kind) == kind && now < $0.until } }
  }
}
