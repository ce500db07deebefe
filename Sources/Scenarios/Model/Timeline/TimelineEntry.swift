internal import Support

/// One disturbance: which, when, for how long.
public struct TimelineEntry: Sendable, Hashable, Codable {
  /// Its name, unique in the scenario; part of the names of its kernel objects.
  public var id: String
  /// When it begins.
  public var start: TimelineStart
  /// What it does.
  public var fault: FaultSpecification
  /// When it ends.
  public var stop: TimelineStop

  /// An entry from its parts.
  public init(id: String, start: TimelineStart, fault: FaultSpecification, stop: TimelineStop) {
    self.id = id
    self.start = start
    self.fault = fault
    self.stop = stop
  }

  /// An entry whose times are known: from `at`, counted from the end of the baseline, for `hold`.
  public init(id: String, at: Duration, fault: FaultSpecification, hold: Duration) {
    self.init(id: id, start: .at(at), fault: fault, stop: .after(hold))
  }
}
