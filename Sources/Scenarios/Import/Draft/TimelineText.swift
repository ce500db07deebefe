internal import Support

/// The imported steps as a scenario's timeline writes them: entries, and patterns of them.
struct TimelineText {
  /// The parts of the timeline.
  private(set) var items: [YamlTree] = []
  /// Where each part comes from, by its key path in the scenario.
  private(set) var origins: [(path: String, mark: Mark)] = []
  // The rounds of a repetition lengthen the names.
  private var names = Names(longest: 18)

  init(_ step: ImportedStep) {
    items = parts(of: step, at: .zero, under: "timeline")
  }

  /// Where what stands at `path` comes from: the part that holds it most closely.
  func origin(of path: String) -> Mark? {
    let holders = origins.filter { path.hasPrefix($0.path) }
    return holders.max { $0.path.count < $1.path.count }?.mark
  }

  /// Parts that count their times from one beginning.
  private mutating func parts(of step: ImportedStep, at begin: Duration, under path: String) -> [YamlTree] {
    var found: [YamlTree] = []
    add(step, at: begin, under: path, to: &found)
    return found
  }

  private mutating func add(
    _ step: ImportedStep, at begin: Duration, under path: String, to parts: inout [YamlTree]
  ) {
    switch step {
    case .pause: break
    case .fault, .repeated: parts.append(part(step, at: begin, path: "\(path)[\(parts.count)]"))
    case .parallel(let steps, _):
      for step in steps { add(step, at: begin, under: path, to: &parts) }
    case .sequence(let steps, _):
      let doing = steps.indices.filter { steps[$0].faultCount > 0 }
      guard doing.count == 1 else {
        if doing.count > 1 { parts.append(part(step, at: begin, path: "\(path)[\(parts.count)]")) }
        return
      }
      let before = steps[..<doing[0]].reduce(Duration.zero) { $0 + $1.length }
      add(steps[doing[0]], at: begin + before, under: path, to: &parts)
    }
  }

  /// One part, with the time from the beginning that is around it.
  private mutating func part(_ step: ImportedStep, at begin: Duration, path: String) -> YamlTree {
    if let first = step.faults.first { origins.append((path, first.mark)) }
    switch step {
    case .fault(let fault):
      let head = head(fault.name, at: begin)
      let keys = head + [.init("for", .word(fault.hold.text))] + fault.keys
      return .commented(["\(fault.origin), line \(fault.mark.line)"], .mapping(keys))
    case .repeated(let step, let times, let every):
      let head = head((step.faults.first?.name ?? "round") + "-again", at: begin)
      let members = parts(of: step, at: .zero, under: "\(path).repeat")
      return .mapping(
        head + [
          .init("times", .word("\(times)")), .init("every", .word(every.text)), .init("repeat", .list(members)),
        ])
    case .sequence(let steps, let name):
      let head = head(name, at: begin)
      var members: [YamlTree] = []
      var wait = Duration.zero
      for step in steps {
        guard step.faultCount > 0 else {
          wait += step.length
          continue
        }
        members.append(part(step, at: wait, path: "\(path).sequence[\(members.count)]"))
        wait = step.length - step.lengthOfFaults
      }
      return .mapping(head + [.init("sequence", .list(members))])
    case .parallel(_, let name):
      let head = head(name, at: begin)
      return .mapping(head + [.init("parallel", .list(parts(of: step, at: .zero, under: "\(path).parallel")))])
    case .pause: return .mapping([])
    }
  }

  private mutating func head(_ name: String, at begin: Duration) -> [YamlTree.Member] {
    [.init("id", .word(names.unique(name))), .init("at", .word(begin.text))]
  }
}
