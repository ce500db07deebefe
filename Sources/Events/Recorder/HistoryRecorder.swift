internal import Synchronization

/// Figures about a recorder, for live views and for the verdict.
public struct RecorderState: Sendable, Hashable, Codable {
  /// Operations taken in, whether on disk yet or not.
  public var recorded: UInt64 = 0
  /// Operations written to the file.
  public var written: UInt64 = 0
  /// Operations lost: the buffer was full, or the disk refused them. More than 0 makes every verdict inconclusive.
  public var dropped: UInt64 = 0
  /// Operations that are open now.
  public var open: Int = 0
  /// Completions of tickets that were not open (a bug of the caller's); they are not recorded.
  public var misused: UInt64 = 0
  /// Size of the file in bytes, without the index.
  public var fileBytes: UInt64 = 0

  /// The state of a recorder that has seen nothing.
  public init() {}
}

/// Records the operations of a run in one history file.
///
/// Callers never wait for the disk: an operation is a copy into a bounded buffer, and a thread of the recorder's own writes
/// the buffer at least every 200 ms, each block in one write. Where the buffer overflows, or the disk refuses, operations
/// are counted as ``RecorderState/dropped``, and that count is in the file.
///
/// After `kill -9` the file holds all but the last buffer. Call ``close()`` at the end; a recorder that is only let go
/// closes its file too, but nobody hears whether that worked.
public final class HistoryRecorder: Sendable {
  /// Names one open operation until it is completed.
  public struct Ticket: Sendable, Hashable {
    fileprivate var number: UInt64

    /// The ticket of an operation that was dropped when it began.
    fileprivate static let refused = Ticket(number: 0)
  }

  private let core: RecorderCore

  /// Creates the history at `path`, which must not exist, and starts its writer.
  ///
  /// - Parameters:
  ///   - path: the file, usually `history.bsh` in the run directory.
  ///   - runID: the run's name, kept in the head of the file.
  ///   - clock: the recorder's monotonic clock in nanoseconds; all times of the history are read from it.
  ///   - wall: the wall clock in nanoseconds since 1970; read once, for the head of the file.
  ///   - capacity: operations that may wait for the disk, and operations that may be open at a time.
  ///   - onBatch: called with every batch before it is written, on the writer's thread, in order; for live views. It must not
  ///     call the recorder's ``flush()`` or ``close()`` and wait for them.
  /// - Throws: ``HistoryError/system(call:path:errno:)``; there is no file then, unless there was one before.
  public init(
    path: String, runID: String, clock: @escaping @Sendable () -> Int64, wall: @escaping @Sendable () -> Int64,
    capacity: Int = 1 << 16, onBatch: (@Sendable ([Operation]) -> Void)? = nil
  ) throws(HistoryError) {
    precondition((1...HistoryFormat.maxOperations).contains(capacity), "a capacity of \(capacity) operations")
    let header = HistoryHeader(runID: runID, monotonicStart: clock(), wallStart: wall())
    core = try RecorderCore(path: path, header: header, clock: clock, capacity: capacity, onBatch: onBatch)
    try WriterThread.start(core)
  }

  deinit { core.requestEnd(nil) }

  /// Now, on the recorder's clock.
  public func now() -> Int64 { core.clock() }

  /// The number of the node called `name`.
  public func node(_ name: String) -> NodeIndex { core.state.withLock { $0.names.node(name) } }
  /// The number of the consumer group called `name`.
  public func group(_ name: String) -> GroupIndex { core.state.withLock { $0.names.group(name) } }
  /// The number of the outcome code called `name`.
  public func code(_ name: String) -> OutcomeCode { core.state.withLock { $0.names.code(name) } }
  /// The number of the partition called `name`.
  public func partition(_ name: String) -> PartitionIndex { core.state.withLock { $0.names.partition(name) } }
  /// The number of the group member called `name`.
  public func member(_ name: String) -> MemberIndex { core.state.withLock { $0.names.member(name) } }
  /// The number of the class of keys called `name`.
  public func keyClass(_ name: String) -> KeyClassIndex { core.state.withLock { $0.names.keyClass(name) } }
  /// The names given out so far.
  public var names: NameTable { core.state.withLock { $0.names } }
  /// The figures of this moment.
  public var state: RecorderState {
    core.state.withLock { state in
      var figures = state.figures
      figures.open = state.open.count
      return figures
    }
  }
  /// A number for the operations of one call, see ``Operation/call``; each is given once.
  public func newCall() -> UInt64 {
    core.state.withLock { state in
      defer { state.calls += 1 }
      return state.calls
    }
  }

