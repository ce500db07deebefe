internal import Glibc
internal import Support
internal import Synchronization

/// Skews the clocks of running processes through their vDSO.
///
/// All are redirected first, while their stubs still have no effect, and then set off by one write each: the clocks of many
/// processes go wrong within some ten microseconds of each other.
final class ClockSkewing: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let skew: ClockSkew
  private let template: ClockTemplate
  private let first: [ProcessHandle]
  private let warnings: [String]
  private let state = Mutex(State())

  private struct State: Sendable {
    /// Those whose clocks are skewed.
    var skewed: [ProcessIdentity: SkewedProcess] = [:]
    /// Those that are meant and cannot be, with the reason.
    var missed: [ProcessIdentity: String] = [:]
    var base: Int64 = 0
    var until: Int64 = 0
    var counters = InnerCounters()
    var pauses: [SkewedProcess.Pause] = []
  }

  init(_ order: InnerOrder, _ skew: ClockSkew) throws {
    choice = try skew.plan(order.fault, on: InnerProfile()).mechanisms[0]
    self.order = order
    self.skew = skew
    template = try ClockTemplate(tag: Self.tag(order))
    first = try order.processes()
    var warnings: [String] = []
    var reasons: [String] = []
    for process in first {
      do {
        guard
          try SkewedProcess(process.identity, template: template, timebase: order.timebase).state(template) == .clean
        else { throw VDSOError("it carries this fault's number already") }
        warnings += Self.warnings(process)
      } catch {
        reasons.append("\(process.command): \(error)\((error as? TraceError)?.fix.map { "; \($0)" } ?? "")")
      }
    }
    guard reasons.count < first.count else { throw order.refusal(.unsupported(reasons.joined(separator: "; "))) }
    self.warnings = warnings
  }

  /// A number that no other fault has, on this boot.
  private static func tag(_ order: InnerOrder) throws -> UInt64 {
    let own = try ProcessIdentity.current()
    let text = "\(order.fault.run) \(order.fault.id) \(own.pid) \(own.startTicks) \(order.timebase.monotonic())"
    return UInt64(sha256(Array(text.utf8)).prefix(16), radix: 16) ?? 0
  }

  private static func warnings(_ process: ProcessHandle) -> [String] {
    let path = "/proc/\(process.identity.pid)"
    // What has ended meanwhile needs no warning.
    guard let maps = try? readFile("\(path)/maps"), let program = try? readBeginning("\(path)/exe", 4096) else {
      return []
    }
    return ClockReach.warnings(program: program, maps: maps).map { "\(process.text): \($0)" }
  }

  var changes: [String] {
    let bytes = template.patch.stub.changed.count
    return first.map {
      "\(skew) for \($0.text): \(template.patch.jumps.count) jumps in its vDSO, to a stub of \(bytes) bytes"
    } + warnings
  }

  var undo: [UndoAction] { [.clocks(template.undo)] }

  var counters: InnerCounters { state.withLock(\.counters) }

  /// A stub that nobody prolongs ends by itself, so the guardian may let many processes on a busy machine take their time.
  var longestMaking: Int64 { 1_000_000_000 + Int64(first.count) * 100_000_000 }

  /// Newcomers are looked for so often, where there can be any.
  var lookEvery: Int64? { canGrow ? 250_000_000 : nil }

  private var canGrow: Bool {
    guard let selector = order.fault.processes else { return false }
    switch selector.choice {
    case .process, .pid: return selector.includesDescendants
    default: return true
    }
  }

  // MARK: making

  func make() throws -> [String] {
    let base = order.timebase.monotonic()
    let until = base + order.fault.timing.silenceMilliseconds * 1_000_000
    state.withLock { state in
      state.base = base
      state.until = until
    }
    for process in first { try take(process.identity) }
    guard !state.withLock(\.skewed).isEmpty else {
      throw order.refusal(.notAsAsked(state.withLock(\.missed).values.sorted().joined(separator: "; ")))
    }
    try keepAlive()
    let evidence = try readAll("")
    count(first.map(\.identity))
    return coverage + pauses + evidence
  }

  /// Redirects a process, or takes over one that was forked from a redirected one. What has ended does not matter; what
  /// cannot be reached is noted.
  private func take(_ process: ProcessIdentity) throws {
    do {
      let skewed = try SkewedProcess(process, template: template, timebase: order.timebase)
      switch try skewed.state(template) {
      case .redirected: try skewed.adopt()
      case .clean:
        try skewed.writeStub()
        try skewed.set(skew, base: state.withLock(\.base))
        let pause = try TracerThread.once(timebase: order.timebase) { try skewed.redirect($0) }
        state.withLock { $0.pauses.append(pause) }
      }
      state.withLock { state in
        state.skewed[process] = skewed
        state.missed[process] = nil
      }
    } catch let error as TraceError where error.reason == .gone || !process.isAlive {
      return
    } catch {
      state.withLock { $0.missed[process] = "\(error)" }
    }
  }

  // MARK: keeping

  /// Prolongs it as a heartbeat does: making, looking and reading back can take longer than a silence on a busy machine, or where
  /// there are many processes, and nothing may lapse meanwhile.
  private func keepAlive() throws {
    let timing = order.fault.timing
    let end = state.withLock(\.base) + timing.leaseMilliseconds * 1_000_000
    try prolong(until: min(end, order.timebase.monotonic() + timing.silenceMilliseconds * 1_000_000))
  }

  func prolong(until: Int64) throws {
    state.withLock { $0.until = until }
    for (process, skewed) in state.withLock(\.skewed) {
      do throws(TraceError) { try skewed.prolong(until: until) } catch { try forget(process, error) }
    }
  }

  /// Drops a process that has ended or runs another program now, which has a vDSO of its own.
  private func forget(_ process: ProcessIdentity, _ error: TraceError) throws {
    guard error.reason == .gone || !process.isAlive else { throw error }
    state.withLock { $0.skewed[process] = nil }
  }

  func look() throws -> String? {
    // Looking at all processes of a busy machine takes its time, in which nothing may lapse.
    let timing = order.fault.timing
    let (base, until) = state.withLock { ($0.base, $0.until) }
    let now = order.timebase.monotonic()
    if now < until {
      try prolong(until: min(base + timing.leaseMilliseconds * 1_000_000, now + timing.silenceMilliseconds * 1_000_000))
    }
    for (process, skewed) in state.withLock(\.skewed) {
      do throws(TraceError) {
        if try !skewed.isRedirected() { return "the clock of \(process) is true again" }
      } catch { try forget(process, error) }
    }
    let meant = try meant()
    for process in meant where state.withLock({ $0.skewed[process] == nil }) {
      try take(process)
      let (skewed, until) = state.withLock { ($0.skewed[process], $0.until) }
      try skewed?.prolong(until: until)
    }
    count(meant)
    return nil
  }

  private func meant() throws -> [ProcessIdentity] {
    if !canGrow { return first.filter { !$0.hasEnded }.map(\.identity) }
    do { return try order.processes().map(\.identity) } catch {
      if case .invalid = error.reason { return [] }  // all have ended
      throw error
    }
  }

  private func count(_ meant: [ProcessIdentity]) {
    state.withLock { state in
      state.missed = state.missed.filter { meant.contains($0.key) }
      state.counters.reached = meant.count { state.skewed[$0] != nil }
      state.counters.meant = meant.count
      state.counters.hits = max(state.counters.hits, UInt64(state.skewed.count))
      state.counters.particulars["clocks skewed"] = state.counters.hits
      state.counters.particulars["longest pause in µs"] = UInt64(
        (state.pauses.map(\.nanoseconds).max() ?? 0) / 1000)
    }
  }

  // MARK: evidence

  private var coverage: [String] {
    let (counters, missed) = state.withLock { ($0.counters, $0.missed) }
    guard counters.reached < counters.meant || !missed.isEmpty else { return [] }
    return ["coverage \(counters.reached) of \(counters.meant): \(missed.values.sorted().joined(separator: "; "))"]
  }

  private var pauses: [String] {
    let pauses = state.withLock(\.pauses)
    return pauses.map { "all \($0.threads) threads stood still for \(Duration.nanoseconds($0.nanoseconds).brief)" }
  }

  /// What each process's own clock says, asked from inside.
  private func readAll(_ when: String) throws -> [String] {
    var lines: [String] = []
    for (process, skewed) in state.withLock(\.skewed).sorted(by: { $0.key.pid < $1.key.pid }) {
      // Taken away before: there is nothing to read by, and nothing to be read.
      if !when.isEmpty {
        let hasStub: Bool
        do { hasStub = try skewed.hasStub() } catch {
          if error.reason == .gone { continue }
          throw error
        }
        guard hasStub else { continue }
      }
      for clock in skew.clocks.sorted() {
        if when.isEmpty { try keepAlive() }
        let reading: SkewedProcess.Reading
        do {
          reading = try TracerThread.once(timebase: order.timebase) { try skewed.readWell(clock.number, $0) }
        } catch let error as TraceError where error.reason == .gone { continue }
        try check(reading, of: process, isSkewed: when.isEmpty)
        let offset = fixed(Double(reading.offsetNanoseconds) / 1e9, 6)
        let uncertainty = Duration.nanoseconds(reading.uncertaintyNanoseconds).brief
        lines.append("\(process) reads \(clock.rawValue) \(offset) s ahead of ours (±\(uncertainty))\(when)")
      }
    }
    return lines
  }

  private func check(_ reading: SkewedProcess.Reading, of process: ProcessIdentity, isSkewed: Bool) throws {
    let elapsed = reading.atNanoseconds - state.withLock(\.base)
    let expected = isSkewed ? skew.offset(after: elapsed) : 0
    // While it was read, the error itself may have grown by at most half of that time.
    let slack = reading.uncertaintyNanoseconds * 3 / 2 + 1_000
    state.withLock { state in
      // The worst of all readings, and what that one could not know better.
      let deviation = UInt64((reading.offsetNanoseconds - expected).magnitude)
      guard deviation >= state.counters.particulars["largest deviation in ns"] ?? 0 else { return }
      state.counters.particulars["largest deviation in ns"] = deviation
      state.counters.particulars["uncertainty of that in ns"] = UInt64(reading.uncertaintyNanoseconds)
    }
    guard abs(reading.offsetNanoseconds - expected) <= slack else {
      throw order.refusal(
        .notAsAsked(
          "\(process) reads a clock \(reading.offsetNanoseconds) ns ahead of ours where \(expected) ns were expected"))
    }
  }

  // MARK: taking away

  /// What has ended meanwhile needs nothing.
  private func whileThere(_ process: ProcessIdentity, _ body: () throws -> Void) throws {
    do { try body() } catch let error as TraceError where error.reason == .gone || !process.isAlive {}
  }

  func takeAway() throws -> [String] {
    let skewed = state.withLock(\.skewed)
    // First all clocks become true at once; then the bytes.
    for one in skewed.values { try? one.prolong(until: 0) }  // what is gone has no clock
    var lines: [String] = []
    let sorted = skewed.sorted { $0.key.pid < $1.key.pid }
    var pauses: [ProcessIdentity: SkewedProcess.Pause] = [:]
    for (process, one) in sorted {
      try whileThere(process) {
        pauses[process] = try TracerThread.once(timebase: order.timebase) { try one.leadBack($0) }
      }
    }
    // A reading comes back by the stub, so it is taken before that goes too.
    let readings = try readAll(" afterwards")
    for (process, one) in sorted {
      try whileThere(process) {
        let wiped = try TracerThread.once(timebase: order.timebase) { try one.wipe($0) }
        guard try one.digest() == template.digest else {
          throw TraceError(.unexpected("its vDSO is not what it was"), process)
        }
        let pause = max(pauses[process]?.nanoseconds ?? 0, wiped.nanoseconds)
        lines.append(
          "\(process) has its vDSO back, byte for byte; it stood still for \(Duration.nanoseconds(pause).brief)")
      }
    }
    lines += readings
    // Children of theirs that nobody had looked for.
    let strays = try template.undo.restoreAll()
    if !strays.isEmpty { lines.append("so have \(strays.count) that were forked from them") }
    state.withLock { $0.skewed = [:] }
    return lines.isEmpty ? ["all processes have ended"] : lines
  }
}

extension SkewedClock {
  /// The one by which it is read back.
  var number: Int32 { Int32(truncatingIfNeeded: numbers[0]) }
}

/// The first bytes of a file.
private func readBeginning(_ path: String, _ count: Int) throws(SystemError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw SystemError("open", path) }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: count)
  let done = read(descriptor, &bytes, count)
  guard done >= 0 else { throw SystemError("read", path) }
  return Array(bytes.prefix(done))
}
