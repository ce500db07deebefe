internal import Support

/// `IOChaos`: operations on files that are late or fail.
enum IOChaos {
  enum Action: String, CaseIterable {
    case latency, fault, attrOverride, mistake
  }

  /// The operations of a file system by their names there, and here. Those that are not here cannot be disturbed.
  static let operations: [String: [DisturbedFiles.Operation]] = [
    "lookup": [.lookup], "getattr": [.getattr], "setattr": [.setattr, .truncate], "mkdir": [.mkdir],
    "unlink": [.unlink],
    "rmdir": [.rmdir], "symlink": [.symlink], "rename": [.rename], "link": [.link], "open": [.open], "read": [.read],
    "write": [.write, .extend], "fsync": [.fsync, .fdatasync], "opendir": [.open], "readdir": [.readdir],
    "statfs": [.statfs], "setxattr": [.setxattr], "getxattr": [.getxattr], "create": [.create],
  ]

  /// The errors by their numbers on Linux.
  static let errors: [Int64: DisturbedFiles.Failure] = [
    2: .notFound, 5: .inputOutput, 13: .access, 23: .tooManyFiles, 28: .noSpace, 30: .readOnly, 110: .timedOut,
    116: .stale,
    122: .quota,
  ]

  static func read(_ value: Value, name: String, limit: Duration?, in context: ChaosMeshContext) -> ImportedStep? {
    value.fields { fields -> ImportedStep? in
      let action = fields.required("action") { $0.choice(Action.self, called: "an action") }
      let frame = ChaosFrame.read(fields, value, limit: limit, in: context)
      ProcessPlace.remarkContainers(fields)
      let files = readFiles(fields)
      let methods = fields.present("methods").map { $0.isEmpty ? .some(nil) : readMethods($0) } ?? .some(nil)
      let percent = fields.present("percent").map { $0.barePercentage() } ?? .some(.all)
      let keys = action.flatMap { readEffect(fields, $0) }
      guard let frame, let files, let methods, let percent, let keys, let action,
        let processes = ProcessPlace.selection(frame.place, at: value)
      else { return nil }
      guard percent.partsPerMillion > 0 else {
        fields.value("percent")?.mistake("with a percentage of 0 nothing happens")
        return nil
      }
      let share = percent == .all ? [] : [YamlTree.Member("probability", .word("\(percent)"))]
      guard let target = target(files, methods, processes, action, at: value) else { return nil }
      return ProcessPlace.step(
        frame.place, target.processes, name: name, origin: "IOChaos \(name), action \(action.rawValue)",
        hold: frame.hold, at: value.node.mark, target.keys + keys + share, fault: "disk")
    }
  }

  /// The pattern for paths below the volume; `**` for all of it.
  private static func readFiles(_ fields: Fields) -> String? {
    guard let volume = fields.required("volumePath", { $0.words(expected: "the path of a volume") }) else {
      fields.pass("path")
      return nil
    }
    guard let path = fields.present("path") else { return "**" }
    guard let text = path.words(expected: "a pattern of paths") else { return nil }
    let root = volume.hasSuffix("/") ? String(volume.dropLast()) : volume
    guard text.hasPrefix(root + "/") || text == root else {
      path.mistake("the path \(quoted(text)) is not below the volume \(quoted(volume))", fix: "\(root)/**")
      return nil
    }
    let rest = text.dropFirst(root.count).drop { $0 == "/" }
    return rest.isEmpty ? "**" : String(rest)
  }

  private static func readMethods(_ value: Value) -> [DisturbedFiles.Operation]?? {
    guard let names = value.list({ $0.words(expected: "an operation such as read") }) else { return nil }
    var found: [DisturbedFiles.Operation] = []
    for name in names {
      guard let known = operations[name] else {
        value.mistake(
          "the method \(quoted(name)) cannot be disturbed here",
          fix: "known: \(operations.keys.sorted().joined(separator: ", "))")
        return nil
      }
      found += known.filter { !found.contains($0) }
    }
    return found
  }

  /// What happens to the operations.
  private static func readEffect(_ fields: Fields, _ action: Action) -> [YamlTree.Member]? {
    for other in Action.allCases where other != action {
      if other == .attrOverride || other == .mistake { continue }
      fields.pass(other == .latency ? "delay" : "errno")
    }
    switch action {
    case .latency:
      fields.pass("attr", "mistake")
      guard let delay = fields.required("delay", { $0.goDuration() }) else { return nil }
      guard delay > .zero, delay <= .seconds(60) else {
        fields.value("delay")?.mistake("a delay from 1ns to 60s can be made, found \(delay.text)")
        return nil
      }
      return [.init("delay", .word(delay.text))]
    case .fault:
      fields.pass("attr", "mistake")
      guard let number = fields.required("errno", { $0.integer(in: 1...133) }) else { return nil }
      guard let error = errors[number] else {
        let known = errors.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value.rawValue))" }
        fields.value("errno")?.mistake(
          "the error \(number) is not made here", fix: "known: \(known.joined(separator: ", "))")
        return nil
      }
      return [.init("error", .word(error.rawValue))]
    case .attrOverride:
      fields.pass("attr", "mistake")
      fields.value("action")?.mistake("attributes of files are not changed", fix: "take it out of the file")
      return nil
    case .mistake:
      fields.pass("attr", "mistake")
      fields.value("action")?.mistake(
        "wrong bytes in a file stay wrong after the fault: no fault here damages what a drill must give back; a torn write"
          + " says so itself (torn, damage: permitted)", fix: "take it out of the file")
      return nil
    }
  }

  /// Files of the store are disturbed below it, which asks for a prepared directory; of others only system calls can be late.
  private static func target(
    _ files: String, _ methods: [DisturbedFiles.Operation]?, _ processes: YamlTree.Member, _ action: Action,
    at value: Value
  ) -> (processes: YamlTree.Member, keys: [YamlTree.Member])? {
    func words(_ names: [String]) -> YamlTree { .flow(.list(names.map { .word($0) })) }
    if processes.key == "role", case .word("store") = processes.value {
      value.note(
        "the volume is the data directory of the store, which is prepared before it starts; what Chaos Mesh mounts, this tool"
          + " mounts likewise")
      // Looking a name up is asked for at each step of a path; where no methods are named, all are meant there.
      let operations = methods ?? Self.operations.values.flatMap { $0 }
      let all = DisturbedFiles.Operation.allCases.filter(operations.contains)
      return (
        processes,
        [
          .init("files", .flow(.list([.text(files)]))), .init("operations", words(all.map(\.rawValue))),
        ]
      )
    }
    guard action == .latency else {
      value.mistake(
        "only files of a store can be made to fail: their directory is prepared before it starts",
        fix: "let the map say processes: { role: store }, or take it out of the file")
      return nil
    }
    let calls = LateCalls.Call.allCases.filter { call in
      methods.map { $0.contains { $0.rawValue == call.rawValue } } ?? true
    }
    let others = (methods ?? []).filter { LateCalls.Call(rawValue: $0.rawValue) == nil && $0 != .extend }
    guard !calls.isEmpty, others.isEmpty else {
      value.mistake(
        "of running programs only read, write and fsync can be late, found \(listed(others.map(\.rawValue)))",
        fix: "take the others out, or let the map say processes: { role: store }")
      return nil
    }
    if files != "**" {
      value.remark("the path \(quoted(files)) narrows it there; here every file of the processes is meant")
    }
    if methods == nil {
      value.remark("all operations are late there; here those that read, write and sync")
    }
    return (processes, [.init("calls", words(calls.map(\.rawValue)))])
  }
}