  /// Notes that `operation` begins, and stamps it. Call this before the request can leave.
  ///
  /// - Returns: the ticket for ``complete(_:_:position:token:committed:wall:wallUncertainty:)``. Each operation is completed once or never;
  ///   one that is still open at ``close()`` is written as unknown.
  public func invoke(_ operation: Operation) -> Ticket {
    let now = core.clock()
    return core.state.withLock { state in
      // Open operations are bounded as well, and one that finds no room is lost here, where it can be counted.
      guard !state.ended, state.open.count < core.capacity else {
        state.figures.dropped += 1
        return .refused
      }
      return Ticket(number: state.open.begin(operation, at: now))
    }
  }

  /// Notes how the operation of `ticket` ended, and stamps that. Call this after the reply was read.
  ///
  /// - Parameters:
  ///   - ticket: the operation, still open.
  ///   - outcome: how it ended; ``Outcome`` says when that is a failure and when unknown.
  ///   - position: its offset in the store's log, where the store told it.
  ///   - token: the token that the store applied; `nil` leaves the one it was invoked with.
  ///   - committed: the group's committed position after it.
  ///   - wall: the store's own clock, nanoseconds since 1970.
  ///   - wallUncertainty: how far that may be off.
  public func complete(
    _ ticket: Ticket, _ outcome: Outcome, partition: PartitionIndex? = nil, position: Int64? = nil, token: Int64? = nil,
    committed: Int64? = nil, wall: Int64? = nil, wallUncertainty: Int64? = nil
  ) {
    let now = core.clock()
    let wake = core.state.withLock { state -> Bool in
      guard var done = end(ticket, &state) else { return false }
      done.completed = now
      done.outcome = outcome
      if let partition { done.partition = partition }
      if let position { done.position = position }
      if let token { done.token = token }
      if let committed { done.committed = committed }
      if let wall { done.wall = wall }
      if let wallUncertainty { done.wallUncertainty = wallUncertainty }
      return core.buffer(done, &state)
    }
    if wake { core.wake() }
  }

  /// Notes how the operation of `ticket` ended when it turned out to be several: the records of one poll, the sends of one
  /// request. They get the ticket's times, and one ``Operation/call`` where they have none.
  ///
  /// - Parameters:
  ///   - ticket: the operation, still open.
  ///   - outcome: how it ended.
  ///   - operations: what it was, in its order. When there is none, the operation stands as it was invoked.
  public func complete(_ ticket: Ticket, _ outcome: Outcome, as operations: [Operation]) {
    let now = core.clock()
    let wake = core.state.withLock { state -> Bool in
      guard let begun = end(ticket, &state) else { return false }
      var call = begun.call
      if call == nil, operations.count > 1 {
        call = state.calls
        state.calls += 1
      }
      var wake = false
      for var done in operations.isEmpty ? [begun] : operations {
        done.invoked = begun.invoked
        done.completed = now
        done.outcome = outcome
        done.call = done.call ?? call
        if core.buffer(done, &state) { wake = true }
      }
      return wake
    }
    if wake { core.wake() }
  }

  /// The open operation of `ticket`, which is open no longer.
  private func end(_ ticket: Ticket, _ state: inout RecorderCore.State) -> Operation? {
    guard let begun = state.open.end(ticket.number) else {
      if ticket != .refused && !state.ended { state.figures.misused += 1 }
      return nil
    }
    return begun
  }

  /// Records an operation that is known only once it is over, such as what a tail saw. One without a completion is
  /// stamped with now; one without an invocation began when it ended.
  public func record(_ operation: Operation) {
    var whole = operation
    if whole.completed == nil { whole.completed = core.clock() }
    if whole.invoked == 0, let completed = whole.completed { whole.invoked = completed }
    let wake = core.state.withLock { core.buffer(whole, &$0) }
    if wake { core.wake() }
  }

  /// Waits until everything recorded before this call is on the disk (`fdatasync`).
  ///
  /// - Throws: the ``HistoryError`` of the last write that failed since the last flush; what such a write held is counted
  ///   as dropped. Recording goes on: a disk that has room again takes the next block.
  public func flush() async throws(HistoryError) {
    try await core.finished { core.requestFlush($0) }
  }

  /// Writes the open operations as unknown, then the index, and closes the file. Everything after this is dropped.
  ///
  /// - Throws: ``HistoryError/closed`` when it was closed before; otherwise as ``flush()``. The file is readable then, up to
  ///   its last whole block.
  public func close() async throws(HistoryError) {
    try await core.finished { core.requestEnd($0) }
  }
}
