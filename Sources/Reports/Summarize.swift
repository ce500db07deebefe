public import Checks
public import Drill
internal import Events
internal import Scenarios
internal import Support

extension RunSummary {
  /// Tells a run as its directory has it: everything here comes from the files, so that any report can be made again.
  public init(_ record: RunRecord, verdict: DrillVerdict?) {
    let teller = Teller(record)
    let started = record.events(RunStarted.self).first?.event
    let ended = record.events(RunEnded.self).last?.event
    self.init(
      scenario: record.scenario.metadata.name, purpose: record.scenario.metadata.description,
      runID: record.directory.path.split(separator: "/").last.map(String.init) ?? record.directory.path,
      directory: record.directory.path, startedAt: teller.wallStart, seconds: teller.length,
      seed: started?.seed ?? record.scenario.seed, command: teller.command(started),
      overall: verdict.flatMap { VerdictKind(rawValue: $0.overall.rawValue) },
      exitCode: Self.exitCode(recorded: ended?.code, verdict))
    if let started {
      versions = [Fact("blackstart", "\(started.version), build \(started.build)")]
      host = [Fact("host", started.host), Fact("kernel", started.kernel)]
      if !started.plants.isEmpty {
        versions.append(Fact("planted in the stack", started.plants.joined(separator: ", ")))
      }
    }
    let gap = record.gaps.first.map { "the record is not whole: \($0)" }
    let dry = record.isDryRun ? "a dry run: nothing was armed" : nil
    let left = [dry, record.events(RunAborted.self).last?.event.reason, gap].compactMap(\.self)
    ending = left.isEmpty ? (ended == nil ? "the run was cut off" : nil) : left.joined(separator: "; ")
    items = verdict?.items.map { teller.item($0) } ?? []
    anomalies = verdict?.rows.map(AnomalySummary.init) ?? []
    let permitted = (verdict?.permitted ?? []).map { Fact("\($0.anomaly.rawValue) \($0.anomaly.name)", $0.text) }
    self.permitted = permitted.isEmpty ? nil : permitted
    phases = teller.phases
    faults = teller.faults
    recoveryTime = verdict?.recoveryTimes.flatMap { teller.recoveryTime($0) }
    recoveryPoint = verdict?.recoveryPoint.map { teller.recoveryPoint($0) }
    writes = teller.writes
    lag = teller.lag
    lagLimitSeconds = record.scenario.stack.mirrorFreshness.inSeconds
    reigns = teller.reigns
    events = teller.moments
    let runbook = RunbookTeller(record: record, seconds: teller.seconds)
    items += runbook.conduct(verdict)
    let (told, noted) = (runbook.steps, runbook.notes + teller.clocks)
    steps = told.isEmpty ? nil : told
    notes = noted.isEmpty ? nil : noted
  }

  /// The code that the run ended with, unless that stood for a verdict: then the verdict that is told here decides, which may
  /// be another one if the evidence was spoilt since.
  private static func exitCode(recorded: Int32?, _ verdict: DrillVerdict?) -> Int32 {
    let judged = verdict?.exitCode ?? .inconclusive
    let ofVerdicts: [ExitCode] = [.pass, .fail, .inconclusive]
    guard let recorded, !ofVerdicts.map(\.rawValue).contains(recorded) else { return judged.rawValue }
    return recorded
  }
}

/// Turns the records of a run into seconds from its start and words.
private struct Teller {
  let record: RunRecord
  let start: Int64
  let length: Double
  let wallStart: Int64

  init(_ record: RunRecord) {
    self.record = record
    start = record.journal.first?.t ?? 0
    length = Double((record.journal.last?.t ?? start) - start) / 1e9
    wallStart = record.journal.first.flatMap { wallNanoseconds($0.wall) } ?? 0
  }

  func seconds(_ time: Int64) -> Double { Double(time - start) / 1e9 }

  func command(_ started: RunStarted?) -> String {
    let plants = started?.plants.map { " --plant \($0)" }.joined() ?? ""
    let seed = started.map { " --seed \($0.seed)" } ?? ""
    let dry = record.isDryRun ? " --dry-run" : ""
    guard fileExists(record.directory.scenario) else {
      return "blackstart run --plan \(record.directory.plan)\(plants)\(dry)"
    }
    return "blackstart run \(record.directory.scenario)\(seed)\(plants)\(dry)"
  }

  var phases: [Span] {
    let entered = record.events(PhaseEntered.self)
    return entered.indices.map { index in
      let end = index + 1 < entered.count ? seconds(entered[index + 1].time) : length
      return Span(entered[index].event.phase.rawValue, seconds(entered[index].time), end)
    }
  }

