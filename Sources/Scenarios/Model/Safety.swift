internal import Support

/// What a drill may never exceed.
public struct Safety: Sendable, Hashable, Codable {
  /// Baseline, timeline and recovery together.
  @DurationText public var maxDuration: Duration
  /// How many regions may be disturbed in one drill.
  public var maxRegions: Int
  /// How many faults may be in force at one time; `nil`: any number.
  public var maxConcurrent: Int?
  /// How many nodes faults may be made on in one drill; `nil`: any number.
  public var maxNodes: Int?
  /// Regions and hosts that no fault may disturb.
  public var protectedNodes: [String]
  /// Ports that no fault may disturb, on any node.
  public var protectedPorts: [TrafficScope.Ports]
  /// Mistakes that the scenario makes on purpose.
  public var accepted: [KnownMistake]
  /// Whether the clock of a whole node may be set; `nil`: it may not.
  public var allowsWholeNodeClock: Bool?

  /// Limits from their parts.
  public init(
    maxDuration: Duration, maxRegions: Int, maxConcurrent: Int? = nil, maxNodes: Int? = nil,
    protectedNodes: [String] = [], protectedPorts: [TrafficScope.Ports] = [], accepted: [KnownMistake] = [],
    allowsWholeNodeClock: Bool? = nil
  ) {
    self.allowsWholeNodeClock = allowsWholeNodeClock
    self.maxDuration = maxDuration
    self.maxRegions = maxRegions
    self.maxConcurrent = maxConcurrent
    self.maxNodes = maxNodes
    self.protectedNodes = protectedNodes
    self.protectedPorts = protectedPorts
    self.accepted = accepted
  }
}
