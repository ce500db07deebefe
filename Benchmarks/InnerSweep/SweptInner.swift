internal import Faults
internal import PassThrough
internal import Support

/// Every kind of fault inside a node that is killed, each by a way of its own through the kernel.
enum SweptInner: String, CaseIterable, Sendable {
  case pauseByTrace = "pause-trace"
  case pauseBySignal = "pause-stop"
  case pauseByFreezer = "pause-freezer"
  case kill = "kill"
  case terminate = "terminate"
  case restartLoop = "restart-loop"
  case throttle = "throttle"
  case squeeze = "squeeze"
  case slowCalls = "calls"
  case files = "pass-through"
  case freeze = "freeze"
  case filler = "filler"
  case diskLimit = "throttle-io"
  case content = "content"
  case skew = "skew"
  case drift = "drift"
  case nodeClock = "node-clock"

  /// Short, so that the end of a lease comes within the time that is waited.
  static let lease = Duration.seconds(3)
  /// Without a heartbeat for so long, it ends.
  static let silence = Duration.milliseconds(300)

  /// The fault in a target.
  func fault(in target: SweptSubject) -> InnerFault {
    let effect: InnerFault.Effect =
      switch self {
      case .pauseByTrace: .processes(.pause(.trace))
      case .pauseBySignal: .processes(.pause(.stop))
      case .pauseByFreezer: .processes(.pause(.freezer))
      case .kill: .processes(.kill)
      case .terminate: .processes(.terminate(graceMilliseconds: 200))
      case .restartLoop: .processes(.restartLoop(everyMilliseconds: 50))
      case .throttle: .processes(.throttle(processorPermille: 100))
      case .squeeze: .processes(.squeeze(memoryBytes: 16 << 20))
      case .slowCalls: .disk(.calls(CallLatency([.fsync], FileLatency(.milliseconds(10)))))
      case .files:
        .disk(
          .files(DirectoryRules(target.directory, [FileRule(operations: [.open], effect: .fail(.inputOutput))])))
      case .freeze: .disk(.freeze(path: target.directory))
      case .filler: .disk(.fill(DiskFilling(target.directory, atMostBytes: 64 << 20)))
      case .skew: .clock(ClockSkew(offsetNanoseconds: 5_000_000_000))
      // So fast that it shows within a few heartbeats.
      case .drift: .clock(ClockSkew(offsetNanoseconds: 0, driftPartsPerBillion: 500_000_000))
      case .nodeClock: .nodeClock(NodeClockChange(offsetNanoseconds: 7_000_000_000, driftPartsPerBillion: 50_000_000))
      case .diskLimit: .disk(.limit(DiskLimit(target.directory, writes: 50)))
      case .content: .disk(.content(ContentLatency(target.directory, FileLatency(.milliseconds(700)))))
      }
    return InnerFault(
      id: rawValue, run: "sweep", node: "here", effect: effect, processes: processes(of: target),
      timing: .init(lease: Self.lease, heartbeat: .milliseconds(100), silence: Self.silence))
  }

  private func processes(of target: SweptSubject) -> ProcessSelector? {
    switch self {
    case .files, .freeze, .filler, .content, .nodeClock: nil
    // By name, so that its successors are meant too.
    case .kill, .terminate, .restartLoop: ProcessSelector(.name(target.name))
    case .pauseByTrace, .pauseBySignal, .pauseByFreezer, .throttle, .squeeze, .slowCalls, .diskLimit, .skew, .drift:
      ProcessSelector(.process(target.process))
    }
  }

  /// Whether only the end of the lease, and not a silence, takes it from a holder that hangs.
  var lastsForItsLease: Bool { self == .pauseByTrace || self == .slowCalls || self == .content }

  /// Whether it ends processes, so that what is looked for afterwards is a successor that lives.
  var endsProcesses: Bool { self == .kill || self == .terminate || self == .restartLoop }

  /// Whether it is a skew that ends by itself in the program, and whose bytes are taken back later.
  var isSkew: Bool { self == .skew || self == .drift }

  /// What it is looked for when nobody is left who could take it back.
  var watchWithoutAnybody: Duration {
    endsProcesses ? .seconds(1) : isSkew ? Self.silence + .seconds(1) : .milliseconds(200)
  }
}

/// What a fault is made in: a program, and a directory that is a mount of its own.
struct SweptSubject: Sendable {
  var process: ProcessIdentity
  /// Of the program's command, which no other program has.
  var name: String
  var directory: String
}