  var faults: [FaultSummary] {
    record.faultIntervals.map { fault in
      let pairs = Set(fault.brokenPairs).sorted().joined(separator: ", ")
      return FaultSummary(
        id: fault.id, what: "\(fault.kind)\(pairs.isEmpty ? "" : ": \(pairs)")",
        start: fault.provenSince.map(seconds), end: fault.verifiedGone.map(seconds),
        packetsDropped: Int(clamping: fault.packetsDropped), isInside: FaultInterval.isInside(fault.kind))
    }
  }

  func item(_ verdict: ItemVerdict) -> ItemSummary {
    let level = record.scenario.checklist.first { $0.item.rawValue == verdict.item.rawValue }?.level
    var details: [String] = []
    var witness: String?
    if let under = verdict.underFault {
      details.append(
        "\(grouped(under.inForce)) of \(grouped(under.total)) \(under.what) fell into the "
          + "\(Duration.nanoseconds(under.duration).brief) for which a fault was proven in force")
    }
    switch verdict.verdict {
    case .pass(let coverage):
      let counts = coverage.counts.map { "\(grouped($0.value)) \($0.name)" }.joined(separator: ", ")
      details = (counts.isEmpty ? [] : ["looked at: \(counts)"]) + details + coverage.notes
      if let confidence = coverage.confidence { details.append(confidence.sentence) }
    case .fail(let found):
      details = found.findings.prefix(5).map(\.what) + details
      if let file = verdict.witnessFile { details.append("the smallest evidence that still shows it: \(file)") }
      witness = (try? encodeJSON(found, pretty: true)).map { String(decoding: $0, as: UTF8.self) }
    case .inconclusive(let missing):
      details = missing.items + details
    case .vacuous:
      break
    }
    return ItemSummary(
      id: verdict.item.rawValue, title: verdict.title,
      verdict: VerdictKind(rawValue: verdict.verdict.kind.rawValue) ?? .inconclusive,
      headline: verdict.verdict.headline, details: details, level: level, witness: witness)
  }

  func recoveryTime(_ times: RecoveryTimes) -> RecoveryTimeSummary? {
    guard let lost = record.evidence.milestones.leaderLost else { return nil }
    // In the order of time: the mirrors may be back before the last producer is. A stage lasts from the one before it.
    var reached = times.phases.compactMap { phase in phase.at.map { (name: phase.name, at: max(0, $0)) } }
    // What comes after the heal could not come before it; its time is not the system's.
    if let healed = record.evidence.milestones.healed { reached.append(("the fault goes on", healed - lost)) }
    var stages: [Span] = []
    var last: Int64 = 0
    for (name, at) in reached.sorted(by: { $0.at < $1.at }) {
      stages.append(Span(name, seconds(lost + last), seconds(lost + at)))
      last = at
    }
    return RecoveryTimeSummary(
      seconds: times.recovery.map { Double($0) / 1e9 },
      meaning: "every producer of the surviving regions acknowledged again", stages: stages)
  }

  func recoveryPoint(_ point: RecoveryPoint) -> RecoveryPointSummary {
    RecoveryPointSummary(
      count: point.count, lost: point.lost, seconds: Double(point.window) / 1e9,
      events: point.events.map { event in
        let disposition: String
        var isLost = false
        switch event.disposition {
        case .late(let after?): disposition = "arrived \(Duration.nanoseconds(after).brief) after the heal"
        case .late(nil): disposition = "arrived, no tail saw when"
        case .lost:
          disposition = "lost"
          isLost = true
        }
        return RecoveryPointSummary.Event(
          id: "\(event.event)", acknowledged: seconds(event.acknowledged), disposition: disposition, isLost: isLost)
      })
  }

  /// Completions second by second, from the history: what the live samples show, exactly.
  var writes: [WriteSeries] {
    let count = Int(length.rounded(.up)) + 1
    var series: [String: WriteSeries] = [:]
    for operation in record.history.operations where operation.kind == .append {
      guard let completed = operation.completed, let region = record.history.names.name(of: operation.region) else {
        continue
      }
      let second = Int(seconds(completed))
      guard second >= 0, second < count else { continue }
      let zeros = [Int](repeating: 0, count: count)
      switch operation.outcome {
      case .ok:
        series[region, default: WriteSeries(region: region, acknowledged: zeros, unknown: zeros, failed: zeros)]
          .acknowledged[second] += 1
      case .fail:
        series[region, default: WriteSeries(region: region, acknowledged: zeros, unknown: zeros, failed: zeros)]
          .failed[second] += 1
      case .unknown:
        series[region, default: WriteSeries(region: region, acknowledged: zeros, unknown: zeros, failed: zeros)]
          .unknown[second] += 1
      }
    }
    return record.scenario.topology.regions.compactMap { series[$0.name] }
  }

  var lag: [LagSeries] {
    let samples = record.events(Sample.self)
    let names = Set(samples.flatMap { $0.event.lag.keys }).sorted()
    return names.map { name in
      LagSeries(
        name: name,
        samples: samples.map { .init(seconds($0.time), $0.event.lag[name].map { Double($0.age) / 1e9 }) })
    }
  }

