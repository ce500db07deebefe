internal import Support

extension DiskFault {
  /// Reads the keys of a slow disk; they stand among those of its timeline entry.
  static func read(_ fields: Fields) -> DiskFault? {
    let region = fields.required("region") { $0.text(expected: "a region") }
    let processes = ProcessFault.Selection.read(fields)
    let standard = if case .role(.store) = processes { true } else { false }
    let tree = fields.optional("descendants", or: standard, ProcessFault.readDescendants)
    let calls = fields.optional("calls", or: [Call.fsync, .fdatasync]) {
      $0.list { $0.choice(Call.self, called: "a system call") }
    }
    let delay: Duration? = fields.required("delay") { $0.positiveDuration() }
    let jitter: Duration? = fields.optional("jitter", or: .zero) { $0.unit() }
    let probability: Percentage? = fields.optional("probability", or: .all) { $0.unit() }
    guard let region, let processes, let tree, let calls, let delay, let jitter, let probability else { return nil }
    let fault = DiskFault(
      region: region, processes: processes, includesDescendants: tree, calls: calls, delay: delay, jitter: jitter,
      probability: probability)
    if let (what, fix) = fault.mistake {
      fields.mistake(what, fix: fix)
      return nil
    }
    return fault
  }

  private var mistake: (what: String, fix: String)? {
    if calls.isEmpty || Set(calls).count != calls.count {
      return ("calls must name each system call once", "leave it out for fsync and fdatasync")
    }
    if delay > .seconds(60) { return ("a delay of \(delay.text) is longer than 60s", "make it shorter") }
    if jitter > delay { return ("the jitter is longer than the delay", "make it at most \(delay.text)") }
    if probability.partsPerMillion == 0 { return ("with a probability of 0% nothing happens", "leave it out for all") }
    return nil
  }
}
