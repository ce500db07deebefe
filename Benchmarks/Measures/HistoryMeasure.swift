internal import Events
internal import Glibc
internal import Support

/// Recording a history: what it costs its callers, what it costs the machine, and what it takes on disk.
let historyMeasure = Measure(
  name: "history", summary: "time and bytes an operation: recorded, written and read by us; JSON Lines and SQLite"
) { bench in
  var random = SeededRandom(seed: bench.seed, for: "history")
  let load = HistoryLoad(count: bench.size(quick: 20_000, full: 1_000_000), &random)
  return try await recorderFigures(load, bench) + fileFigures(load, bench)
    + rivalFigures(load, bench)
}

/// The callers' side, in rounds that find an empty buffer; then a whole history through the recorder.
private func recorderFigures(_ load: HistoryLoad, _ bench: Bench) async throws -> [Figure] {
  let recorder = try recorder(load, "\(bench.workspace)/calls.bsh")
  var (calls, clock) = (Samples(), Samples())
  for round in 0..<bench.size(quick: 10, full: 200) {
    let start = round * roundSize % (load.operations.count - roundSize)
    let time = perOperation(roundSize) {
      for op in load.operations[start..<(start + roundSize)] {
        recorder.complete(recorder.invoke(op), .ok, position: op.position)
      }
    }
    // The first round also gets the buffers' memory from the kernel.
    if round > 0 { calls.add(time) }
    clock.add(
      perOperation(roundSize) {
        for _ in 0..<(2 * roundSize) { _ = recorder.now() }
      })
    try await recorder.flush()
  }
  guard recorder.state.dropped == 0 else { throw Problem(.fail, "operations were dropped: \(recorder.state)") }
  try await recorder.close()
  return [
    Figure(what: "recorder: invoke and complete, on the caller's time", samples: calls, base: calls),
    Figure(what: "of that: reading the clock twice", samples: clock, base: calls),
    try await wholeRecorder(load, bench),
  ]
}

/// Processor time of everything, callers and writer together: what one core would need.
private func wholeRecorder(_ load: HistoryLoad, _ bench: Bench) async throws -> Figure {
  var samples = Samples()
  var bytes = 0
  for run in 0..<bench.size(quick: 2, full: 5) {
    let path = "\(bench.workspace)/whole-\(run).bsh"
    let recorder = try recorder(load, path)
    let start = processorTime()
    for first in stride(from: 0, to: load.operations.count, by: roundSize) {
      for op in load.operations[first..<min(load.operations.count, first + roundSize)] { recorder.record(op) }
      // Callers that are faster than any drill's must not lose operations here.
      while recorder.state.recorded - recorder.state.written > 40_000 { usleep(1000) }
    }
    try await recorder.close()
    samples.add((processorTime() - start) / Int64(load.operations.count))
    guard recorder.state.written == UInt64(load.operations.count) else {
      throw Problem(.fail, "operations were dropped: \(recorder.state)")
    }
    bytes = try fileSize(path)
  }
  return Figure(
    what: "recorder: record, encode, compress, write; processor time", samples: samples,
    note: rate(samples, bytes, load.operations.count))
}

/// The file without the recorder: written by one thread, and read back with every check. Processor time, as for the rivals: the
/// ratios then hold on a busy machine, too.
private func fileFigures(_ load: HistoryLoad, _ bench: Bench) throws -> [Figure] {
  var (written, read) = (Samples(), Samples())
  var bytes = 0
  let history = History(header: nil, names: load.names, operations: load.operations)
  for run in 0..<bench.size(quick: 2, full: 5) {
    let path = "\(bench.workspace)/file-\(run).bsh"
    written.add(try perOperation(load.operations.count, processorTime) { try history.write(to: path) })
    bytes = try fileSize(path)
    var count = 0
    read.add(
      try perOperation(load.operations.count, processorTime) {
        var reader = try HistoryReader(path: path)
        while let block = try reader.next() { count += block.count }
      })
    guard count == load.operations.count else { throw Problem(.fail, at: path, "\(count) operations came back") }
  }
  return [
    Figure(
      what: "history: write, one thread; processor time", samples: written, base: written,
      note: rate(written, bytes, load.operations.count)),
    Figure(what: "history: read and check, one thread; processor time", samples: read, base: written),
  ]
}

/// The same operations by others; fewer of them, which favours nobody: neither gets slower with length here.
private func rivalFigures(_ load: HistoryLoad, _ bench: Bench) throws -> [Figure] {
  let rivals = HistoryRivals(workspace: bench.workspace)
  let operations = load.operations.prefix(bench.size(quick: 20_000, full: 200_000))
  var (own, lines, rows) = (Samples(), Samples(), Samples())
  var (lineBytes, rowBytes) = (0, 0)
  let history = History(header: nil, names: load.names, operations: Array(operations))
  for run in 0..<bench.size(quick: 2, full: 5) {
    own.add(
      try perOperation(operations.count, processorTime) { try history.write(to: "\(bench.workspace)/own-\(run).bsh") })
    rows.add(
      try perOperation(operations.count, processorTime) { rowBytes = try rivals.sqliteRows(operations, run: run) })
    guard Program.isInstalled(HistoryRivals.python) else { continue }
    let taken = try rivals.pythonLines(operations)
    lines.add(taken.nanoseconds / Int64(operations.count))
    lineBytes = taken.bytes
  }
  return [
    Figure(what: "the same by us, fewer operations; processor time", samples: own, base: own),
    Figure(
      what: "JSON Lines by a Python script; processor time", samples: lines, base: own,
      note: rate(lines, lineBytes, operations.count)),
    Figure(
      what: "SQLite, one transaction; processor time", samples: rows, base: own,
      note: rate(rows, rowBytes, operations.count)),
  ]
}

private let roundSize = 5_000

private func recorder(_ load: HistoryLoad, _ path: String) throws -> HistoryRecorder {
  let recorder = try HistoryRecorder(
    path: path, runID: "bench", clock: { Timebase.system.monotonic() }, wall: { 0 }, capacity: 1 << 16)
  for name in load.names.nodes { _ = recorder.node(name) }
  for name in load.names.groups { _ = recorder.group(name) }
  for name in load.names.partitions { _ = recorder.partition(name) }
  return recorder
}

private func perOperation(
  _ count: Int, _ clock: () -> Int64 = { Timebase.system.monotonic() }, _ work: () throws -> Void
) rethrows -> Int64 {
  let start = clock()
  try work()
  return (clock() - start) / Int64(count)
}

private func rate(_ samples: Samples, _ bytes: Int, _ count: Int) -> String {
  let perOperation = fixed(Double(bytes) / Double(count), 1)
  guard let median = samples.median, median > 0 else { return "\(perOperation) bytes an operation" }
  return "\(fixed(1e3 / Double(median), 2)) million/s, \(perOperation) bytes an operation"
}

/// The size of a file in bytes.
func fileSize(_ path: String) throws -> Int {
  var status = stat()
  guard stat(path, &status) == 0 else { throw SystemError("stat", path) }
  return Int(status.st_size)
}
