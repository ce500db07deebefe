internal import Dispatch
internal import Glibc
internal import Support
internal import Synchronization

/// Makes the use of files' content late, for whoever opens them from now on. However our process ends, the kernel lets them go on.
final class ContentMechanism: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let wanted: ContentLatency
  private let own: ProcessIdentity
  private let directories: Int
  private let state = Mutex(State())

  private struct State {
    var loop: ContentLoop?
    var thread: HolderThread<ContentLoop>?
    var tally = InnerCounters(meant: 1)
  }

  init(_ order: InnerOrder, _ choice: MechanismChoice, _ wanted: ContentLatency) throws {
    self.order = order
    self.choice = choice
    guard let path = truePath(wanted.directory) else {
      throw SystemError("realpath", wanted.directory, number: ENOENT)
    }
    var plain = wanted
    plain.directory = path
    self.wanted = plain
    own = try .current()
    directories = try ContentLoop.directories(below: path).count
  }

  var changes: [String] {
    ["fanotify marks on \(directories) directories, of \(wanted.directory) and in it: \(wanted.rule)"]
  }

  var undo: [UndoAction] { [.disk(.release(ContentHold(holder: own, directory: wanted.directory)))] }

  /// The kernel ends it with us; one of us that hangs could only be ended.
  var isPromisedForLease: Bool { true }

  var counters: InnerCounters { state.withLock(\.tally) }

  func make() throws -> [String] {
    let until = order.timebase.monotonic() + order.fault.timing.silenceMilliseconds * 1_000_000
    let loop = try ContentLoop(wanted, seed: order.fault.seed, until: until, timebase: order.timebase)
    do {
      let thread = try HolderThread(
        "content", timebase: order.timebase, make: { loop }, tick: { $0.step() ? 0 : nil }, end: { $0.close() })
      state.withLock { ($0.loop, $0.thread) = (loop, thread) }
    } catch {
      loop.close()
      throw error
    }
    let marks = loop.standing.marks
    guard marks == directories else {
      throw SystemError("fanotify_mark", "\(marks) of \(directories) directories are marked", number: EINVAL)
    }
    state.withLock { $0.tally.reached = 1 }
    return ["the kernel shows \(marks) marks of this process, on \(wanted.directory) and in it"]
  }

  func prolong(until: Int64) throws { state.withLock { $0.loop }?.prolong(until: until) }

  func look() throws -> String? {
    guard let loop = state.withLock({ $0.loop }) else { return "it was never made" }
    let standing = loop.standing
    count(standing.tally)
    if standing.marks == 0 { return "no heartbeat came in time, so that files are used at once again" }
    return nil
  }

  private func count(_ tally: FileTally) {
    state.withLock { state in
      state.tally.hits = tally.hit
      state.tally.particulars["uses matched"] = tally.matched
      state.tally.particulars["uses delayed"] = tally.hit
    }
  }

  func takeAway() throws -> [String] {
    let (loop, thread) = state.withLock { state in
      defer { state.thread = nil }
      return (state.loop, state.thread)
    }
    guard let loop else { return ["nothing was marked"] }
    loop.close()
    withExtendedLifetime(thread) {}
    let standing = loop.standing
    count(standing.tally)
    guard standing.marks == 0, standing.waiting == 0 else {
      throw SystemError("fanotify", "\(wanted.directory): \(standing.waiting) still wait", number: EBUSY)
    }
    return ["the kernel shows no mark of this process, and nobody waits"]
  }
}
