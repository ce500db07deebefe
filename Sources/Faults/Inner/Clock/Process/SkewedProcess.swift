internal import Glibc
internal import Support

/// One process whose vDSO leads to our stub, or is about to.
///
/// Its words are written without stopping it. Its code is changed only while every thread stands still, none of them inside
/// the bytes that change, and no page of it ever becomes writable.
final class SkewedProcess: @unchecked Sendable {  // proof: the fault's thread alone has it, and the one it waits for
  let process: ProcessIdentity
  let patch: VDSOPatch
  let tag: UInt64
  private let start: UInt64
  private let size: Int
  private let memory: ProcessMemory
  private let timebase: Timebase
  private var index: UInt64 = 0

  /// What was there before.
  enum State: Sendable, Hashable {
    /// The vDSO of the kernel, untouched.
    case clean
    /// Ours: a child that was forked from a process that is redirected already.
    case redirected
  }

  /// What standing still cost.
  struct Pause: Sendable, Hashable {
    var nanoseconds: Int64
    var threads: Int
    /// How often all of it was let go again because a thread stood inside the bytes that were to change.
    var retries: Int
  }

  /// Looks at a process. Changes nothing.
  ///
  /// - Throws: ``TraceError`` or ``VDSOError`` saying why it cannot be skewed.
  init(_ process: ProcessIdentity, template: ClockTemplate, timebase: Timebase) throws {
    var facts = try TraceableProcess(process)
    // A trace of ours that was given up on a busy machine may still be on its way out (``Tracer/seize``).
    for _ in 0..<50 where facts.tracer == getpid() {
      usleep(10_000)
      facts = try TraceableProcess(process)
    }
    try facts.checkTraceable()
    try facts.checkUnfiltered()
    try Self.checkTimeNamespace(process)
    self.process = process
    tag = template.tag
    patch = template.patch
    self.timebase = timebase
    memory = try ProcessMemory(of: process)
    let mapping = try VDSOMapping(of: process)
    start = mapping.start
    size = mapping.size
    guard size == template.bytes.count else { throw VDSOError("it is not the one of this machine's 64-bit programs") }
  }

  /// Finds one that was redirected earlier, by whomever; `nil` if the process has no such stub.
  init?(_ process: ProcessIdentity, redirectedBy undo: ClockUndo, timebase: Timebase = .system) throws {
    guard let start = VDSOMapping.start(of: process.pid), let memory = try? ProcessMemory(of: process),
      let head = try? memory.read(start + UInt64(undo.stub.offset), count: 16),
      head.word(at: StubLayout.tag) == undo.tag, head.word(at: StubLayout.magic) == StubLayout.magicWord
    else { return nil }
    self.process = process
    tag = undo.tag
    self.timebase = timebase
    self.memory = memory
    self.start = start
    size = undo.size
    patch = VDSOPatch(undo)
  }

  // MARK: state

  /// - Throws: ``VDSOError`` when it is changed, but not by this fault.
  func state(_ template: ClockTemplate) throws -> State {
    let bytes = try memory.read(start, count: size)
    if bytes == template.bytes { return .clean }
    let words = try memory.read(start + UInt64(patch.words), count: 16)
    guard words.word(at: StubLayout.magic) == StubLayout.magicWord else {
      throw VDSOError("it is not the kernel's: another tool has changed it")
    }
    guard words.word(at: StubLayout.tag) == tag else { throw VDSOError("another fault of this tool skews it already") }
    // Everything but the words, which live.
    guard sha256(stripped(patch.applied(to: template.bytes))) == sha256(stripped(bytes)) else {
      throw VDSOError("somebody has changed what this tool had changed")
    }
    return .redirected
  }

  private func stripped(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for place in patch.words..<min(bytes.count, patch.words + StubLayout.code) { bytes[place] = 0 }
    return bytes
  }

  /// SHA-256 of all of it as it is now.
  func digest() throws(TraceError) -> String { sha256(try memory.read(start, count: size)) }

