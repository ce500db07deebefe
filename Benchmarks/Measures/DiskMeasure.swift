internal import Faults
internal import Glibc
internal import PassThrough
internal import Support

/// What a prepared directory costs while nothing is wrong with it, and how exact latencies are, made by it and by ptrace.
let diskMeasure = Measure(
  name: "disk", summary: "a prepared directory against the bare file system; latency of fsync asked for and had"
) { bench in
  let bare = DiskWork(directory: "\(bench.workspace)/bare")
  let through = DiskWork(directory: "\(bench.workspace)/through")
  for work in [bare, through] { try makeDirectory(work.directory) }
  let keeper = try bench.keeper()
  let disks = NodeDisks(ownPaths: [bench.workspace])
  let prepared = try PreparedDirectory(
    through.directory, id: "bench", run: "bench\(getpid())", node: "here", program: toolPath(bench.tool), undo: keeper)
  disks.add(prepared)
  let holder = InnerFaultHolder(node: "here", scope: ProcessScope(disks: disks), undo: keeper) { _ in }
  let outcome: Result<[Figure], any Error>
  do {
    outcome = .success(
      try await costs(bench, bare, through) + latenciesOfFiles(bench, through, holder)
        + latenciesOfCalls(bench, bare, holder))
  } catch { outcome = .failure(error) }
  await holder.close()
  try prepared.unmount()
  let left = keeper.close()
  guard left.isEmpty else { throw Problem(.recoveryIncomplete, left.joined(separator: ", ")) }
  return try outcome.get()
}

/// The same work on both, turn by turn.
private func costs(_ bench: Bench, _ bare: DiskWork, _ through: DiskWork) async throws -> [Figure] {
  let kinds: [(String, Int, @Sendable (DiskWork, Int) throws -> Samples)] = [
    ("write of 1 MiB", bench.size(quick: 8, full: 512), { try $0.sequential($1) }),
    ("write of 8 KiB and fdatasync", bench.size(quick: 20, full: 2000), { try $0.random($1, seed: bench.seed) }),
    ("create, stat and unlink", bench.size(quick: 50, full: 5000), { try $0.metadata($1) }),
  ]
  return try await onOwnThread("disk work") {
    try kinds.map { what, count, work in
      _ = try work(through, 2)
      let (base, samples) = (try work(bare, count), try work(through, count))
      return Figure(what: "\(what), prepared directory", samples: samples, base: base)
    }
  }
}

private let askedMilliseconds = [1, 10, 100]

private func latenciesOfFiles(_ bench: Bench, _ work: DiskWork, _ holder: InnerFaultHolder) async throws -> [Figure] {
  let count = bench.size(quick: 5, full: 100)
  let plain = try await onOwnThread("disk work") { try work.syncs(count) }
  var figures: [Figure] = []
  for asked in askedMilliseconds {
    let rule = FileRule(operations: [.fsync], effect: .latency(FileLatency(.milliseconds(asked))))
    let fault = fault(.files(DirectoryRules(work.directory, [rule])), asked, of: nil, bench)
    _ = try await holder.arm(fault)
    let samples = try await onOwnThread("disk work") { try work.syncs(count) }
    _ = try await holder.disarm(fault.id)
    figures.append(figure("fsync, \(asked) ms by a prepared directory", samples, plain: plain, asked))
  }
  return figures
}

private func latenciesOfCalls(_ bench: Bench, _ work: DiskWork, _ holder: InnerFaultHolder) async throws -> [Figure] {
  let log = "\(bench.workspace)/syncs"
  let program = try ChildProcess(ProcessRequest(ownPath(), ["sync-loop", "\(work.directory)/loop", log]))
  let outcome: Result<[Figure], any Error>
  do { outcome = .success(try await latenciesOfCalls(bench, of: program, log, holder)) } catch {
    outcome = .failure(error)
  }
  try await program.terminate(Signal.kill)
  return try outcome.get()
}

private func latenciesOfCalls(
  _ bench: Bench, of program: ChildProcess, _ log: String, _ holder: InnerFaultHolder
) async throws -> [Figure] {
  let count = bench.size(quick: 5, full: 100)
  let plain = try await turns(log, count, after: 0)
  var figures: [Figure] = []
  var idle = Samples()
  for asked in askedMilliseconds {
    let effect = DiskDisturbance.calls(CallLatency([.fsync], FileLatency(.milliseconds(asked))))
    let fault = fault(effect, asked, of: program.identity, bench)
    let receipt = try await holder.arm(fault)
    let under = try await turns(log, count, after: receipt.armedAtNanoseconds)
    _ = try await holder.disarm(fault.id)
    for turn in under { idle.add(turn.idle) }
    figures.append(
      figure("fsync, \(asked) ms by ptrace", samples(under, \.took), plain: samples(plain, \.took), asked))
  }
  figures.append(
    Figure(what: "any other system call, traced", samples: idle, base: samples(plain, \.idle), note: "of 20, the mean"))
  return figures
}

private func fault(_ effect: DiskDisturbance, _ asked: Int, of process: ProcessIdentity?, _ bench: Bench) -> InnerFault
{
  InnerFault(
    id: "late\(asked)\(process == nil ? "f" : "c")", run: "bench\(getpid())", node: "here", effect: .disk(effect),
    processes: process.map { ProcessSelector(.process($0)) }, timing: .init(lease: .seconds(120)), seed: bench.seed)
}

/// How much more than was asked for came on top of what it takes anyway.
private func figure(_ what: String, _ samples: Samples, plain: Samples, _ asked: Int) -> Figure {
  let extra = samples.shifted(by: -(plain.median ?? 0) - Int64(asked) * 1_000_000)
  return Figure(
    what: what, samples: samples, base: plain,
    note: "beyond what was asked: p50 \(brief(extra.median)), p99 \(brief(extra.quantile(0.99)))")
}

/// One turn of the loop.
private struct Turn: Sendable {
  var begun: Int64
  var took: Int64
  var idle: Int64
}

private func samples(_ turns: [Turn], _ part: KeyPath<Turn, Int64>) -> Samples {
  var samples = Samples()
  for turn in turns { samples.add(turn[keyPath: part]) }
  return samples
}

/// Waits for so many turns that began after a moment.
private func turns(_ log: String, _ count: Int, after moment: Int64) async throws -> [Turn] {
  let deadline = ContinuousClock.now + .seconds(60)
  while true {
    let text = fileExists(log) ? String(decoding: try readFile(log), as: UTF8.self) : ""
    // The last line may not be whole yet.
    let found = text.split(separator: "\n").dropLast().compactMap { line -> Turn? in
      let numbers = line.split(separator: " ").compactMap { Int64($0) }
      guard numbers.count == 3, numbers[0] > moment else { return nil }
      return Turn(begun: numbers[0], took: numbers[1], idle: numbers[2])
    }
    if found.count >= count { return Array(found.suffix(count)) }
    guard ContinuousClock.now < deadline else { throw Problem(.fail, at: log, "the loop makes no progress") }
    try await ContinuousClock().sleep(for: .milliseconds(20))
  }
}
