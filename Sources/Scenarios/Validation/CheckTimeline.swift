internal import Support

extension Checking {
  mutating func checkTimeline() {
    if scenario.timeline.isEmpty {
      error("timeline", "no fault: nothing would be tested", fix: "add an entry")
    } else if entries.isEmpty, expansion.mistakes.isEmpty {
      error("timeline", "its patterns come to no disturbance at all: nothing would be tested")
    }
    for (index, item) in scenario.timeline.enumerated() { check(item, at: "timeline[\(index)]") }
    for mistake in expansion.mistakes { error(mistake.path, mistake.what, fix: mistake.fix) }
    let ids = timelineItems.map { (id: $0.item.id, path: $0.path) }
    unique(ids.map(\.id), "the id", fix: "rename one of the two") { "\(ids[$0].path).id" }
    checkDisks()
    checkOverlaps()
    checkSurvivors()
  }

  /// One part of the timeline as it is written, and the parts within it.
  private mutating func check(_ item: TimelineItem, at path: String) {
    timelineItems.append((item, path))
    if let at = item.start.time, at > longestTime { error("\(path).at", "is longer than a year") }
    switch item {
    case .entry(let entry): check(entry, at: path)
    case .sequence(let sequence): check(sequence.members, at: "\(path).sequence")
    case .parallel(let group): check(group.members, at: "\(path).parallel")
    case .repetition(let repetition): check(repetition.members, at: "\(path).repeat")
    case .swizzle(let swizzle): check(swizzle, at: "\(path).swizzle")
    case .ramp(let ramp): check(ramp, at: "\(path).ramp")
    }
  }

  private mutating func check(_ members: [TimelineItem], at path: String) {
    if members.isEmpty { error(path, "has no part: nothing would happen", fix: "add an entry") }
    for (index, member) in members.enumerated() { check(member, at: "\(path)[\(index)]") }
  }

  private mutating func check(_ entry: TimelineEntry, at path: String) {
    checkLink(entry.fault, hold: entry.stop.longest, at: path)
    checkInside(entry.fault, at: path)
    let key = if case .after = entry.stop { "\(path).for" } else { "\(path).longest" }
    if entry.stop.longest > longestTime { error(key, "is longer than a year") }
    if entry.stop.longest > scenario.safety.maxDuration {
      error(
        key,
        "the fault lasts \(entry.stop.longest.text), longer than safety.maxDuration of"
          + " \(scenario.safety.maxDuration.text)", fix: "shorten the fault or raise the limit")
    }
  }

  /// Limits of a disk hold for the processes of a region, and what is disturbed by files is done by none of these.
  private mutating func checkDisks() {
    func disks(_ fits: (DiskFault.Effect) -> Bool) -> [(region: String, id: String, path: String)] {
      entries.compactMap { entry in
        guard case .disk(let disk) = entry.entry.fault, fits(disk.effect) else { return nil }
        return (disk.region, entry.entry.id, entry.path)
      }
    }
    let files = disks { if case .files = $0 { true } else { false } }
    for limit in disks({ if case .limit = $0 { true } else { false } }) {
      guard let other = files.first(where: { $0.region == limit.region }) else { continue }
      error(
        limit.path,
        "the files of the store in '\(limit.region)' are disturbed by '\(other.id)', so a process of ours does all the work "
          + "on the disk, which no limit of the store's reaches", fix: "choose one of the two in a region")
    }
  }