  /// Whether its functions still lead to the stub.
  ///
  /// - Throws: ``TraceError`` (gone) when it has ended, or runs another program.
  func isRedirected() throws(TraceError) -> Bool {
    for jump in patch.jumps {
      guard try memory.read(start + UInt64(jump.offset), count: jump.changed.count) == jump.changed else {
        return false
      }
    }
    return true
  }

  // MARK: words

  /// Takes over the words of a process that was forked from a redirected one.
  func adopt() throws(TraceError) {
    index = try memory.read(word(StubLayout.index), count: 8).word(at: 0) % UInt64(StubLayout.slotCount)
  }

  /// From now on the clocks are wrong by `skew`, beginning at `base` (monotonic ns). Nothing is stopped. A reader sees the
  /// old error or the new one, never a mixture.
  func set(_ skew: ClockSkew, base: Int64) throws(TraceError) {
    let next = (index + 1) % UInt64(StubLayout.slotCount)
    var slot = [UInt8](repeating: 0, count: StubLayout.slotBytes)
    slot.put(UInt64(bitPattern: base), at: 0)
    slot.put(UInt64(bitPattern: skew.offsetNanoseconds), at: 8)
    slot.put(UInt64(bitPattern: skew.rate), at: 16)
    try memory.write(word(StubLayout.slots) + next * UInt64(StubLayout.slotBytes), slot)
    try memory.write(word(StubLayout.mask), word: skew.mask)
    try memory.write(word(StubLayout.index), word: next)
    index = next
  }

  /// The skew ends by itself at `moment` (monotonic ns).
  func prolong(until moment: Int64) throws(TraceError) {
    try memory.write(word(StubLayout.expiry), word: UInt64(bitPattern: moment))
  }

  /// When it ends by itself; `nil` if the process no longer runs the program that was redirected.
  func expiry() throws(TraceError) -> Int64 {
    Int64(bitPattern: try memory.read(word(StubLayout.expiry), count: 8).word(at: 0))
  }

  private func word(_ offset: Int) -> UInt64 { start + UInt64(patch.words + offset) }

  // MARK: code

  /// Writes the stub, which nobody executes yet; with an expiry that is past and so without an effect.
  func writeStub() throws(TraceError) {
    try memory.write(start + UInt64(patch.stub.offset), patch.stub.changed)
  }

  /// Leads the functions to the stub.
  func redirect(_ tracer: Tracer) throws -> Pause {
    try whileStanding(tracer, { $0.changed }, mustBe: { $0.original })
  }

  /// Leads the functions back to themselves, and wipes the stub.
  func restore(_ tracer: Tracer) throws -> Pause {
    let back = try leadBack(tracer)
    let wiped = try wipe(tracer)
    return Pause(
      nanoseconds: max(back.nanoseconds, wiped.nanoseconds), threads: back.threads,
      retries: back.retries + wiped.retries)
  }

  /// Leads the functions back to themselves; the stub stays where it is, and nobody executes it any more but for who is inside.
  func leadBack(_ tracer: Tracer) throws -> Pause {
    try whileStanding(tracer, { $0.original }, mustBe: { $0.changed })
  }

  /// Wipes the stub when no thread can return into it any more.
  func wipe(_ tracer: Tracer) throws -> Pause {
    var pause = Pause(nanoseconds: 0, threads: 0, retries: 0)
    let stub = start + UInt64(patch.stub.offset)
    let range = stub..<(stub + UInt64(patch.stub.changed.count))
    for _ in 0..<200 {
      let wiped = try standing(tracer) { traced -> Bool in
        if try isReferred([range], traced) { return false }
        try memory.write(stub, patch.stub.original)
        return true
      }
      pause.nanoseconds = max(pause.nanoseconds, wiped.pause.nanoseconds)
      pause.threads = wiped.pause.threads
      if wiped.value { return pause }
      pause.retries += 1
      usleep(2_000)
    }
    throw TraceError(
      .unexpected("a thread of it stays inside the stub, which is left where it is; no function leads to it any more"),
      process)
  }

