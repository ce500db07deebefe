internal import Dispatch
internal import Glibc
public import Netlink
public import Support
internal import Synchronization

/// Keeps undo data in two places that outlive this process: the undo journal, on disk, and a guardian process, which acts
/// on them by itself. One for each process that holds faults; it may serve any number of nodes.
///
/// Nothing is made or started before the first promise. A guardian that dies while it is needed is replaced at once and
/// given all records again; while none can be had, nothing new is promised.
public final class GuardedUndo: UndoKeeper {
  private let thread: HolderThread<GuardedUndoCore>

  /// Prepares to keep undo data.
  ///
  /// - Parameters:
  ///   - stateDirectory: where the undo journal is made, and where `recover` looks for it.
  ///   - run: the run, whose name the journal carries: letters, digits, `-`, `_` and `.`.
  ///   - program: absolute path of an executable that has the command `guardian`.
  ///   - report: called with every event, on a thread where it must not block.
  public init(
    stateDirectory: String, run: String, program: String, timebase: Timebase = .system,
    report: @escaping @Sendable (UndoEvent) -> Void
  ) throws {
    let directory = UndoDirectory(stateDirectory: stateDirectory, run: run, process: try .current())
    thread = try HolderThread(
      "undo", timebase: timebase,
      make: { GuardedUndoCore(directory: directory, program: program, timebase: timebase, report: report) },
      tick: { $0.tick() }, end: { _ = $0.close() })
  }

  /// Makes the journal and starts the guardian, so that the first promise need not wait for them: some 50 ms.
  ///
  /// - Throws: ``UndoError``.
  public func prepare() throws(UndoError) {
    try blocking { (core) throws(UndoError) in try core.prepare() }
  }

  /// Makes sure that `record` will be undone whatever happens to this process.
  public func promise(
    _ record: UndoRecord, in namespace: NetworkNamespace?, until: Int64
  ) throws(UndoError) -> UndoTicket {
    try blocking { (core) throws(UndoError) in try core.promise(record, in: namespace, until: until) }
  }

  /// Notes that all of it is there.
  public func made(_ ticket: UndoTicket) { thread.post { $0.made(ticket.number) } }

  /// Notes that the kernel keeps the fault until then.
  public func prolong(_ ticket: UndoTicket, until: Int64) { thread.post { $0.prolong(ticket.number, until: until) } }

  /// Notes that all of it is verified gone.
  public func settled(_ ticket: UndoTicket) { thread.post { $0.settled(ticket.number) } }

  /// The guardian, while there is one.
  public var guardian: ProcessIdentity? {
    try? blocking { (core) throws(UndoError) in core.guardianIdentity }  // the job itself throws nothing
  }

  /// Ends the guardian and removes the journal, if everything is settled. What is not, the guardian takes back now.
  ///
  /// - Returns: what is left on the node or in the journal, in words; empty when nothing is. `recover` goes on from there.
  public func close() -> [String] {
    // The job throws nothing.
    (try? blocking { (core) throws(UndoError) in core.close() }) ?? []
  }

  private func blocking<T: Sendable>(
    _ job: @escaping @Sendable (GuardedUndoCore) throws(UndoError) -> T
  ) throws(UndoError) -> T {
    let box = Box<T>()
    thread.post { core in
      do throws(UndoError) { box.put(.success(try job(core))) } catch { box.put(.failure(error)) }
    }
    return try box.take().get()
  }

  /// A result on its way between two threads of which one waits.
  private final class Box<T: Sendable>: Sendable {
    private let bell = DispatchSemaphore(value: 0)
    private let content = Mutex<Swift.Result<T, UndoError>?>(nil)

    func put(_ result: Swift.Result<T, UndoError>) {
      content.withLock { $0 = result }
      bell.signal()
    }

    func take() -> Swift.Result<T, UndoError> {
      bell.wait()
      return content.withLock { $0 } ?? .failure(.closed)
    }
  }
}

