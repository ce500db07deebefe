internal import Support

/// Checks what a scenario means, when its form is right: names that must exist, arithmetic that must come out, verdicts
/// that could never be had. Pure: looks at nothing but its arguments.
///
/// - Parameter places: where the scenario's keys stand in its file.
/// - Returns: everything found, errors and milder remarks, unsorted.
public func check(_ scenario: Scenario, at places: SourceMap) -> [Diagnostic] {
  var checking = Checking(scenario: scenario, places: places)
  checking.checkTopology()
  checking.checkOwnership()
  checking.checkWorkload()
  checking.checkSteadyState()
  checking.checkContinuity()
  checking.checkTimeline()
  checking.checkReferences()
  checking.checkDeadlocks()
  checking.checkRunbooks()
  checking.checkKnownMistakes()
  checking.checkProbes()
  checking.checkCommunications()
  checking.checkVariables()
  checking.checkFailover()
  checking.checkGuards()
  checking.checkOutbox()
  checking.checkAttached()
  checking.checkChecklist()
  checking.checkPermissions()
  checking.checkAbort()
  checking.checkSafety()
  return checking.found
}

/// One pass of checks over one scenario. Each section's checks are an extension in a file of its own.
struct Checking {
  let scenario: Scenario
  let places: SourceMap
  /// The timeline written out.
  let expansion: Expansion
  /// When things happen, as far as it is known.
  let schedule: Schedule
  /// The disturbances, in the order in which they begin.
  var entries: [TimedEntry] { schedule.entries }
  /// Where each disturbance stands in ``entries``.
  let entryIndex: [String: Int]
  /// The parts of the timeline as it is written, with the parts in them.
  var timelineItems: [(item: TimelineItem, path: String)] = []
  /// For each disturbance, the pairs of regions that it cuts.
  let cuts: [[RegionPair]]
  /// For each disturbance, the groups of regions that reach each other when it begins.
  let islands: [[[String]]]
  /// The disturbances that cut the normal owner off from the majority, so that a failover must follow.
  let cutsOfPrimary: [Int]
  private(set) var found: [Diagnostic] = []

  init(scenario: Scenario, places: SourceMap) {
    self.scenario = scenario
    self.places = places
    expansion = Expansion(of: scenario.timeline, in: scenario.topology, seed: scenario.seed)
    schedule = Schedule(of: expansion.entries, runbook: scenario.runbook)
    let entries = schedule.entries
    entryIndex = Dictionary(entries.indices.map { (entries[$0].entry.id, $0) }, uniquingKeysWith: { one, _ in one })
    let cuts = entries.map { $0.entry.fault.cutPairs(in: scenario.topology) }
    let islands = scenario.islands(entries, cuts: cuts)
    self.cuts = cuts
    self.islands = islands
    cutsOfPrimary =
      scenario.stack.kind.isDriven ? scenario.cutsOfPrimary(entries, cuts: cuts, islands: islands) : []
  }

  /// Whether any fault makes a failover necessary.
  var cutsPrimary: Bool {
    scenario.stack.kind.isDriven && (!cutsOfPrimary.isEmpty || entries.contains(where: scenario.silencesOwner))
  }

  mutating func error(_ path: String, _ what: String, fix: String? = nil) {
    found.append(Diagnostic(.error, at: places[path], path: path, what, fix: fix))
  }

  mutating func warning(_ path: String, _ what: String, fix: String? = nil) {
    found.append(Diagnostic(.warning, at: places[path], path: path, what, fix: fix))
  }

  mutating func note(_ path: String, _ what: String, fix: String? = nil) {
    found.append(Diagnostic(.note, at: places[path], path: path, what, fix: fix))
  }

  /// Notes a mistake unless `name` is a region; returns the region.
  mutating func region(_ name: String, at path: String) -> Region? {
    if let region = scenario.topology.region(name) { return region }
    let names = scenario.topology.regions.map(\.name)
    let near = closest(to: name, among: names).map { "did you mean '\($0)'? " } ?? ""
    error(path, "there is no region \(quoted(name))", fix: "\(near)regions: \(names.joined(separator: ", "))")
    return nil
  }

  /// Notes a mistake unless `name` is a region that plays `role`.
  mutating func region(_ name: String, with role: Role, at path: String) {
    guard let region = region(name, at: path), !region.roles.contains(role) else { return }
    let others = scenario.topology.names(with: role).joined(separator: ", ")
    error(
      path, "the region '\(name)' has no role '\(role.rawValue)'",
      fix: "give it the role, or name one that has it: \(others.isEmpty ? "none does yet" : others)")
  }

  /// Notes a mistake at every name that stood in the list before.
  mutating func unique(_ names: [String], _ what: String, fix: String, at path: (Int) -> String) {
    var first: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      if let earlier = first[name] {
        let line = places[path(earlier)].line
        error(path(index), "\(what) '\(name)' stands twice; it stood in line \(line) already", fix: fix)
      } else {
        first[name] = index
      }
    }
  }

  /// The key that says when something begins.
  func startKey(_ start: TimelineStart) -> String {
    switch start {
    case .at: "at"
    case .after: "after"
    case .when: "when"
    }
  }

  /// No part of a drill lasts longer.
  var longestTime: Duration { .seconds(366 * 86_400) }
}
