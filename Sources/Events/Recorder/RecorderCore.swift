internal import Synchronization

/// What a recorder's callers and its writer thread share, and the writer's loop.
final class RecorderCore: Sendable {
  typealias Waiter = CheckedContinuation<HistoryError?, Never>

  struct State {
    var names = NameTable()
    var buffer: [Operation] = []
    /// A buffer that was written out, kept so that its memory is not asked for again.
    var spare: [Operation] = []
    var open = OpenOperations()
    var calls: UInt64 = 0
    var figures = RecorderState()
    var flushWaiters: [Waiter] = []
    var endWaiters: [Waiter] = []
    /// Nothing is taken in any more.
    var ended = false
  }

  let state = Mutex(State())
  let clock: @Sendable () -> Int64
  let capacity: Int
  private let onBatch: (@Sendable ([Operation]) -> Void)?
  private let bell = Bell()
  /// The file, until the writer thread takes it: from then on it is that thread's alone, and is closed by it.
  private let fileSlot: Mutex<File?>
  private let headerSize: Int

  /// The writer looks at least this often, so that a kill loses no more than this.
  private static let periodMilliseconds = 200

  init(
    path: String, header: HistoryHeader, clock: @escaping @Sendable () -> Int64, capacity: Int,
    onBatch: (@Sendable ([Operation]) -> Void)?
  ) throws(HistoryError) {
    self.clock = clock
    self.capacity = capacity
    self.onBatch = onBatch
    let headerBytes = header.encoded()
    headerSize = headerBytes.count
    let file = try File.create(path)
    do {
      try file.append(headerBytes)
    } catch {
      file.remove()
      throw error
    }
    fileSlot = Mutex(file)
    state.withLock {
      $0.buffer.reserveCapacity(min(capacity, HistoryWriter.blockSize))
      $0.spare.reserveCapacity(min(capacity, HistoryWriter.blockSize))
      $0.figures.fileBytes = UInt64(headerBytes.count)
    }
  }

  /// Puts `operation` into the buffer. True when the writer should not wait for its period.
  func buffer(_ operation: Operation, _ state: inout State) -> Bool {
    guard !state.ended, state.buffer.count < capacity else {
      state.figures.dropped += 1
      return false
    }
    state.buffer.append(operation)
    state.figures.recorded += 1
    return state.buffer.count == max(1, capacity / 4)
  }

  func wake() { bell.ring() }

  /// Runs `request` with a waiter and throws what the writer then answers.
  func finished(_ request: (Waiter) -> Void) async throws(HistoryError) {
    if let failure = await withCheckedContinuation(request) { throw failure }
  }

  func requestFlush(_ waiter: Waiter) {
    let ended = state.withLock { state in
      if !state.ended { state.flushWaiters.append(waiter) }
      return state.ended
    }
    if ended { waiter.resume(returning: .closed) } else { wake() }
  }

  /// Asks the writer to end the file. `nil`: nobody waits for it.
  func requestEnd(_ waiter: Waiter?) {
    let already = state.withLock { state in
      let already = state.ended
      if !already, let waiter { state.endWaiters.append(waiter) }
      state.ended = true
      return already
    }
    if already { waiter?.resume(returning: .closed) } else { wake() }
  }

  /// The writer thread's whole life.
  func writeUntilEnded() {
    guard let file = fileSlot.withLock({ $0.take() }) else { preconditionFailure("a history with two writers") }
    let failure = write(to: file)
    // The file is closed by now: who waited for the end may unmount or move what it stood in.
    let waiters = state.withLock { state in
      defer { state.endWaiters = [] }
      return state.endWaiters
    }
    for waiter in waiters { waiter.resume(returning: failure) }
  }

  private func write(to file: consuming File) -> HistoryError? {
    var writer = HistoryWriter(headerSize: headerSize)
    var failure: HistoryError?
    while true {
      bell.wait(milliseconds: Self.periodMilliseconds)
      if writeOnce(file, &writer, &failure) { break }
    }
    return end(file, writer) ?? failure
  }

  /// Writes what is buffered and answers those who wait for it. True when this was the last time.
  private func writeOnce(
    _ file: borrowing File, _ writer: inout HistoryWriter, _ failure: inout HistoryError?
  ) -> Bool {
    let (batch, names, dropped, waiters, ended) = takeBuffer()
    if !batch.isEmpty { onBatch?(batch) }
    for start in stride(from: 0, to: batch.count, by: HistoryWriter.blockSize) {
      let part = batch[start..<min(batch.count, start + HistoryWriter.blockSize)]
      if let problem = write(part, names, dropped, to: file, &writer) { failure = problem }
    }
    giveBack(batch)
    if !waiters.isEmpty {
      do { try file.sync() } catch { failure = error }
      for waiter in waiters { waiter.resume(returning: failure) }
      // Told once; what it cost stays counted.
      failure = nil
    }
    return ended
  }

  private func takeBuffer() -> (
    batch: [Operation], names: NameTable, dropped: UInt64, waiters: [Waiter], ended: Bool
  ) {
    state.withLock { state in
      if state.ended {
        // Whatever never ended is evidence too: it may have taken effect.
        state.figures.recorded += UInt64(state.open.count)
        state.buffer += state.open.endAll()
      }
      defer { state.flushWaiters = [] }
      var batch: [Operation] = []
      swap(&batch, &state.spare)
      swap(&batch, &state.buffer)
      return (batch, state.names, state.figures.dropped, state.flushWaiters, state.ended)
    }
  }

  private func giveBack(_ batch: consuming [Operation]) {
    var batch = batch
    batch.removeAll(keepingCapacity: true)
    state.withLock { swap(&$0.spare, &batch) }
  }

  private func write(
    _ part: ArraySlice<Operation>, _ names: NameTable, _ dropped: UInt64, to file: borrowing File,
    _ writer: inout HistoryWriter
  ) -> HistoryError? {
    let batch = writer.encode(part, names: names, dropped: dropped)
    do {
      try file.append(batch.bytes)
      writer.commit(batch)
      state.withLock {
        $0.figures.written += UInt64(part.count)
        $0.figures.fileBytes = writer.offset
      }
      return nil
    } catch {
      state.withLock { $0.figures.dropped += UInt64(part.count) }
      return cutBack(file, writer, error)
    }
  }

  private func end(_ file: borrowing File, _ writer: HistoryWriter) -> HistoryError? {
    let (names, dropped) = state.withLock { ($0.names, $0.figures.dropped) }
    do {
      try file.append(writer.encodeEnd(names: names, dropped: dropped))
      try file.sync()
      return nil
    } catch {
      return cutBack(file, writer, error)
    }
  }

  /// A full disk may have taken half a block. Cuts it away, so that a later block can follow when there is room again.
  private func cutBack(_ file: borrowing File, _ writer: HistoryWriter, _ cause: HistoryError) -> HistoryError {
    do {
      try file.truncate(to: writer.offset)
      return cause
    } catch {
      return error
    }
  }
}
