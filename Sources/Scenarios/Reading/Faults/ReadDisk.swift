internal import Support

extension DiskFault {
  /// Reads the keys of a disturbed disk; they stand among those of its timeline entry. `files` and `limit` say what is
  /// disturbed; without them it is the system calls of running processes.
  static func read(_ fields: Fields) -> DiskFault? {
    let region = fields.required("region") { $0.text(expected: "a region") }
    if fields.has("files") { return DisturbedFiles.read(fields, region) }
    let processes = ProcessFault.Selection.read(fields)
    let standard = if case .role(.store) = processes { true } else { false }
    let tree = fields.optional("descendants", or: standard, ProcessFault.readDescendants)
    let effect =
      fields.has("limit")
      ? fields.required("limit", LimitedDisk.read).map { Effect.limit($0) }
      : LateCalls.read(fields).map { Effect.calls($0) }
    guard let region, let processes, let tree, let effect else { return nil }
    return DiskFault(region: region, processes: processes, includesDescendants: tree, effect: effect)
  }
}

extension LateCalls {
  fileprivate static func read(_ fields: Fields) -> LateCalls? {
    let calls = fields.optional("calls", or: [Call.fsync, .fdatasync]) {
      $0.list { $0.choice(Call.self, called: "a system call") }
    }
    let time = DisturbedFiles.DurationSpread.read(fields)
    let probability = readProbability(fields)
    guard let calls, let time, let probability else { return nil }
    if calls.isEmpty || Set(calls).count != calls.count {
      fields.mistake("calls must name each system call once", fix: "leave it out for fsync and fdatasync")
      return nil
    }
    return LateCalls(calls: calls, delay: time.delay, jitter: time.jitter, probability: probability)
  }
}

/// Reads the key `probability`.
private func readProbability(_ fields: Fields) -> Percentage? {
  let probability: Percentage? = fields.optional("probability", or: .all) { $0.unit() }
  guard let probability else { return nil }
  if probability.partsPerMillion == 0 {
    fields.mistake("with a probability of 0% nothing happens", fix: "leave it out for all")
    return nil
  }
  return probability
}

extension DisturbedFiles.DurationSpread {
  /// Reads the keys `delay` and `jitter`.
  fileprivate static func read(_ fields: Fields) -> DisturbedFiles.DurationSpread? {
    let delay: Duration? = fields.required("delay") { $0.positiveDuration() }
    let jitter: Duration? = fields.optional("jitter", or: .zero) { $0.unit() }
    guard let delay, let jitter else { return nil }
    if delay > .seconds(60) {
      fields.mistake("a delay of \(delay.text) is longer than 60s", fix: "make it shorter")
      return nil
    }
    if jitter > delay {
      fields.mistake("the jitter is longer than the delay", fix: "make it at most \(delay.text)")
      return nil
    }
    return DisturbedFiles.DurationSpread(delay, jitter: jitter)
  }
}

extension DisturbedFiles {
  fileprivate static func read(_ fields: Fields, _ region: String?) -> DiskFault? {
    let role = fields.optional("role", or: ProcessFault.Server.store) {
      $0.choice(ProcessFault.Server.self, called: "a server")
    }
    if let role, role != .store {
      fields.mistake("only files of the store can be disturbed", fix: "leave role out")
      return nil
    }
    let files = fields.required("files") { $0.list(readPattern) }
    let effect = Effect.read(fields)
    let operations = readOperations(fields, effect)
    let probability = readProbability(fields)
    // Absent and `never` are the same; a wrong one has been noted, and the scenario is refused for it.
    let mayEnd = if case .late = effect { false } else { true }
    let restart = mayEnd ? fields.value("restart").flatMap(ProcessFault.readRestart) : nil
    guard let region, let files, let effect, let operations, let probability else { return nil }
    let disturbed = DisturbedFiles(files: files, operations: operations, probability: probability, effect: effect)
    if let (what, fix) = disturbed.mistake {
      fields.mistake(what, fix: fix)
      return nil
    }
    return DiskFault(
      region: region, processes: .role(.store), includesDescendants: true, effect: .files(disturbed), restart: restart)
  }

