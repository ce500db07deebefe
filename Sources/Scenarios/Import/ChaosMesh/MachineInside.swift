internal import Support

/// What chaosd does inside a machine: to its processes, their clocks, and what they have of processor and memory.
enum MachineInside: String, CaseIterable {
  case process, clock
  case processor = "stress-cpu"
  case memory = "stress-mem"

  /// The action of an object, if it is one of these.
  init?(of fields: Fields) {
    guard case .scalar(let text, _)? = fields.value("action")?.node.content, let action = MachineInside(rawValue: text)
    else { return nil }
    self = action
  }

  func read(
    _ fields: Fields, _ owner: Value, _ place: ImportMap.Place?, name: String, hold: Duration?
  ) -> ImportedStep? {
    let origin = "PhysicalMachineChaos \(name), action \(rawValue)"
    return fields.required(rawValue) { block -> ImportedStep? in
      switch self {
      case .process, .clock:
        let keys = self == .process ? Self.readProcess(block) : Self.readClock(block)
        guard let keys, let place, let hold else { return nil }
        return ProcessPlace.step(
          place, keys.processes, name: name, origin: origin, hold: hold, at: owner.node.mark, keys.rest,
          fault: rawValue)
      case .processor, .memory:
        let stressor =
          self == .processor
          ? StressChaos.Stressor.readProcessor(block) : StressChaos.Stressor.readMemory(block)
        guard let stressor, let place, let hold else { return nil }
        return StressChaos.step([stressor], place, name: name, origin: origin, hold: hold, at: owner)
      }
    }
  }

  private typealias Keys = (processes: YamlTree.Member, rest: [YamlTree.Member])

  /// A process by its name or number, and the signal that it gets.
  private static func readProcess(_ value: Value) -> Keys? {
    value.fields { fields -> Keys? in
      let process = fields.required("process") { $0.words(expected: "a process by name or number") }
      let signal = fields.present("signal").map { $0.integer(in: 1...64) } ?? .some(9)
      if let command = fields.present("recoverCmd"), !command.isEmpty {
        command.remark("a command that starts it again there; here nobody does but its own supervisor")
      }
      guard let process, let signal else { return nil }
      let action: String
      switch signal {
      case 9: action = "kill"
      case 15: action = "terminate"
      case 19, 20: action = "pause"
      default:
        fields.value("signal")?.mistake(
          "the signal \(signal) is not sent here", fix: "known: 9 (kill), 15 (terminate), 19 (pause)")
        return nil
      }
      if action == "terminate" { value.note("a process that has not ended 10s later is killed; there it lives on") }
      let isNumber = process.allSatisfy(\.isNumber)
      return (
        .init(isNumber ? "pid" : "name", isNumber ? .word(process) : .text(process)), [.init("action", .word(action))]
      )
    }
  }

  /// A process by its number, and the time that it sees.
  private static func readClock(_ value: Value) -> Keys? {
    value.fields { fields -> Keys? in
      let pid = fields.required("pid") { $0.integer(in: 1...4_194_304) }
      let offset = fields.required("time-offset", TimeChaos.readOffset)
      let clocks = fields.present("clock-ids-slice").map(readClocks) ?? .some([])
      guard let pid, let offset, let clocks else { return nil }
      return (.init("pid", .word("\(pid)")), TimeChaos.keys(offset: offset, clocks: clocks))
    }
  }

  /// Names joined by commas.
  private static func readClocks(_ value: Value) -> [String]? {
    guard let text = value.words(expected: "clocks such as CLOCK_REALTIME,CLOCK_MONOTONIC") else { return nil }
    let names = text.split(separator: ",").map { String($0.drop { $0 == " " }) }
    let known = names.map { TimeChaos.clocks[$0] }
    guard !known.contains(nil) else {
      value.mistake(
        "not all of the clocks \(quoted(text)) are moved here",
        fix: "known: \(TimeChaos.clocks.keys.sorted().joined(separator: ", "))")
      return nil
    }
    return known.compactMap(\.self)
  }
}
