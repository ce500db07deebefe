internal import Glibc
internal import PassThrough
internal import Support
internal import Synchronization

/// Where every operation on a prepared directory passes. Until a fault is armed, and again when its lease has ended, it
/// costs one atomic read.
final class PassThroughGate: FileGate, @unchecked Sendable {  // proof: `content` is only touched with `lock` held
  private struct State {
    var armed: Armed?
    /// Goes up when a fault is armed or ended, so that those who wait for the old one see it.
    var epoch: UInt64 = 0
    var waiting = 0
  }

  private struct Armed {
    var fault: String
    var decisions: FileDecisions
    var until: Int64
  }

  private let timebase: Timebase
  private let isArmed = Atomic<Bool>(false)
  private var lock = pthread_mutex_t()
  private var changed = pthread_cond_t()
  private var content = State()

  init(timebase: Timebase) {
    self.timebase = timebase
    pthread_mutex_init(&lock, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(&changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(&changed)
    pthread_mutex_destroy(&lock)
  }

  // MARK: What the control connection asks for

  func arm(_ fault: String, _ rules: [FileRule], seed: UInt64, until: Int64) {
    withLock { state in
      state.armed = Armed(fault: fault, decisions: FileDecisions(rules, seed: seed), until: until)
      state.epoch += 1
      isArmed.store(true, ordering: .releasing)
    }
    pthread_cond_broadcast(&changed)
  }

  /// Moves the end of the lease.
  ///
  /// - Returns: whether the fault was still in force; one that lapsed stays so.
  func prolong(until: Int64) -> Bool {
    let now = timebase.monotonic()
    return withLock { state in
      guard let armed = state.armed, armed.until > now else { return false }
      state.armed?.until = until
      return true
    }
  }

  /// Ends the fault, and the waiting of all that wait for it.
  func disarm() -> PassThroughState {
    let now = timebase.monotonic()
    let last = withLock { state in
      defer {
        state.armed = nil
        state.epoch += 1
        isArmed.store(false, ordering: .releasing)
      }
      return snapshot(state, now)
    }
    pthread_cond_broadcast(&changed)
    return last
  }

  var snapshot: PassThroughState {
    let now = timebase.monotonic()
    return withLock { snapshot($0, now) }
  }

  var state: [UInt8] {
    // A value of ours, which can always be written.
    (try? encodeJSON(snapshot)) ?? []
  }

  private func snapshot(_ state: State, _ now: Int64) -> PassThroughState {
    guard let armed = state.armed else { return PassThroughState(waiting: state.waiting) }
    return PassThroughState(
      fault: armed.fault, isInForce: armed.until > now, tallies: armed.decisions.tallies, waiting: state.waiting)
  }

  /// Whether metadata may be kept by the kernel: not while a rule is about asking for them.
  var keepsMetadata: Bool {
    guard isArmed.load(ordering: .acquiring) else { return true }
    let now = timebase.monotonic()
    return withLock { state in
      guard let armed = state.armed, armed.until > now else { return true }
      return armed.decisions.operations.isDisjoint(with: [.lookup, .getattr])
    }
  }

  // MARK: What every operation asks

  /// Says what is to be done with an operation, after waiting for as long as it is to be late.
  ///
  /// - Parameter paths: asked for only when some rule is about the operation.
  func pass(_ operation: FileOperation, bytes: Int, paths: () -> [String]) -> FileOutcome {
    guard isArmed.load(ordering: .acquiring) else { return .perform }
    let arrived = timebase.monotonic()
    guard isConcerned(operation, arrived) else { return .perform }
    let request = FileRequest(operation: operation, paths: paths(), bytes: bytes)
    pthread_mutex_lock(&lock)
    defer { pthread_mutex_unlock(&lock) }
    guard let armed = content.armed, armed.until > arrived else { return .perform }
    guard let decision = content.armed?.decisions.decide(request) else { return .perform }
    guard decision.delay > 0 else { return decision.outcome }
    return wait(until: arrived + decision.delay) ? decision.outcome : .perform
  }

  private func isConcerned(_ operation: FileOperation, _ now: Int64) -> Bool {
    withLock { state in
      guard let armed = state.armed else { return false }
      guard armed.until > now else {
        isArmed.store(false, ordering: .releasing)
        return false
      }
      return armed.decisions.operations.contains(operation)
    }
  }

  /// Waits with the lock held.
  ///
  /// - Returns: whether the fault was in force until then; if not, the operation is done at once and as if there were none.
  private func wait(until due: Int64) -> Bool {
    let epoch = content.epoch
    content.waiting += 1
    defer { content.waiting -= 1 }
    while true {
      guard content.epoch == epoch, let end = content.armed?.until else { return false }
      let now = timebase.monotonic()
      if now >= due { return true }
      if now >= end { return false }
      let next = min(due, end)
      var moment = timespec(tv_sec: Int(next / 1_000_000_000), tv_nsec: Int(next % 1_000_000_000))
      pthread_cond_timedwait(&changed, &lock, &moment)
    }
  }

  private func withLock<T>(_ body: (inout State) -> T) -> T {
    pthread_mutex_lock(&lock)
    defer { pthread_mutex_unlock(&lock) }
    return body(&content)
  }
}
