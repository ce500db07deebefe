internal import Glibc
internal import Support

@main
enum App {
  static func main() async {
    exit(await runCommand(Array(CommandLine.arguments.dropFirst())))
  }
}

/// Does what the command line asks for.
///
/// - Returns: the exit status: 0 when everything was measured and held, 1 when not, 2 for a wrong command line.
private func runCommand(_ words: [String]) async -> Int32 {
  do {
    switch words.first {
    case "--help", "-h":
      print(usageText)
      return 0
    case "hold":  // only our own measure of releases calls this
      try await holdUntilKilled(Array(words.dropFirst()))
      return 0
    case "arm-once":  // only our own count of programs calls this
      try await armOnce(Array(words.dropFirst()))
      return 0
    case "sync-loop":  // only our own measure of disks calls this
      try syncUntilKilled(Array(words.dropFirst()))
      return 0
    case "sweep-victim":  // only the sweep of faults calls this
      try await beSwept(Array(words.dropFirst()))
      return 0
    case "inner-victim":  // only the sweep of faults inside nodes calls this
      try await beSweptInside(Array(words.dropFirst()))
      return 0
    case "inner-sweep":
      return try await sweepInside(InnerSweepRequest(Array(words.dropFirst()))) ? 0 : 1
    case "fault-sweep":
      return try await sweepFaults(FaultSweepRequest(Array(words.dropFirst()))) ? 0 : 1
    case "mirror-kills":
      return try await sweepMirrorKills(MirrorKillsRequest(Array(words.dropFirst()))) ? 0 : 1
    case "kill-sweep":
      return try await sweepKills(KillSweepRequest(Array(words.dropFirst()))) ? 0 : 1
    default:
      return try await runMeasures(MeasureRequest(words)) ? 0 : 1
    }
  } catch let problem as Problem where problem.code == .usage {
    report(problem)
    return 2
  } catch {
    report(error)
    return 1
  }
}

/// Writes an error to standard error.
func report(_ error: any Error) {
  let bytes = Array("\(error)\n".utf8)
  // Nobody is left to be told if standard error is closed.
  _ = write(2, bytes, bytes.count)
}

private let usageText = """
  usage: Benchmarks [--quick] [--rounds N] [--part PART] [--seed N] [--tool PATH] [NAME ...]
         Benchmarks --list
         Benchmarks fault-sweep [--tool PATH] [--rounds N] [--seed N] [FAULT ...]
         Benchmarks inner-sweep [--tool PATH] [--rounds N] [--seed N] [FAULT ...]
         Benchmarks mirror-kills [--at-least-once] [--positions-every-ms M] [--count N] [--rate N] [--list FILE] [--tool PATH]
                    [--seed N]
         Benchmarks kill-sweep --scenario FILE [--tool PATH] [--count N] [--limit-ms M] [--seed N]

  Measures on real kernel objects in network namespaces of its own. Needs root.

    --quick        few samples, some three minutes in all, to see that everything still works
    --rounds N     so often, where a measure repeats something
    --part PART    that part alone, of a measure that has parts: clock-skew has c, swift, go, java, postgres, and kafka-producer
                   1, 2, 16 (records under way), latency
    --seed N       seed of every random choice (20261120)
    --tool PATH    the blackstart executable (the one beside this program)
    --list         say what can be measured

  fault-sweep holds a fault of every kind, and kills its holder at every step of its life: alone, with its guardian, or
  stops it; and fails if anything has an effect for longer than it may, or is left after `blackstart recover`.

  inner-sweep does the same with faults inside a node: in a program of its own, which must be free again within the lease
  and a second.

  mirror-kills kills the worker of a Kafka mirror in one lab, at drawn moments while records flow, and says how long it was until
  they flowed again and what stands twice, counted by us and by sort and uniq. Needs KAFKA_HOME.

  kill-sweep runs a drill again and again, ends it with SIGKILL at random moments of its fault phase, and fails if a rule
  is left for longer than the limit, or anything at all after `blackstart recover`.
  """
