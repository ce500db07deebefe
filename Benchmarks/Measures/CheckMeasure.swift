internal import Checks
internal import Events
internal import Glibc
internal import Support

/// What it costs to judge logs while they are written: all rows at once, and what others would do with the same events.
let checkMeasure = Measure(
  name: "checks",
  summary: "all log checks, live, for 1,000 operations; 64 producers × 64 logs; processor time of take() alone"
) { bench in
  let few = bench.size(quick: 100_000, full: 10_000_000)
  let many = bench.size(quick: 200_000, full: 100_000_000)
  let short = run(few, identity: .dense, seed: bench.seed)
  let long = run(many, identity: .dense, seed: bench.seed)
  let opaque = run(few, identity: .opaque, seed: bench.seed)
  for run in [short, long, opaque] where run.found != 0 {
    throw Problem(.fail, at: "checks", "a clean load gave \(run.found) findings")
  }
  return [
    Figure(what: "reading the events, nothing else (floor)", samples: long.scan, base: long.scan),
    Figure(what: "dense identities, \(few) operations", samples: short.take, base: short.scan, note: short.note),
    Figure(what: "dense identities, \(many) operations", samples: long.take, base: long.scan, note: long.note),
    Figure(what: "opaque identities, \(few) operations", samples: opaque.take, base: opaque.scan, note: opaque.note),
    Figure(what: "verdict after the last of \(many), in all", samples: long.finish),
    Figure(what: "from operations as a recorder hands them out", samples: try audit(bench), base: short.scan),
  ] + (try rivals(bench))
}

/// One run of the checks.
private struct Run {
  /// For 1,000 operations each.
  var take = Samples()
  var scan = Samples()
  var finish = Samples()
  var found = 0
  var note = ""
}

/// Events come in batches that stay in the cache, as a recorder's do; making them is not counted. A sample is a hundred batches.
private func run(_ count: Int, identity: LogChecks.Identity, seed: UInt64) -> Run {
  var result = Run()
  var load = CheckLoad(isOpaque: identity == .opaque, seed: seed)
  var checks = LogChecks(identity: identity)
  var events: [LogEvent] = []
  events.reserveCapacity(2048)
  var sum: UInt64 = 0
  let before = residentBytes()
  while load.operations < count {
    let first = load.operations
    var (take, scan): (Int64, Int64) = (0, 0)
    for _ in 0..<100 {
      load.fill(&events, 1024)
      let start = threadTime()
      checks.take(events)
      let middle = threadTime()
      for event in events {
        sum &+= event.sequence ^ UInt64(bitPattern: event.offset) ^ UInt64(event.process) ^ UInt64(event.checksum)
      }
      scan += threadTime() - middle
      take += middle - start
    }
    let made = Int64(load.operations - first)
    result.take.add(take * 1000 / made)
    result.scan.add(scan * 1000 / made)
  }
  let retained = residentBytes() - before
  let start = threadTime()
  checks.finish()
  result.finish.add(threadTime() - start)
  result.found = checks.totals.values.reduce(0, +)
  let each = Double(retained) / Double(load.operations)
  result.note = "kept \(retained >> 20) MiB, \(fixed(each, 2)) B an operation; hash \(String(sum, radix: 16))"
  return result
}

/// The way of a drill: operations of a cluster become events, store by store, and these are judged.
private func audit(_ bench: Bench) throws -> Samples {
  var random = SeededRandom(seed: bench.seed, for: "history")
  let load = HistoryLoad(count: bench.size(quick: 20_000, full: 1_000_000), &random)
  let operations = load.operations.map { operation in
    var operation = operation
    // A key for each partition: keys that move are errors.
    operation.key = operation.partition?.rawValue ?? 0
    operation.keySequence = UInt64((operation.position ?? 0) + 1)
    return operation
  }
  var samples = Samples()
  var audit = LogAudit()
  for start in stride(from: 0, to: operations.count, by: 10_000) {
    let batch = Array(operations[start..<min(start + 10_000, operations.count)])
    let begin = threadTime()
    audit.take(batch, names: load.names)
    samples.add((threadTime() - begin) * 1000 / Int64(batch.count))
  }
  let found = audit.totals.values.reduce(0, +)
  guard found == 0 else {
    throw Problem(.fail, at: "checks", "a clean history gave \(found) findings: \(audit.totals)")
  }
  return samples
}

/// The same events through scripts in SQLite, in Python and, where it is installed, DuckDB: duplicates, loss, order a key, skips. Fewer events, which favours
/// them: both get slower with length.
private func rivals(_ bench: Bench) throws -> [Figure] {
  let count = bench.size(quick: 20_000, full: 1_000_000)
  var figures = [
    Figure(
      what: "SQLite script, \(count) operations", samples: try CheckRivals.sqlite(count, seed: bench.seed))
  ]
  if Program.isInstalled(CheckRivals.python) {
    figures.append(
      Figure(
        what: "Python script with sets, \(count) operations",
        samples: try CheckRivals.python(count, seed: bench.seed, workspace: bench.workspace)))
    if let samples = try CheckRivals.duckDB(count, seed: bench.seed, workspace: bench.workspace) {
      figures.append(Figure(what: "DuckDB script, one thread, \(count) operations", samples: samples))
    }
  }
  return figures
}

/// Processor time of the calling thread, in nanoseconds.
func threadTime() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// The memory of this process that is in RAM.
private func residentBytes() -> Int {
  guard let text = try? readFile("/proc/self/statm", limit: 256) else { return 0 }
  let words = String(decoding: text, as: UTF8.self).split(separator: " ")
  return words.count > 1 ? (Int(words[1]) ?? 0) * Int(getpagesize()) : 0
}
