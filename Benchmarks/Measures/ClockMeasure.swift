internal import Faults
internal import Glibc
internal import Support

/// Clock skew, armed and ended again and again on running programs of five kinds: what a pause costs, how exact the clock is
/// as read from inside, what a reading costs; and whether anything is left.
let clockMeasure = Measure(
  name: "clock-skew", summary: "clocks of C, Swift, Go, Java and PostgreSQL programs skewed and true again"
) { bench in
  try await bench.withKeeper { keeper in
    var figures: [Figure] = []
    for subject in try await ClockSubject.all(in: bench.workspace, part: bench.part) {
      let outcome: Result<[Figure], any Error>
      do { outcome = .success(try await measure(subject, bench, keeper)) } catch { outcome = .failure(error) }
      try await subject.child.terminate(Signal.kill)
      figures += try outcome.get()
    }
    return figures
  }
}

private func measure(_ subject: ClockSubject, _ bench: Bench, _ keeper: GuardedUndo) async throws -> [Figure] {
  let holder = InnerFaultHolder(node: "here", scope: ProcessScope(), undo: keeper) { _ in }
  var (arming, ending, pauses, deviations, uncertainties) = (Samples(), Samples(), Samples(), Samples(), Samples())
  let before = try vdso(of: subject.child.identity.pid)
  let costBefore = subject.cost()
  var costDuring: Int64?
  let rounds = bench.size(quick: 5, full: 1_000)
  for round in 0..<rounds {
    let skew = ClockSkew(
      offsetNanoseconds: round % 2 == 0 ? 5_000_000_000 : -3_600_000_000_000, driftPartsPerBillion: 200_000)
    let fault = InnerFault(
      id: "skew\(round)", run: "bench\(getpid())", node: "here", effect: .clock(skew),
      processes: ProcessSelector(.process(subject.child.identity), includesDescendants: subject.hasChildren),
      timing: .init(lease: .seconds(60), heartbeat: .seconds(2)))
    let begun = Timebase.system.monotonic()
    let receipt = try await holder.arm(fault)
    arming.add(Timebase.system.monotonic() - begun)
    guard receipt.counters.coverage == 1 else { throw Problem(.fail, "\(subject.name): \(receipt.evidence)") }
    if round == rounds / 2 {
      usleep(50_000)
      costDuring = subject.cost()
    }
    let asked = Timebase.system.monotonic()
    let outcome = try await holder.disarm(fault.id)
    ending.add(Timebase.system.monotonic() - asked)
    let particulars = outcome.counters.inner?.particulars ?? [:]
    pauses.add(Int64(clamping: particulars["longest pause in µs"] ?? 0) * 1_000)
    deviations.add(Int64(clamping: particulars["largest deviation in ns"] ?? 0))
    uncertainties.add(Int64(clamping: particulars["uncertainty of that in ns"] ?? 0))
  }
  await holder.close()
  guard subject.child.end == nil else { throw Problem(.fail, "\(subject.name) has ended") }
  guard try vdso(of: subject.child.identity.pid) == before else {
    throw Problem(.fail, "\(subject.name): bytes of its vDSO are not what they were")
  }
  var note = "\(rounds) times, no crash, no byte left; clock off by at most \(brief(deviations.max))"
  note += " where ± \(brief(uncertainties.median)) can be known"
  if let costBefore, let costDuring { note += "; a reading costs \(costDuring) ns, \(costBefore) before" }
  return [
    Figure(what: "\(subject.name): all \(subject.threads) threads stand still", samples: pauses, note: note),
    Figure(what: "\(subject.name): arming, promised and read back", samples: arming),
    Figure(what: "\(subject.name): ending, verified", samples: ending),
  ]
}

/// The bytes of a process's vDSO.
func vdso(of pid: Int32) throws -> [UInt8] {
  let maps = String(decoding: try readFile("/proc/\(pid)/maps"), as: UTF8.self)
  guard let line = maps.split(separator: "\n").first(where: { $0.hasSuffix("[vdso]") }) else {
    throw Problem(.fail, "pid \(pid) has no vDSO")
  }
  let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { Int($0, radix: 16) }
  let descriptor = open("/proc/\(pid)/mem", O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw SystemError("open", "/proc/\(pid)/mem") }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: ends[1] - ends[0])
  guard pread(descriptor, &bytes, bytes.count, ends[0]) == bytes.count else {
    throw SystemError("read", "/proc/\(pid)/mem")
  }
  return bytes
}
