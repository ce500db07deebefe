internal import Support

extension ProcessFault {
  /// Reads the keys of a fault in processes; they stand among those of its timeline entry.
  static func read(_ fields: Fields) -> ProcessFault? {
    let region = fields.required("region") { $0.text(expected: "a region") }
    let processes = Selection.read(fields)
    let kind = fields.required("action") { $0.choice(Action.Kind.self, called: "an action") }
    guard let kind else { return fields.acceptOthers() }
    let action = Action.read(kind, fields)
    let standard = if case .role(.store) = processes { true } else { false }
    let tree = fields.optional("descendants", or: standard, readDescendants)
    // Absent and `never` are the same; a wrong one has been noted, and the scenario is refused for it.
    let restart = kind.endsProcesses ? fields.value("restart").flatMap { readRestart($0, mayHaveClocks: true) } : nil
    guard let region, let processes, let action, let tree else { return nil }
    return ProcessFault(
      region: region, processes: processes, includesDescendants: tree, action: action, restart: restart?.after,
      restartClocks: restart?.clocks)
  }

  /// Reads the key `descendants`.
  static func readDescendants(_ value: Value) -> Bool? {
    enum Answer: String, CaseIterable { case yes = "true", no = "false" }
    return value.choice(Answer.self, called: "an answer").map { $0 == .yes }
  }

  /// Reads the key `restart`: `nil` for never, and after a mistake.
  static func readRestart(_ value: Value) -> Duration? { readRestart(value, mayHaveClocks: false)?.after }

  private static func readRestart(
    _ value: Value, mayHaveClocks: Bool
  ) -> (after: Duration, clocks: ClockOffsets?)? {
    if case .mapping = value.node.content {
      return value.fields { fields in
        let after: Duration? = fields.required("after") { $0.unit() }
        let clocks = mayHaveClocks ? fields.value("clocks").flatMap(ClockOffsets.read) : nil
        return after.map { ($0, clocks) }
      }
    }
    guard let text = value.text(expected: "'never' or { after: 3s }"), text != "never" else { return nil }
    value.mistake("expected 'never' or { after: 3s }, found \(quoted(text))")
    return nil
  }
}

extension ProcessFault.Action.Kind {
  fileprivate var endsProcesses: Bool {
    switch self {
    case .kill, .terminate, .restartLoop: true
    case .pause, .throttle, .squeeze: false
    }
  }
}

extension ProcessFault.Action {
  /// Reads the keys that belong to one kind of action alone.
  fileprivate static func read(_ kind: Kind, _ fields: Fields) -> ProcessFault.Action? {
    switch kind {
    case .kill: return .kill
    case .terminate:
      let grace: Duration? = fields.optional("grace", or: .seconds(10)) { $0.unit() }
      return grace.map { .terminate(grace: $0) }
    case .restartLoop: return fields.required("every") { $0.positiveDuration() }.map { .restartLoop(every: $0) }
    case .pause:
      guard let by = fields.value("by") else { return .pause(nil) }
      return by.choice(ProcessFault.Pause.self, called: "a way to pause").map { .pause($0) }
    case .throttle:
      let share: Percentage? = fields.required("processor") { $0.unit() }
      return share.map { .throttle($0) }
    case .squeeze:
      let size: ByteSize? = fields.required("memory") { $0.unit() }
      return size.map { .squeeze($0) }
    }
  }
}

extension ProcessFault.Selection {
  /// Reads the one key that says which processes are meant.
  static func read(_ fields: Fields) -> ProcessFault.Selection? {
    let keys = ["role", "name", "port", "unit", "cgroup", "pid"]
    switch fields.only(keys, called: "which processes are meant", missing: "role") {
    case "role":
      return fields.required("role") { $0.choice(ProcessFault.Server.self, called: "a server") }.map { .role($0) }
    case "name": return fields.required("name") { $0.text(expected: "a name") }.map { .name($0) }
    case "port": return fields.required("port") { $0.integer(in: 1...65_535) }.map { .port(UInt16($0)) }
    case "unit": return fields.required("unit") { $0.text(expected: "a unit") }.map { .unit($0) }
    case "cgroup": return fields.required("cgroup") { $0.text(expected: "a path") }.map { .cgroup($0) }
    case "pid": return fields.required("pid") { $0.integer(in: 1...4_194_304) }.map { .pid(Int32($0)) }
    default: return nil
    }
  }
}
