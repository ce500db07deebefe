internal import Support

/// A Chaos Toolkit experiment on its way into a scenario.
final class ChaosToolkitExperiment {
  let map: ImportMap
  /// Activities by their names, for `ref`.
  private(set) var known: [String: ChaosToolkitActivity] = [:]
  /// Where probes, expectations and steps are collected.
  private let checks: ImportedChecks
  private(set) var title = ""
  private var literals: [String: String] = [:]

  init(map: ImportMap, checks: ImportedChecks) {
    self.map = map
    self.checks = checks
  }

  /// What stands for the file's `${name}`, where its configuration says it.
  func substituted(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let open = rest.range(of: "${") {
      result += rest[..<open.lowerBound]
      guard let close = rest[open.upperBound...].firstIndex(of: "}") else { break }
      let name = String(rest[open.upperBound..<close])
      result += literals[name] ?? String(rest[open.lowerBound...close])
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }

  /// Reads the whole experiment.
  func read(_ value: Value) -> ImportedStep? {
    value.fields { fields in
      title = fields.required("title") { $0.words() } ?? ""
      _ = fields.required("description") { $0.words() }
      fields.pass("version", "tags", "contributions", "dry")
      fields.refuse("extensions", "extensions are of other tools")
      fields.refuse("controls", "controls are Python code that runs around an experiment")
      if let configuration = fields.present("configuration") { readConfiguration(configuration) }
      if let secrets = fields.present("secrets"), !secrets.isEmpty {
        secrets.remark("secrets are not taken over: a scenario names where they are, and never holds them")
      }
      if let runtime = fields.present("runtime") { readRuntime(runtime) }
      let hypothesis: Void? = fields.present("steady-state-hypothesis").map(readHypothesis) ?? .some(())
      let method = fields.required("method", readMethod)
      if let rollbacks = fields.present("rollbacks") { readRollbacks(rollbacks) }
      guard hypothesis != nil, let method else { return nil }
      return method
    }
  }

  private func readConfiguration(_ value: Value) {
    guard case .mapping(let members) = value.node.content else {
      value.mistake("expected a mapping, found \(value.node.summary)")
      return
    }
    for member in members {
      let entry = Value(member.value, path: "\(value.path).\(member.key)", in: value.reading)
      switch member.value.content {
      case .scalar(let text, _): literals[member.key] = text
      case .sequence: entry.note("a list cannot stand for a text; it is not taken over")
      case .mapping(let keys):
        guard case .scalar("env", _)? = keys.first(where: { $0.key == "type" })?.value.content else {
          entry.mistake("a configuration that is measured cannot be expressed: a plan is fixed before anything runs")
          continue
        }
        guard case .scalar(let text, _)? = keys.first(where: { $0.key == "default" })?.value.content else {
          entry.remark("comes from the environment there, and has no default: it is not replaced")
          continue
        }
        entry.remark("comes from the environment there; here its default \(quoted(text)) is taken, once and for all")
        literals[member.key] = text
      }
    }
  }

  private func readRuntime(_ value: Value) {
    _ = value.fields { fields -> Void? in
      if let hypothesis = fields.present("hypothesis") {
        _ = hypothesis.fields { fields -> Void? in
          if let strategy = fields.present("strategy"), let text = strategy.words(), text != "before-method-only" {
            strategy.remark(
              "the hypothesis is looked at before the faults here, and the checklist judges what comes after; an expectation"
                + " that must hold all the time goes under abort")
          }
          fields.pass("frequency", "fail_fast")
        }
      }
      if let rollbacks = fields.present("rollbacks") {
        _ = rollbacks.fields { fields -> Void? in
          if let strategy = fields.present("strategy"), let text = strategy.words(), text != "always" {
            strategy.remark(
              "rollbacks run only sometimes there (\(text)); here every fault is taken back, whatever happens")
          }
        }
      }
    }
  }

  private func readHypothesis(_ value: Value) -> Void? {
    value.fields { fields -> Void? in
      _ = fields.required("title") { $0.words() }
      fields.refuse("controls", "controls are Python code that runs around a hypothesis")
      return fields.required("probes") { list -> Void? in
        guard !list.isEmpty else { return () }
        let probes = list.list { [self] in ChaosToolkitActivity.read($0, in: self) }
        for probe in probes ?? [] {
          known[probe.name] = probe
          if probe.tolerance == nil { probe.value.mistake("a probe of the hypothesis needs a tolerance") }
          takeExpectation(probe)
        }
        return probes.map { _ in () }
      }
    }
  }

  /// A probe of the hypothesis becomes an expectation where the map says which.
  private func takeExpectation(_ probe: ChaosToolkitActivity) {
    switch map.activity(probe.facts)?.meaning {
    case .expectation(let node): checks.expect(.flow(YamlTree(node)))
    case .nothing(let why): probe.value.note("\(probe.summary) is left out: \(why)")
    case .fault: probe.value.mistake("\(probe.summary) stands for a fault in the map, and a hypothesis holds none")
    case nil:
      let (call, why) = ActivityCall.of(probe, in: self)
      guard let call else {
        probe.value.mistake(
          "\(probe.summary) cannot be expressed by itself: \(why)",
          fix: activityFix(probe, "expect: { metric: mirror-lag, max: 2s }"))
        return
      }
      guard let name = add(probe: probe, call) else { return }
      guard !map.sections.contains(where: { $0.key == "steadyState" }) else {
        probe.value.remark("the map gives the steady state; that probe '\(name)' passes is not part of it")
        return
      }
      checks.expect(.flow(.mapping([.init("probe", .word(name))])))
    }
  }

  /// Adds a probe that asks what the activity asks; `nil` after a mistake.
  private func add(probe: ChaosToolkitActivity, _ call: ActivityCall) -> String? {
    guard let expectation = call.expectation(probe.tolerance) else { return nil }
    probe.value.note("\(probe.summary) is asked every second, all through the drill, and from outside of all regions")
    return checks.add(probe: call.probe(expectation), called: probe.name)
  }

  private func readMethod(_ value: Value) -> ImportedStep? {
    guard !value.isEmpty else {
      value.mistake("an empty method disturbs nothing")
      return nil
    }
    let activities = value.list { [self] entry -> ChaosToolkitActivity? in
      guard let activity = ChaosToolkitActivity.read(entry, in: self) else { return nil }
      known[activity.name] = activity
      return activity
    }
    guard let activities else { return nil }
    var begin = Duration.zero
    var steps: [ImportedStep] = []
    for activity in activities {
      begin += activity.pauseBefore
      if let fault = fault(of: activity) {
        steps.append(begin == .zero ? .fault(fault) : .sequence([.pause(begin), .fault(fault)], name: activity.name))
        if activity.isBackground {
          activity.value.note("background: the next activity does not wait for it, here or there")
        }
      }
      begin += activity.pauseAfter
    }
    return steps.count == 1 ? steps[0] : .parallel(steps, name: title)
  }

  private func fault(of activity: ChaosToolkitActivity) -> ImportedFault? {
    switch map.activity(activity.facts)?.meaning {
    case .fault(let keys, let region, let hold):
      return ImportedFault(
        name: activity.name, origin: "Chaos Toolkit, \(activity.summary)", mark: activity.value.node.mark, keys: keys,
        region: region, hold: hold)
    case .nothing(let why): activity.value.note("\(activity.summary) is left out: \(why)")
    case .expectation:
      activity.value.remark("\(activity.summary) is looked at once there; here it belongs to the steady state")
    case nil:
      if activity.type == .probe, let call = ActivityCall.of(activity, in: self).call {
        if let name = add(probe: activity, call) {
          activity.value.remark(
            "is asked once there, at this place; here its answers stand in the journal as probe '\(name)', and the checklist"
              + " judges")
        }
        return nil
      }
      let example =
        activity.type == .probe
        ? "nothing: the checklist judges it" : "fault: { fault: partition, region: REGION, from: all, for: 20s }"
      activity.value.mistake(
        "\(activity.summary) cannot be expressed by itself: what it does is known to its program alone",
        fix: activityFix(activity, example))
    }
    return nil
  }

  private func readRollbacks(_ value: Value) {
    guard !value.isEmpty else { return }
    for activity in value.list({ [self] in ChaosToolkitActivity.read($0, in: self) }) ?? [] {
      switch map.activity(activity.facts)?.meaning {
      case .nothing(let why): activity.value.note("\(activity.summary) is left out: \(why)")
      case .fault, .expectation:
        activity.value.mistake("\(activity.summary) is a rollback; in the map it stands for something else")
      case nil: addStep(activity)
      }
    }
  }

  /// A rollback that Python has no part in is a step of the way back, after the recovery.
  private func addStep(_ activity: ChaosToolkitActivity) {
    let (call, why) = ActivityCall.of(activity, in: self)
    guard let call else {
      activity.value.mistake(
        "\(activity.summary) cannot be expressed: a fault takes itself back, and of this \(why)",
        fix: activityFix(activity, "nothing: faults end by themselves"))
      return
    }
    guard !map.sections.contains(where: { $0.key == "failback" }) else {
      activity.value.mistake(
        "\(activity.summary) would be a step of the failback, which the map gives",
        fix: activityFix(activity, "nothing: a step of the map's failback does it"))
      return
    }
    let limit = call.timeout ?? .seconds(60)
    checks.add(step: call.question, called: activity.name, within: limit)
    activity.value.remark(
      "runs at the end there, by its strategy; here it is a step of the failback, after the recovery, with \(limit.text) of time"
        + (activity.pauseBefore + activity.pauseAfter > .zero ? "; its pauses have no effect" : ""))
  }

  private func activityFix(_ activity: ChaosToolkitActivity, _ meaning: String) -> String {
    "\(map.file.map { "add to \($0)" } ?? "give a mapping file with --map, and in it") under activities: - { match: { name:"
      + " \(scalarText(activity.name, asWord: false)) }, \(meaning) }"
  }
}

extension Substring {
  /// Where `text` stands first in it.
  fileprivate func range(of text: String) -> Range<Index>? {
    var begin = startIndex
    while begin < endIndex {
      if self[begin...].hasPrefix(text) { return begin..<index(begin, offsetBy: text.count) }
      begin = index(after: begin)
    }
    return nil
  }
}
