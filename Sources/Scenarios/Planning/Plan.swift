internal import Support

/// Exactly what a run will do, before it does anything: a value that can be printed, reviewed, compared and executed. The
/// same scenario and figures give the same bytes.
public struct Plan: Sendable, Hashable, Codable {
  /// The version of this form; a run refuses one that it does not know.
  public static let currentFormat = 3

  /// The version of this form.
  public var format: Int
  /// The version of the tool that planned.
  public var tool: String
  /// The scenario, whole, so that a plan can be run from its file alone.
  public var scenario: Scenario
  /// SHA-256 of the scenario's file.
  public var scenarioDigest: String
  /// The files that it includes.
  public var includes: [IncludedFile]
  /// The seed of every random choice.
  public var seed: UInt64
  /// The nodes with their addresses.
  public var nodes: [PlannedNode]
  /// The phases in their order.
  public var phases: [PlannedPhase]
  /// The faults in the order in which they begin.
  public var faults: [PlannedFault]
  /// The most faults that may be in force at one time.
  public var concurrentFaults: Int
  /// The steps of the runbook, in the order of the file.
  public var runbook: [PlannedStep]
  /// The steps of the failback, in the order of the file.
  public var failback: [PlannedStep]
  /// The messages, in the order in which they are due.
  public var communications: [PlannedMessage]
  /// What each checklist item needs to be judged.
  public var evidence: [PlannedEvidence]
  /// Which regions are disturbed and which are not.
  public var blastRadius: BlastRadius
  /// What is done to clusters that stand already, and what is not; `nil`: there are none.
  public var attached: [PlannedCluster]?
  /// What the checks of the scenario remarked.
  public var remarks: [Diagnostic]

  /// How long the run takes when all goes well.
  public var expectedDuration: Duration { phases.reduce(.zero) { $0 + $1.expected } }
  /// How long the run takes at most.
  public var longestDuration: Duration { phases.reduce(.zero) { $0 + $1.limit } }
}

/// A node and where it is reached.
public struct PlannedNode: Sendable, Hashable, Codable {
  /// Its name: in the lab, where a region is one node, that of its region.
  public var name: String
  /// The region it stands in.
  public var region: String
  /// Its number, from 1, in the order of the topology.
  public var index: Int
  /// What runs there.
  public var roles: [Role]
  /// IPv4 address, without prefix; empty for a host that has none.
  public var ipv4: String
  /// IPv6 address (RFC 5952), without prefix; empty for a host that has none.
  public var ipv6: String
  /// Length of the IPv4 prefix.
  public var ipv4PrefixLength: Int
  /// Length of the IPv6 prefix.
  public var ipv6PrefixLength: Int

  /// The node of the region with this number: `10.91.r.1/16` and `fd00:91::r:1/64`, r written in decimal digits in both.
  init(region: Region, index: Int) {
    name = region.name
    self.region = region.name
    self.index = index
    roles = region.roles
    ipv4 = "10.91.\(index).1"
    ipv6 = "fd00:91::\(index):1"
    ipv4PrefixLength = 16
    ipv6PrefixLength = 64
  }

  /// A host of an inventory, under the first of its addresses of each family.
  init(host: Host, index: Int) {
    name = host.name
    region = host.region
    self.index = index
    roles = host.roles
    ipv4 = host.addresses.first { !$0.contains(":") } ?? ""
    ipv6 = host.addresses.first { $0.contains(":") } ?? ""
    ipv4PrefixLength = 32
    ipv6PrefixLength = 128
  }
}

/// A part of the run, in time.
public struct PlannedPhase: Sendable, Hashable, Codable {
  /// Its name.
  public var name: String
  /// When it begins, from the start of the run, when all goes well.
  @DurationText public var begins: Duration
  /// How long it takes when all goes well.
  @DurationText public var expected: Duration
  /// How long it may take.
  @DurationText public var limit: Duration
  /// What happens in it.
  public var what: String
}

/// A fault with everything that will exist because of it.
public struct PlannedFault: Sendable, Hashable, Codable {
  /// The timeline entry's id.
  public var id: String
  /// Its kind.
  public var kind: String
  /// What it does, in words.
  public var summary: String
  /// The timeline entry, written out: its start and stop are what the run goes by.
  public var entry: TimelineEntry
  /// When it begins, from the end of the baseline; at the earliest, where ``entry`` waits for something.
  @DurationText public var begins: Duration
  /// When it is taken away, from the end of the baseline; at the latest, where ``entry`` waits for something.
  @DurationText public var ends: Duration
  /// The longest it may live: the agent refuses to refresh it after that.
  @DurationText public var lease: Duration
  /// How often it is kept alive.
  @DurationText public var heartbeat: Duration
  /// When the kernel ends it by itself after the last refresh.
  @DurationText public var elementTimeout: Duration
  /// What comes into being on each node. Empty until ``Plan/adding(objects:)``.
  public var nodes: [PlannedObjects] = []
  /// Every ordered pair of regions, and whether packets still pass.
  public var reachability: [PlannedReachability]
  /// What happens to round trips between the regions that it lies between.
  public var roundTrips: [PlannedRoundTrip]
}

/// What a fault makes on one node.
public struct PlannedObjects: Sendable, Hashable, Codable {
  /// The node.
  public var node: String
  /// How it is done there and why so, a line each, with the accuracy to expect.
  public var mechanisms: [String]
  /// Every change of the kernel, one line each, in the order in which they are made and in the words that the journal will
  /// have; `<run>` stands for the run's short id.
  public var changes: [String]
  /// What ends it should all else fail.
  public var undo: String

  /// What a fault makes on a node.
  public init(node: String, mechanisms: [String], changes: [String], undo: String) {
    self.node = node
    self.mechanisms = mechanisms
    self.changes = changes
    self.undo = undo
  }
}

extension Plan {
  /// The plan with the kernel objects of its faults, which only the rooms that make them know.
  ///
  /// - Parameter objects: what each fault will make, in the order of the plan's faults.
  public func adding(objects: [[PlannedObjects]]) -> Plan {
    var plan = self
    for (index, made) in zip(plan.faults.indices, objects) { plan.faults[index].nodes = made }
    return plan
  }
}

/// Whether packets pass from one node to another while a fault is in force.
public struct PlannedReachability: Sendable, Hashable, Codable {
  /// The sender.
  public var from: String
  /// The receiver.
  public var to: String
  /// Whether they pass before the fault.
  public var before: Bool
  /// Whether they pass while it is in force.
  public var during: Bool
}

/// What a checklist item needs to be judged.
public struct PlannedEvidence: Sendable, Hashable, Codable {
  /// The item.
  public var item: ChecklistItem
  /// The service level in words, with the arithmetic behind it.
  public var level: String
  /// What must have been recorded.
  public var needs: [String]
  /// Which verdict it gets without that.
  public var otherwise: String
}

/// How far the drill reaches.
public struct BlastRadius: Sendable, Hashable, Codable {
  /// Regions that lose something.
  public var disturbed: [String]
  /// Regions that only see others disappear.
  public var bystanders: [String]
  /// How many may be disturbed.
  public var limit: Int
  /// The nodes that faults are made for, at the regions' ends; `nil` in plans of before they were counted.
  public var nodes: [String]?
  /// Addresses, networks and names that faults name at the other end, as written; `nil` for none. Whoever has them feels it.
  public var beyond: [String]?
}