  private func whileStanding(
    _ tracer: Tracer, _ wanted: (VDSOPatch.Change) -> [UInt8], mustBe: (VDSOPatch.Change) -> [UInt8]
  ) throws -> Pause {
    // At its very first byte a thread has executed nothing of it.
    let ranges = patch.jumps.map { jump in
      (start + UInt64(jump.offset) + 1)..<(start + UInt64(jump.offset + jump.changed.count))
    }
    var retries = 0
    while true {
      let done = try standing(tracer) { traced -> Bool in
        if try isReferred(ranges, traced) { return false }
        for jump in patch.jumps {
          let place = start + UInt64(jump.offset)
          let found = try memory.read(place, count: jump.changed.count)
          if found == wanted(jump) { continue }
          guard found == mustBe(jump) else { throw VDSOError("somebody else has changed it meanwhile") }
          try memory.write(place, wanted(jump))
        }
        return true
      }
      if done.value { return Pause(nanoseconds: done.pause.nanoseconds, threads: done.pause.threads, retries: retries) }
      retries += 1
      guard retries < 200 else {
        throw TraceError(.unexpected("a thread of it never leaves the first bytes of its vDSO's functions"), process)
      }
      usleep(500)
    }
  }

  /// A thread that gets no processor for a while does not come to a stop in time: then all go on, and it is tried again a little
  /// later, rather than that the others stand still for longer.
  private func patiently<T>(_ body: () throws -> T) throws -> T {
    for _ in 0..<8 {
      do { return try body() } catch let error as TraceError {
        guard case .didNotStop = error.reason else { throw error }
        usleep(30_000)
      }
    }
    return try body()
  }

  private func standing<T>(_ tracer: Tracer, _ body: (TracedProcess) throws -> T) throws -> (value: T, pause: Pause) {
    try patiently { try standingOnce(tracer, body) }
  }

  private func standingOnce<T>(
    _ tracer: Tracer, _ body: (TracedProcess) throws -> T
  ) throws -> (value: T, pause: Pause) {
    let traced = try tracer.seize(process)
    let begun = timebase.monotonic()
    try traced.stop()
    let threads = traced.threads.count
    let outcome = Result { try body(traced) }
    traced.letGo()
    let pause = Pause(nanoseconds: timebase.monotonic() - begun, threads: threads, retries: 0)
    traced.detach()
    return (try outcome.get(), pause)
  }

  /// Whether a thread executes in one of `ranges`, or would return there. Each thread is looked at once, for all of them.
  private func isReferred(_ ranges: [Range<UInt64>], _ traced: TracedProcess) throws -> Bool {
    let image = start..<(start + UInt64(size))
    func read(_ address: UInt64) -> UInt64? { (try? memory.read(address, count: 8))?.word(at: 0) }
    for thread in traced.threads {
      let registers = try traced.registers(of: thread)
      let stack = StackWords(above: registers.stack, memory)
      for place in [StandingPlace(registers)] + stack.interruptedPlaces {
        for range in ranges where place.isReferring(to: range, image: image, patch, stack, read) { return true }
      }
    }
    return false
  }

  // MARK: reading back

  /// What the process would have been told, had it asked at that moment.
  struct Reading: Sendable, Hashable, Codable {
    /// The kernel's number of the clock.
    var clock: Int32
    /// How far the process's clock is ahead of ours, in nanoseconds.
    var offsetNanoseconds: Int64
    /// By how much that may be wrong: half of the time between the two readings of our clock around it.
    var uncertaintyNanoseconds: Int64
    /// When: monotonic ns.
    var atNanoseconds: Int64
  }