  private mutating func checkInside(_ fault: FaultSpecification, at path: String) {
    guard let name = fault.insideRegion, let region = region(name, at: "\(path).region") else { return }
    let processes: ProcessFault.Selection
    switch fault {
    case .process(let fault): processes = fault.processes
    case .clock(let fault):
      processes = fault.processes
      if let clocks = region.clocks {
        error(
          path, "its servers run with clocks of their own (\(clocks)), in a time namespace, where no stub can reckon",
          fix: "leave the clocks out of topology.lab.regions.\(name), or skew another region")
      }
    case .disk(let fault): processes = fault.processes
    case .nodeClock:
      if scenario.safety.allowsWholeNodeClock != true {
        error(
          path, "sets the clock of the whole node in '\(name)', which safety does not allow",
          fix:
            "fault: clock for some processes; or, where the node is yours alone, safety: { allowWholeNodeClock: true }")
      }
      if scenario.topology.ground == .lab {
        error(
          path, "cannot be in a lab: all of its regions share this machine's clock, which no drill touches",
          fix: "fault: clock for the region's processes, with role: all")
      }
      return
    case .partition, .network, .killConnections, .answers: return
    }
    if scenario.topology.ground == .inventory { return checkOnHost(fault, processes, at: path) }
    guard case .role(let server) = processes, let role = server.role else { return }
    if server.isOfKafka, scenario.stack.kind != .kafka {
      error(
        "\(path).role", "nobody plays \(server.rawValue): the stack is \(scenario.stack.kind.rawValue)",
        fix: "name a server of this stack, or say stack.kind: kafka")
      return
    }
    guard !region.roles.contains(role) else { return }
    error(
      "\(path).role", "nobody plays \(server.rawValue) in '\(name)': it has no role \(role.rawValue)",
      fix: "choose another region, or give it the role")
  }

  /// What only a lab has: servers whose parts are known, that are ours to start, and whose directories were prepared for it.
  private mutating func checkOnHost(
    _ fault: FaultSpecification, _ processes: ProcessFault.Selection, at path: String
  ) {
    if case .disk(let disk) = fault, case .files = disk.effect {
      return error(
        path, "the directories of a host's servers were not prepared for it, and nobody of ours may start them again",
        fix: "effect: latency of its processes' calls, or limits")
    }
    if case .process(let process) = fault, process.restart != nil {
      error(
        "\(path).restart", "what runs on a host is not ours to start again",
        fix: "leave it to its own supervisor, such as systemd, and leave restart out")
    }
    if case .role = processes {
      error(
        "\(path).role", "nobody has said which processes of a host play what",
        fix: "choose by unit, cgroup, name or port")
    }
  }

  private mutating func check(_ swizzle: Swizzle, at path: String) {
    var seen: Set<RegionPair> = []
    for (index, pair) in swizzle.links.enumerated() {
      let place = "\(path).links[\(index)]"
      guard region(pair.region, at: place) != nil, region(pair.peer, at: place) != nil else { continue }
      if pair.region == pair.peer {
        error(place, "'\(pair.peer)' cannot be its own other side", fix: "name another region")
      } else if !seen.insert(RegionPair(pair.region, pair.peer)).inserted {
        error(
          place, "the link between '\(pair.region)' and '\(pair.peer)' stands twice", fix: "leave one of the two out")
      }
    }
  }

  private mutating func check(_ ramp: Ramp, at path: String) {
    checkLink(.network(ramp.link, inbound: ramp.to, outbound: ramp.from), hold: nil, at: path)
    for (name, effect) in [("start", ramp.from), ("end", ramp.to)] {
      switch effect.loss {
      case nil, .random(_, correlation: nil): break
      default:
        error(
          "\(path).\(name).loss", "a ramp changes a plain share of lost packets, no pattern",
          fix: "say a percentage: loss: 30%")
      }
    }
    if (ramp.from.rate == nil) != (ramp.to.rate == nil) {
      error(path, "a ramp of the bandwidth needs a rate at both ends", fix: "add rate to start and end")
    }
  }

  private mutating func checkLink(_ fault: FaultSpecification, hold: Duration?, at path: String) {
    guard let link = fault.link, region(link.region, at: "\(path).region") != nil else { return }
    checkPeers(of: link, at: path)
    checkScope(of: fault, link, at: path)
    if case .network(_, let inbound, let outbound) = fault, inbound.isEmpty, outbound.isEmpty {
      error(path, "says of no direction what happens there", fix: "add in, out or both, such as both: { loss: 5% }")
    }
    if case .killConnections = fault, link.flapping != nil {
      error("\(path).flapping", "connections are broken once, at the beginning", fix: "repeat the entry at other times")
    }
    if let flapping = link.flapping, let hold, flapping.on + flapping.off > hold {
      error(
        "\(path).flapping",
        "on for \(flapping.on.text) and off for \(flapping.off.text), the fault would not come back once in \(hold.text)",
        fix: "shorten the times, or lengthen the fault")
    }
  }

}
