internal import Support

/// `TimeChaos`: a wrong time for the processes of pods.
enum TimeChaos {
  /// The clocks that can be moved, by their names in C.
  static let clocks = [
    "CLOCK_REALTIME": "realtime", "CLOCK_MONOTONIC": "monotonic", "CLOCK_BOOTTIME": "boottime", "CLOCK_TAI": "tai",
  ]

  static func read(_ value: Value, name: String, limit: Duration?, in context: ChaosMeshContext) -> ImportedStep? {
    value.fields { fields -> ImportedStep? in
      let frame = ChaosFrame.read(fields, value, limit: limit, in: context)
      let offset = fields.required("timeOffset", readOffset)
      let clocks = fields.present("clockIds").map { $0.isEmpty ? [] : $0.list(readClock) } ?? []
      ProcessPlace.remarkContainers(fields)
      guard let frame, let offset, let clocks, let processes = ProcessPlace.selection(frame.place, at: value) else {
        return nil
      }
      return ProcessPlace.step(
        frame.place, processes, name: name, origin: "TimeChaos \(name)", hold: frame.hold, at: value.node.mark,
        keys(offset: offset, clocks: clocks), fault: "clock")
    }
  }

  static func readOffset(_ value: Value) -> GoDuration? {
    guard let offset = value.signedGoDuration() else { return nil }
    guard offset.nanoseconds != 0 else {
      value.mistake("an offset of zero moves nothing")
      return nil
    }
    return offset
  }

  static func readClock(_ value: Value) -> String? {
    guard let name = value.words(expected: "a clock such as CLOCK_REALTIME") else { return nil }
    guard let clock = clocks[name] else {
      let known = clocks.keys.sorted().joined(separator: ", ")
      value.mistake("the clock \(quoted(name)) is not moved here", fix: "known: \(known)")
      return nil
    }
    return clock
  }

  static func keys(offset: GoDuration, clocks: [String]) -> [YamlTree.Member] {
    var keys = [YamlTree.Member("offset", .word((offset.nanoseconds < 0 ? "-" : "") + offset.magnitude.text))]
    if !clocks.isEmpty { keys.append(.init("clocks", .flow(.list(clocks.map { .word($0) })))) }
    return keys
  }
}