  /// Who believed to be writer, from each region's own control plane.
  var reigns: [Reign] {
    var open: [String: Reign] = [:]
    var done: [Reign] = []
    for (time, view) in record.events(AuthoritySeen.self) {
      let token = view.role == "writer" ? view.ownToken ?? view.token : nil
      if var reign = open[view.region], reign.token != token {
        reign.end = seconds(time)
        done.append(reign)
        open[view.region] = nil
      }
      if let token, open[view.region] == nil {
        open[view.region] = Reign(holder: view.region, token: token, start: seconds(time), end: nil)
      }
    }
    return (done + open.values).sorted { ($0.start, $0.holder) < ($1.start, $1.holder) }
  }

  /// How far each node's clock was from the recorder's.
  var clocks: [Fact] {
    guard let clocks = record.clocks else { return [] }
    return clocks.nodes.sorted { $0.key < $1.key }.map { name, node in
      let worst = node.worst.map {
        "\($0.offset < 0 ? "−" : "+")\(Duration.nanoseconds(Int64(clamping: $0.offset.magnitude)).brief) ± "
          + "\(Duration.nanoseconds($0.uncertainty).brief) from the recorder's at worst, in \(node.samples) readings"
      }
      switch clocks.standing(of: name) {
      case .within: return Fact("clock of \(name)", worst ?? "")
      case .beyond(let how): return Fact("clock of \(name)", "WRONG: \(how)")
      case .unknown(let why): return Fact("clock of \(name)", "NOT KNOWN: \(why)")
      }
    }
  }

  var moments: [RunEvent] {
    var moments: [RunEvent] = []
    for (name, node) in record.clocks?.nodes ?? [:] {
      guard let beyond = node.firstBeyond else { continue }
      let size = Duration.nanoseconds(Int64(clamping: beyond.offset.magnitude)).brief
      moments.append(
        RunEvent(seconds(beyond.at), "the clock of \(name) is \(size) \(beyond.offset < 0 ? "behind" : "ahead")"))
    }
    var roles: [String: String] = [:]
    for entry in record.journal {
      let at = seconds(entry.t)
      if let event = entry.decoded(FaultArmed.self) {
        moments.append(RunEvent(at, "\(event.fault) armed"))
      } else if let event = entry.decoded(FaultProven.self) {
        moments.append(RunEvent(at, "\(event.fault) proven in force"))
      } else if let event = entry.decoded(FaultGone.self) {
        moments.append(RunEvent(at, "\(event.fault) verified gone"))
      } else if let event = entry.decoded(FaultLapsed.self) {
        moments.append(RunEvent(at, "\(event.fault) lapsed on \(event.node): \(event.reason)"))
      } else if let event = entry.decoded(GuardianNoted.self) {
        moments.append(RunEvent(at, event.what))
      } else if let event = entry.decoded(PlantSet.self) {
        moments.append(RunEvent(at, "planted: \(event.plant)"))
      } else if let event = entry.decoded(ServerLost.self) {
        let by = event.fault.map { ", by \($0)" } ?? ""
        moments.append(RunEvent(at, "\(event.server) in \(event.region) ended: \(event.end)\(by)"))
      } else if let event = entry.decoded(ServerRestarted.self) {
        moments.append(RunEvent(at, "\(event.server) in \(event.region) started again"))
      } else if let event = entry.decoded(AnomalySeen.self) {
        moments.append(RunEvent(at, "\(event.row) \(event.name) seen: \(event.what)"))
      } else if let event = entry.decoded(ConditionMissed.self) {
        moments.append(RunEvent(at, "waited in vain for \(event.condition)"))
      } else if let what = RunbookTeller.moment(entry) {
        moments.append(RunEvent(at, what))
      } else if let view = entry.decoded(AuthoritySeen.self), roles[view.region] != view.role {
        roles[view.region] = view.role
        moments.append(RunEvent(at, "\(view.region) is \(view.role)\(view.ownToken.map { ", token \($0)" } ?? "")"))
      }
    }
    return moments.sorted { $0.at < $1.at }
  }
}

/// Nanoseconds since 1970 of a journal's own timestamp (`2026-11-20T08:12:03.250Z`); `nil` for anything else.
private func wallNanoseconds(_ text: String) -> Int64? {
  let fields = text.split { !$0.isNumber }.compactMap { Int64($0) }
  guard fields.count == 7 else { return nil }
  // Days from the civil calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
  let year = fields[1] <= 2 ? fields[0] - 1 : fields[0]
  let era = year / 400
  let yearOfEra = year - era * 400
  let dayOfYear = (153 * (fields[1] + (fields[1] > 2 ? -3 : 9)) + 2) / 5 + fields[2] - 1
  let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  return ((days * 24 + fields[3]) * 60 + fields[4]) * 60_000_000_000 + fields[5] * 1_000_000_000 + fields[6] * 1_000_000
}
