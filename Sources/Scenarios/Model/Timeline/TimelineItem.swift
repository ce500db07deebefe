/// A part of the timeline as it is written: one disturbance, or a pattern of several. Planning makes plain entries of all.
public enum TimelineItem: Sendable, Hashable, Codable {
  /// One disturbance.
  case entry(TimelineEntry)
  /// Several, one after the other.
  case sequence(TimelineSequence)
  /// Several, each at its time from a common beginning.
  case parallel(TimelineGroup)
  /// The same ones several times.
  case repetition(Repetition)
  /// Links cut one by one and healed one by one, in another order.
  case swizzle(Swizzle)
  /// A disturbance that grows or shrinks.
  case ramp(Ramp)

  /// Its name in the scenario.
  public var id: String {
    switch self {
    case .entry(let entry): entry.id
    case .sequence(let sequence): sequence.id
    case .parallel(let group): group.id
    case .repetition(let repetition): repetition.id
    case .swizzle(let swizzle): swizzle.id
    case .ramp(let ramp): ramp.id
    }
  }

  /// When it begins.
  public var start: TimelineStart {
    switch self {
    case .entry(let entry): entry.start
    case .sequence(let sequence): sequence.start
    case .parallel(let group): group.start
    case .repetition(let repetition): repetition.start
    case .swizzle(let swizzle): swizzle.start
    case .ramp(let ramp): ramp.start
    }
  }

  /// The parts it holds; empty for those that hold none.
  public var members: [TimelineItem] {
    switch self {
    case .entry, .swizzle, .ramp: []
    case .sequence(let sequence): sequence.members
    case .parallel(let group): group.members
    case .repetition(let repetition): repetition.members
    }
  }
}
