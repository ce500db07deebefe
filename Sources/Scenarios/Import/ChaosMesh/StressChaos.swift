internal import Support

/// `StressChaos`, and the stress of chaosd: load that takes processor and memory from what runs beside it.
///
/// No load is made here. What it leaves to the programs is given to them, where the map says how much there is.
enum StressChaos {
  static func read(_ value: Value, name: String, limit: Duration?, in context: ChaosMeshContext) -> ImportedStep? {
    value.fields { fields -> ImportedStep? in
      let frame = ChaosFrame.read(fields, value, limit: limit, in: context)
      ProcessPlace.remarkContainers(fields)
      fields.refuse("stressngStressors", "what stress-ng does is known to it alone", fix: "write it as stressors")
      let stressors = fields.required("stressors") { stressors -> [Stressor]? in
        stressors.fields { fields -> [Stressor]? in
          let cpu = fields.present("cpu").map { Stressor.readProcessor($0).map { Optional($0) } } ?? .some(nil)
          let memory = fields.present("memory").map { Stressor.readMemory($0).map { Optional($0) } } ?? .some(nil)
          guard let cpu, let memory else { return nil }
          return [cpu, memory].compactMap(\.self)
        }
      }
      guard let frame, let stressors else { return nil }
      guard !stressors.isEmpty else {
        value.mistake("no stressor, so nothing happens", fix: "stressors: { cpu: { workers: 1, load: 50 } }")
        return nil
      }
      return step(stressors, frame.place, name: name, origin: "StressChaos \(name)", hold: frame.hold, at: value)
    }
  }

  /// A fault for each stressor.
  static func step(
    _ stressors: [Stressor], _ place: ImportMap.Place, name: String, origin: String, hold: Duration, at value: Value
  ) -> ImportedStep? {
    guard let processes = ProcessPlace.selection(place, at: value) else { return nil }
    let steps = stressors.map { stressor -> ImportedStep? in
      guard let keys = stressor.keys(place, at: value) else { return nil }
      return ProcessPlace.step(
        place, processes, name: name, origin: "\(origin), \(stressor.name)", hold: hold, at: value.node.mark, keys)
    }
    guard !steps.contains(where: { $0 == nil }) else { return nil }
    value.remark(
      "there load competes with the programs of the place, and they may still win; here what it would take is taken away from"
        + " them, in their control groups")
    let all = steps.compactMap(\.self)
    return all.count == 1 ? all[0] : .parallel(all, name: name)
  }

  /// One kind of load.
  enum Stressor {
    /// So much of one processor, in percent.
    case processor(percent: Int64)
    /// So many bytes.
    case memory(ByteSize)

    var name: String {
      switch self {
      case .processor: "cpu"
      case .memory: "memory"
      }
    }

    static func readProcessor(_ value: Value) -> Stressor? {
      value.fields { fields -> Stressor? in
        let workers = fields.required("workers") { $0.integer(in: 1...8192) }
        let load = fields.present("load").map { $0.integer(in: 0...100) } ?? .some(100)
        fields.refuse("options", "options of stress-ng have no meaning here")
        guard let workers, let load else { return nil }
        guard load > 0 else {
          fields.value("load")?.mistake("a load of 0 takes nothing away")
          return nil
        }
        return .processor(percent: workers * load)
      }
    }

    static func readMemory(_ value: Value) -> Stressor? {
      value.fields { fields -> Stressor? in
        // All workers together occupy the size once.
        _ = fields.present("workers").map { $0.integer(in: 1...8192) }
        fields.refuse("options", "options of stress-ng have no meaning here")
        fields.pass("oomScoreAdj")
        return fields.required("size", readSize).map { .memory($0) }
      }
    }

    static func readSize(_ value: Value) -> ByteSize? {
      guard let text = value.words(expected: "a size such as 256MB") else { return nil }
      if text.hasSuffix("%") {
        value.mistake("a share of a memory that is not known here", fix: "write the size: 256MB")
        return nil
      }
      let digits = text.prefix { $0.isNumber }
      let unit = text.dropFirst(digits.count)
      let units = ["": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40] as [String: Int64]
      // As there: KB is 1,024 bytes, and so on.
      guard let number = Int64(digits), number > 0, let factor = units[unit.uppercased().replacing("I", with: "")],
        number <= Int64.max / factor
      else {
        value.mistake("expected a size such as 256MB, found \(quoted(text))")
        return nil
      }
      return ByteSize(bytes: number * factor)
    }

    /// What is left, as keys of a process fault; a mistake where that is not known or nothing.
    func keys(_ place: ImportMap.Place, at value: Value) -> [YamlTree.Member]? {
      switch self {
      case .processor(let percent):
        guard let processors = place.processors else {
          value.mistake(
            "the mapping file does not say how many processors there are, of which the load takes \(percent)%",
            fix: "add to its rule: processors: 2")
          return nil
        }
        let left = processors * 100 - percent
        guard (1...100).contains(left) else {
          value.mistake(
            left < 1
              ? "of \(processors) processors the load leaves nothing: the programs would stand still, which is action pause"
              : "of \(processors) processors the load leaves \(left)%, more than one: throttle leaves at most one",
            fix: left < 1 ? "a smaller load" : "a greater load")
          return nil
        }
        return [.init("action", .word("throttle")), .init("processor", .word("\(left)%"))]
      case .memory(let size):
        guard let memory = place.memory else {
          value.mistake(
            "the mapping file does not say how much memory there is, of which the load takes \(size)",
            fix: "add to its rule: memory: 2GiB")
          return nil
        }
        let left = memory.bytes - size.bytes
        guard left >= 1 << 20 else {
          value.mistake("of \(memory) the load leaves less than 1MiB", fix: "a smaller size")
          return nil
        }
        return [.init("action", .word("squeeze")), .init("memory", .word("\(ByteSize(bytes: left))"))]
      }
    }
  }
}