/// What lives on the keeper's thread.
final class GuardedUndoCore: Sendable {
  private let directory: UndoDirectory
  private let program: String
  private let timebase: Timebase
  private let report: @Sendable (UndoEvent) -> Void
  private let state: Mutex<State>

  private struct Hold: Sendable {
    var record: UndoRecord
    var namespace: NetworkNamespace?
    var until: Int64
  }

  private struct State: ~Copyable, Sendable {
    var journal: JournalFile?
    var guardian: GuardianProcess?
    var guardians = 0
    var holds: [UInt64: Hold] = [:]
    var lastNumber: UInt64 = 0
    var isClosed = false
    var isLost = false
    var isJournalBroken = false
    /// A guardian that could not be had is tried for again then.
    var nextTry: Int64 = 0
  }

  /// How often is looked whether the guardian still lives.
  private static let watch: Int64 = 100_000_000
  private static let retry: Int64 = 1_000_000_000

  init(
    directory: UndoDirectory, program: String, timebase: Timebase, report: @escaping @Sendable (UndoEvent) -> Void
  ) {
    self.directory = directory
    self.program = program
    self.timebase = timebase
    self.report = report
    state = Mutex(State())
  }

  var guardianIdentity: ProcessIdentity? { state.withLock { $0.guardian?.child.identity } }

  func prepare() throws(UndoError) {
    try state.withLock { (state) throws(UndoError) in try ready(&state) }
  }

  func promise(
    _ record: UndoRecord, in namespace: NetworkNamespace?, until: Int64
  ) throws(UndoError) -> UndoTicket {
    try state.withLock { (state) throws(UndoError) in
      try ready(&state)
      state.lastNumber += 1
      let number = state.lastNumber
      try write(.planned(number: number, record), &state)
      do throws(UndoError) {
        try hand(number, Hold(record: record, namespace: namespace, until: until), &state)
      } catch {
        // Nothing was made of it, so nothing is to be undone.
        try write(.undone(number: number, lines: []), &state)
        throw error
      }
      state.holds[number] = Hold(record: record, namespace: namespace, until: until)
      return UndoTicket(number: number)
    }
  }

  func made(_ number: UInt64) {
    state.withLock { state in note(.made(number: number), &state) }
  }

  func prolong(_ number: UInt64, until: Int64) {
    state.withLock { state in
      guard state.holds[number] != nil else { return }
      state.holds[number]?.until = until
      // A guardian that takes nothing is found dead, or hung, by the next look.
      try? state.guardian?.send(.prolong(number: number, until: until))
    }
  }

  func settled(_ number: UInt64) {
    state.withLock { state in
      guard state.holds.removeValue(forKey: number) != nil else { return }
      note(.undone(number: number, lines: []), &state)
      // One that does not hear it looks for what is gone already, when we are.
      try? state.guardian?.send(.settled(number: number))
    }
  }

  /// Looks after the guardian. Returns when it wants to be called next.
  func tick() -> Int64? {
    let now = timebase.monotonic()
    let events = state.withLock { state -> [UndoEvent] in
      guard !state.isClosed else { return [] }
      var events = news(&state)
      if state.guardian == nil, !state.holds.isEmpty, now >= state.nextTry { events += replace(&state) }
      return events
    }
    for event in events { report(event) }
    return state.withLock { $0.guardian == nil && $0.holds.isEmpty ? nil : now + Self.watch }
  }

  func close() -> [String] {
    state.withLock { state -> [String] in
      if state.isClosed { return [] }
      state.isClosed = true
      _ = news(&state)
      if let guardian = state.guardian {
        // It takes back what is left, and ends.
        guardian.channel.hangUp()
        state.guardian = nil
        if !guardian.child.identity.waitUntilGone(limit: .seconds(5)) {
          return ["guardian (\(guardian.child.identity)) does not end; journal \(directory.path)"]
        }
      }
      guard state.journal != nil else { return [] }
      state.journal = nil
      do {
        let found = try UndoState(directory)
        if found.items.isEmpty, found.defects.isEmpty {
          try removeTree(directory.path)
          return []
        }
        return found.defects
          + found.items.flatMap { item in item.record.actions.map { "\($0) on node \"\(item.record.node)\"" } }
      } catch {
        return ["journal \(directory.path): \(error)"]
      }
    }
  }

