internal import Faults
internal import Glibc
internal import PassThrough
internal import Support

/// Every kind of fault inside a node that is killed, each by a way of its own through the kernel.
enum SweptInner: String, CaseIterable, Sendable {
  case pauseByTrace = "pause-trace"
  case pauseBySignal = "pause-stop"
  case pauseByFreezer = "pause-freezer"
  case throttle = "throttle"
  case slowCalls = "calls"
  case skew = "skew"
  case drift = "drift"
  case nodeClock = "node-clock"

  /// Short, so that the end of a lease comes within the time that is waited.
  static let lease = Duration.seconds(3)
  /// Without a heartbeat for so long, it ends.
  static let silence = Duration.milliseconds(300)

  /// The fault in `process`.
  func fault(in process: ProcessIdentity) -> InnerFault {
    let effect: InnerFault.Effect =
      switch self {
      case .pauseByTrace: .processes(.pause(.trace))
      case .pauseBySignal: .processes(.pause(.stop))
      case .pauseByFreezer: .processes(.pause(.freezer))
      case .throttle: .processes(.throttle(processorPermille: 100))
      case .skew: .clock(ClockSkew(offsetNanoseconds: 5_000_000_000))
      // So fast that it shows within a few heartbeats.
      case .drift: .clock(ClockSkew(offsetNanoseconds: 0, driftPartsPerBillion: 500_000_000))
      case .nodeClock: .nodeClock(NodeClockChange(offsetNanoseconds: 7_000_000_000, driftPartsPerBillion: 50_000_000))
      case .slowCalls: .disk(.calls(CallLatency([.fsync], FileLatency(.milliseconds(10)))))
      }
    return InnerFault(
      id: rawValue, run: "sweep", node: "here", effect: effect,
      processes: self == .nodeClock ? nil : ProcessSelector(.process(process)),
      timing: .init(lease: Self.lease, heartbeat: .milliseconds(100), silence: Self.silence))
  }

  /// Whether only the end of the lease, and not a silence, takes it from a holder that hangs.
  var lastsForItsLease: Bool { self == .pauseByTrace || self == .slowCalls }

  /// Whether it is a skew that ends by itself in the program, and whose bytes are taken back later.
  var isSkew: Bool { self == .skew || self == .drift }
}

/// A program that a fault is made in, in control groups of its own, looked at without the code of whoever makes it.
final class SweptTarget: Sendable {
  let process: ChildProcess
  /// Its control groups: where its processor is limited, and where it is frozen.
  private let processorGroup: String?
  private let freezerGroup: String?
  private let clock: SweptClock?
  private let nodeClock: SweptNodeClock?

  /// Starts it.
  ///
  /// - Parameters:
  ///   - ticker: a program that looks at its own clock, for faults of clocks, and the file that it says so in.
  ///   - isAboutNode: the machine's clock is looked at as well.
  init(name: String, ticker: (program: String, file: String)?, isAboutNode: Bool) throws {
    processorGroup = Self.makeGroup(under: ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"], having: "cpu.cfs_quota_us", name)
    freezerGroup = Self.makeGroup(
      under: ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"], having: "cgroup.freeze", name)
    if let ticker {
      try writeFile(ticker.file, [UInt8](repeating: 0, count: 8))
      process = try ChildProcess(ProcessRequest(ticker.program, [ticker.file]))
      usleep(20_000)  // it sets itself up
      clock = try SweptClock(program: ticker.program, file: ticker.file, pid: process.identity.pid)
    } else {
      process = try ChildProcess(ProcessRequest("/bin/sh", ["-c", "while :; do :; done"]))
      clock = nil
    }
    nodeClock = isAboutNode ? SweptNodeClock() : nil
    for group in [processorGroup, freezerGroup].compactMap({ $0 }) {
      try Self.put("\(process.identity.pid)", into: "\(group)/cgroup.procs")
    }
  }

  /// Ends it and removes its groups.
  func close() async throws {
    try await process.terminate(Signal.kill)
    for group in Set([processorGroup, freezerGroup].compactMap { $0 }) where rmdir(group) != 0 {
      throw SystemError("rmdir", group)
    }
  }

  /// Whether this machine can have such a fault in it.
  func canHave(_ kind: SweptInner) -> Bool {
    switch kind {
    case .pauseByTrace, .pauseBySignal, .slowCalls, .skew, .drift: true
    case .nodeClock: SweptNodeClock.isAllowed
    case .pauseByFreezer: freezerGroup != nil
    case .throttle: processorGroup != nil
    }
  }

  /// Whether it is as it was: neither stopped, nor traced, nor frozen, nor limited.
  func isFree() throws -> Bool { try remains() == "nothing" }

  /// What is done to it, in words.
  func remains() throws -> String {
    let status = String(decoding: try readFile("/proc/\(process.identity.pid)/status", limit: 1 << 16), as: UTF8.self)
    func field(_ name: String) -> String {
      status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        .map { $0.dropFirst(name.count + 1).drop { $0 == "\t" || $0 == " " } }.map(String.init) ?? ""
    }
    var found: [String] = []
    if field("State").hasPrefix("T") || field("State").hasPrefix("t") { found.append("state \(field("State"))") }
    if field("TracerPid") != "0" { found.append("traced by \(field("TracerPid"))") }
    if let freezerGroup, try Self.line("\(freezerGroup)/cgroup.freeze") != "0" { found.append("frozen") }
    if let processorGroup {
      let quota = try Self.line("\(processorGroup)/cpu.cfs_quota_us")
      if quota != "-1" { found.append("quota \(quota)") }
    }
    if let clock {
      if try isWrong() { found.append("clock \(try clock.wrongMilliseconds()) ms wrong") }
      if try clock.isChanged() { found.append("vDSO changed") }
    }
    if let wrong = nodeClock?.wrong() { found.append(wrong) }
    return found.isEmpty ? "nothing" : found.joined(separator: ", ")
  }

  /// Whether the program is told a wrong time now.
  func isWrong() throws -> Bool { try clock.map { abs(try $0.wrongMilliseconds()) > 2 } ?? false }

  private static func makeGroup(under parents: [String], having file: String, _ name: String) -> String? {
    for parent in parents {
      let group = "\(parent)/\(name)"
      // A parent without such groups is no hierarchy of that kind; the next is tried.
      guard mkdir(group, 0o755) == 0 else { continue }
      if fileExists("\(group)/\(file)"), fileExists("\(group)/cgroup.procs") { return group }
      rmdir(group)
    }
    return nil
  }

  private static func put(_ text: String, into file: String) throws {
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", file) }
    defer { Glibc.close(descriptor) }
    let bytes = Array(text.utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count else { throw SystemError("write", file) }
  }

  private static func line(_ file: String) throws -> String {
    String(decoding: try readFile(file, limit: 4096).prefix { $0 != 10 }, as: UTF8.self)
  }
}