  private static func readPattern(_ value: Value) -> String? {
    guard let text = value.text(expected: "a pattern such as pg_wal/**") else { return nil }
    let names = text.split(separator: "/", omittingEmptySubsequences: false)
    if names.first?.isEmpty ?? true || names.contains("..") || text.utf8.count > 1024 {
      value.mistake(
        "\(quoted(text)) is no pattern for files of the store",
        fix: "say a path below its data directory, such as pg_wal/**, or ** for all")
      return nil
    }
    return text
  }

  private static func readOperations(_ fields: Fields, _ effect: Effect?) -> [Operation]? {
    func all(_ value: Value) -> [Operation]? { value.list { $0.choice(Operation.self, called: "an operation") } }
    switch effect {
    case .fails(.noSpace), .fails(.quota): return fields.optional("operations", or: Operation.needRoom, all)
    case .torn: return fields.optional("operations", or: [.write], all)
    case .unsynced: return fields.optional("operations", or: [.fsync, .fdatasync], all)
    case .late, .fails: return fields.required("operations", all)
    case nil: return fields.value("operations").flatMap(all)
    }
  }

  private var mistake: (what: String, fix: String)? {
    if files.isEmpty { return ("files names no pattern, so nothing happens", "say ** for all files of the store") }
    if operations.isEmpty || Set(operations).count != operations.count {
      return ("operations must name each operation once", "leave out what stands twice")
    }
    switch effect {
    case .torn where operations != [.write]: return ("only a write can be torn", "leave operations out")
    case .unsynced where !Set(operations).isSubset(of: [.fsync, .fdatasync]):
      return ("only fsync and fdatasync can be left out and said to be done", "leave operations out")
    default: return nil
    }
  }
}

extension DisturbedFiles.Effect {
  /// Reads the one key that says what happens.
  fileprivate static func read(_ fields: Fields) -> DisturbedFiles.Effect? {
    switch fields.only(["delay", "error", "torn", "unsynced"], called: "what happens to the files") {
    case "delay": return DisturbedFiles.DurationSpread.read(fields).map { .late($0) }
    case "error":
      return fields.required("error") { $0.choice(DisturbedFiles.Failure.self, called: "an error") }.map { .fails($0) }
    case "torn":
      let heard = fields.required("torn") {
        $0.choice(DisturbedFiles.Torn.self, called: "what the writer of a torn write hears")
      }
      enum Permission: String, CaseIterable { case permitted }
      guard let heard, fields.required("damage", { $0.choice(Permission.self, called: "a permission") }) != nil else {
        return nil
      }
      return .torn(heard)
    case "unsynced":
      enum Answer: String, CaseIterable { case yes = "true" }
      return fields.required("unsynced") { $0.choice(Answer.self, called: "an answer") }.map { _ in .unsynced }
    default: return nil
    }
  }
}

extension LimitedDisk {
  fileprivate static func read(_ value: Value) -> LimitedDisk? {
    value.fields { fields in
      func size(_ key: String) -> ByteSize?? {
        guard let value = fields.value(key) else { return .some(nil) }
        guard let size: ByteSize = value.unit() else { return nil }
        guard size.bytes >= 4096 else {
          value.mistake("must be at least one page a second: 4KiB")
          return nil
        }
        return size
      }
      func count(_ key: String) -> Int64?? {
        guard let value = fields.value(key) else { return .some(nil) }
        return value.integer(in: 1...1_000_000_000).map { .some($0) }
      }
      let (readBytes, writeBytes) = (size("readBytes"), size("writeBytes"))
      let (reads, writes) = (count("reads"), count("writes"))
      guard let readBytes, let writeBytes, let reads, let writes else { return nil }
      guard readBytes != nil || writeBytes != nil || reads != nil || writes != nil else {
        fields.mistake("limits nothing", fix: "say readBytes, writeBytes, reads or writes, of a second")
        return nil
      }
      return LimitedDisk(readBytes: readBytes, writeBytes: writeBytes, reads: reads, writes: writes)
    }
  }
}
