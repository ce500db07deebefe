internal import Support

/// Puts what was imported into a scenario, and reads that scenario back: what its own rules refuse is said at the place in
/// the other tool's file that it comes from.
struct ImportAssembly {
  let file: String
  let tool: String
  let map: ImportMap
  let options: ImportOptions
  let reading: Reading
  /// What the other tool's file asks and expects.
  let checks = ImportedChecks()

  init(file: String, tool: String, map: ImportMap, options: ImportOptions) {
    self.file = file
    self.tool = tool
    self.map = map
    self.options = options
    reading = Reading(file: file)
  }

  /// The regions of the scenario: those of the map's topology, else the lab's three.
  var regions: [String] {
    guard let topology = map.sections.first(where: { $0.key == "topology" })?.value,
      let lab = topology.member("lab"), let regions = lab.member("regions"),
      case .mapping(let members) = regions.content
    else { return ImportFrame.regions }
    return members.map(\.key)
  }

  /// The scenario.
  func finish(
    _ step: ImportedStep, name: String, from source: String, what: [String]
  ) throws(Problems) -> ImportedScenario {
    let origin = Mark(line: 1, column: 1)
    if step.faultCount > mostImportedFaults {
      reading.found(
        at: origin, path: "", "comes to \(step.faultCount) faults; at most \(mostImportedFaults) are imported",
        fix: "import parts of it")
    } else if step.faultCount == 0, !reading.hasErrors || options.isPartial {
      reading.found(at: origin, path: "", "nothing in it can be drilled: no fault is left")
    }
    let refused = reading.diagnostics.filter { $0.severity == .error }
    guard step.faultCount > 0, step.faultCount <= mostImportedFaults, refused.isEmpty || options.isPartial else {
      throw Problems(reading.diagnostics.filter { $0.severity == .error }.inFileOrder([file]).map(\.problem))
    }
    let remarks = reading.diagnostics.map { remark in
      guard remark.severity == .error else { return remark }
      return Diagnostic(.warning, at: remark.location, path: remark.path, "left out: \(remark.what)", fix: remark.fix)
    }
    var draft = ScenarioDraft(
      name: Names.narrow(name.isEmpty ? baseName : name, longest: 48),
      description: "Imported from \(source): \(what.prefix(8).joined(separator: ", "))\(what.count > 8 ? ", …" : "").",
      tags: ["imported", tool], header: header(source, remarks), seed: options.seed,
      step: step, timeline: TimelineText(step), sections: map.sections, checks: checks)
    if try check(draft).expectsFailover {
      draft.expectsFailover = true
      _ = try check(draft)
    }
    return ImportedScenario(text: draft.text, remarks: remarks.inFileOrder([file]))
  }

  /// The file's name without its folder and its ending.
  private var baseName: String {
    let last = file.split(separator: "/").last.map(String.init) ?? file
    return last.split(separator: ".").first.map(String.init) ?? last
  }

  private func header(_ source: String, _ remarks: [Diagnostic]) -> [String] {
    var lines = ["Made by blackstart import \(tool) from \(file)."]
    for remark in remarks.inFileOrder([file]) where remark.severity != .note {
      lines.append("\(remark.location.line):\(remark.location.column) \(remark.what)")
    }
    return lines
  }

  /// Reads the draft as any scenario is read.
  private func check(_ draft: ScenarioDraft) throws(Problems) -> Scenario {
    let own = Reading(file: file)
    let root = try parseYaml(Array(draft.text.utf8), file: "the scenario made of \(file)")
    let document = Value(root, path: "", in: own)
    let variables = Variables(of: document, ScenarioInputs())
    let scenario = Scenario.read(Value(variables.fill(document), path: "", in: own), variables: variables.all)
    var found = own.diagnostics
    if let scenario, !own.hasErrors { found += Scenarios.check(scenario, at: own.places) }
    let errors = found.filter { $0.severity == .error }
    guard let scenario, errors.isEmpty else {
      let moved = errors.map { error in
        Diagnostic(
          .error, at: place(of: error.path, in: draft), path: "",
          "as a scenario it is refused: \(error.path): \(error.what)",
          fix: error.fix)
      }
      throw Problems(moved.inFileOrder([file]).map(\.problem))
    }
    return scenario
  }

  /// Where what stands at `path` of the scenario comes from.
  private func place(of path: String, in draft: ScenarioDraft) -> SourceLocation {
    if let mark = draft.timeline.origin(of: path) { return mark.location(in: file) }
    if let mapFile = map.file, let section = map.sections.first(where: { path.hasPrefix($0.key) }) {
      return section.value.mark.location(in: mapFile)
    }
    return SourceLocation(file: file, line: 1, column: 1)
  }
}

extension Reading {
  /// Whether anything was refused so far.
  var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

extension Node {
  /// The value of a key of a mapping.
  func member(_ key: String) -> Node? {
    guard case .mapping(let members) = content else { return nil }
    return members.first { $0.key == key }?.value
  }
}