  /// The best of a few readings: the one that took the shortest time, for on a busy machine one can take long.
  func readWell(_ clock: Int32, _ tracer: Tracer) throws -> Reading {
    var best = try patiently { try read(clock, tracer) }
    for _ in 0..<4 where best.uncertaintyNanoseconds > 50_000 {
      let next = try patiently { try read(clock, tracer) }
      if next.uncertaintyNanoseconds < best.uncertaintyNanoseconds { best = next }
    }
    return best
  }

  /// Whether its stub is there, by which a thread comes back from a reading.
  func hasStub() throws(TraceError) -> Bool {
    try memory.read(word(StubLayout.tag), count: 16).word(at: StubLayout.magic) == StubLayout.magicWord
  }

  /// Asks the process's own `clock_gettime` from inside, in a thread of it that stands still for that moment. Only while its stub
  /// is there.
  func read(_ clock: Int32, _ tracer: Tracer) throws -> Reading {
    guard try hasStub() else {
      throw TraceError(.unexpected("its stub is gone, by which a reading comes back"), process)
    }
    let traced = try tracer.seize(process)
    defer { traced.detach() }
    let call = RemoteCall(
      process: traced, thread: try stopOne(traced), gate: start + UInt64(patch.gate),
      comeBack: start + UInt64(patch.comeBack))
    var marks: [(clock: Int64, monotonic: Int64)] = []
    let (result, time) = try call.function(
      at: start + UInt64(patch.clockGettime), memory: memory, scratch: [UInt8](repeating: 0, count: 16),
      measured: { marks.append((readClock(clock), timebase.monotonic())) },
      arguments: { [UInt64(UInt32(bitPattern: clock)), $0] })
    guard Int32(truncatingIfNeeded: result) == 0 else {
      throw TraceError(.unexpected("its clock_gettime(\(clock)) returned \(result)"), process)
    }
    let theirs = Int64(bitPattern: time.word(at: 0)) * 1_000_000_000 + Int64(bitPattern: time.word(at: 8))
    let half = (marks[1].clock - marks[0].clock) / 2
    return Reading(
      clock: clock, offsetNanoseconds: theirs - (marks[0].clock + half), uncertaintyNanoseconds: half + 1,
      atNanoseconds: (marks[0].monotonic + marks[1].monotonic) / 2)
  }

  /// Begins a reading and lets go, as somebody does who is killed in its midst; for tests.
  func leaveInReading(_ clock: Int32, _ tracer: Tracer) throws {
    let traced = try tracer.seize(process)
    defer { traced.detach() }
    let call = RemoteCall(
      process: traced, thread: try stopOne(traced), gate: start + UInt64(patch.gate),
      comeBack: start + UInt64(patch.comeBack))
    _ = try call.begin(
      at: start + UInt64(patch.clockGettime), memory: memory, scratch: [UInt8](repeating: 0, count: 16),
      arguments: { [UInt64(UInt32(bitPattern: clock)), $0] })
  }

  /// The first thread that can run: the others go on meanwhile.
  private func stopOne(_ traced: TracedProcess) throws -> Int32 {
    for thread in traced.threads {
      do throws(TraceError) { try traced.stop(thread) } catch {
        if case .gone = error.reason { continue }  // that thread alone
        throw error
      }
      if traced.state(of: thread) == .interrupted { return thread }
    }
    return try RemoteCall.thread(of: traced)
  }

  /// A stub's clock is monotonic, which is another one in another time namespace.
  private static func checkTimeNamespace(_ process: ProcessIdentity) throws {
    func identity(_ path: String) -> ino_t? {
      var information = stat()
      return stat(path, &information) == 0 ? information.st_ino : nil
    }
    guard let theirs = identity("/proc/\(process.pid)/ns/time"), let ours = identity("/proc/self/ns/time") else {
      return
    }
    if theirs != ours {
      throw TraceError(.unexpected("it lives in a time namespace of its own, where monotonic time is another"), process)
    }
  }
}

/// A clock of this process, by the kernel's number, in nanoseconds.
func readClock(_ number: Int32) -> Int64 {
  var value = timespec()
  clock_gettime(clockid_t(number), &value)
  return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
}