  // MARK: Guardian

  private func ready(_ state: inout State) throws(UndoError) {
    if state.isClosed { throw .closed }
    if state.journal == nil {
      do {
        try makeDirectory(directory.path, mode: 0o700)
        var journal = try JournalFile(creating: directory.journal, timebase: timebase)
        try journal.append(
          .begin(.init(run: directory.run, process: directory.process, boot: try bootID())))
        state.journal = consume journal
      } catch {
        throw .journal("\(error)")
      }
    }
    if let guardian = state.guardian, guardian.child.end != nil { state.guardian = nil }
    if state.guardian == nil { try start(&state) }
  }

  /// Starts a guardian and gives it all that is held.
  private func start(_ state: inout State) throws(UndoError) {
    state.guardians += 1
    let guardian = try GuardianProcess(program: program, journal: directory.guardianJournal(state.guardians))
    state.guardian = guardian
    try write(.guardian(guardian.child.identity), &state)
    for (number, hold) in state.holds.sorted(by: { $0.key < $1.key }) { try hand(number, hold, &state) }
  }

  private func hand(_ number: UInt64, _ hold: Hold, _ state: inout State) throws(UndoError) {
    guard let guardian = state.guardian else { throw .noGuardian("it is gone") }
    var replies: [GuardianReply] = []
    do {
      try guardian.keep(
        number: number, hold.record, until: hold.until, pid: getpid(), descriptor: hold.namespace?.fileDescriptor
      ) { replies.append($0) }
    } catch {
      if case .refused = error { throw error }
      drop(guardian, &state)
      throw error
    }
    for event in replies.compactMap({ event(of: $0, &state) }) { report(event) }
  }

  /// One that does not answer is ended, so that it cannot act on what its successor has.
  private func drop(_ guardian: GuardianProcess, _ state: inout State) {
    try? guardian.child.send(Signal.kill)
    state.guardian = nil
  }

  /// What the guardian has said, and whether it is there.
  private func news(_ state: inout State) -> [UndoEvent] {
    guard let guardian = state.guardian else { return [] }
    var events: [UndoEvent] = []
    while true {
      switch guardian.channel.receive(GuardianReply.self, milliseconds: 0) {
      case .message(let reply): if let event = event(of: reply, &state) { events.append(event) }
      case .unreadable, .closed:
        drop(guardian, &state)
        return events
      case .nothing: return events
      }
    }
  }

  private func event(of reply: GuardianReply, _ state: inout State) -> UndoEvent? {
    guard case .undone(let number, let lines) = reply, let hold = state.holds.removeValue(forKey: number) else {
      return nil
    }
    return .undoneByGuardian(fault: hold.record.fault, node: hold.record.node, lines: lines)
  }

  private func replace(_ state: inout State) -> [UndoEvent] {
    do {
      try start(&state)
      state.isLost = false
      return [.guardianReplaced("guardian number \(state.guardians) has \(state.holds.count) records")]
    } catch {
      state.nextTry = timebase.monotonic() + Self.retry
      defer { state.isLost = true }
      return state.isLost ? [] : [.guardianLost("\(error)")]
    }
  }

  // MARK: Journal

  private func write(_ entry: UndoEntry, _ state: inout State) throws(UndoError) {
    do { try state.journal?.append(entry) } catch { throw .journal("\(error)") }
  }

  /// Writes what need not be known: without it `recover` looks once more for what is gone.
  private func note(_ entry: UndoEntry, _ state: inout State) {
    do { try write(entry, &state) } catch {
      if !state.isJournalBroken { report(.journalBroken("\(error)")) }
      state.isJournalBroken = true
    }
  }
}
