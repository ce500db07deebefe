internal import Glibc
internal import Support

/// What /proc says about a process that bears on tracing it.
struct TraceableProcess: Sendable, Hashable {
  var process: ProcessIdentity
  /// The process that traces it; 0 for none.
  var tracer: Int32
  /// 0 none, 1 strict, 2 filter.
  var seccomp: Int
  var threadCount: Int
  /// The beginning of its program's file; empty for a thread of the kernel.
  var programHeader: [UInt8]

  /// Reads what there is now.
  ///
  /// - Throws: ``TraceError`` when it has ended, or its number is another's now.
  init(_ process: ProcessIdentity) throws(TraceError) {
    self.process = process
    guard let status = try? readFile("/proc/\(process.pid)/status", limit: 1 << 16) else {
      throw TraceError(.gone, process)
    }
    let fields = Self.fields(status)
    let thread = fields["TracerPid"].flatMap { Int32($0) } ?? 0
    tracer = thread == 0 ? 0 : Self.processOf(thread: thread)
    seccomp = fields["Seccomp"].flatMap { Int($0) } ?? 0
    threadCount = fields["Threads"].flatMap { Int($0) } ?? 1
    let error: Int32
    (programHeader, error) = Self.beginning(of: "/proc/\(process.pid)/exe")
    try Self.check(process)
    // One that is about to end has given its memory back before it counts as ended, and looks like a thread of the kernel.
    if error == ENOENT, ProcessTable.Entry(of: process.pid)?.isKernelThread != true {
      throw TraceError(.gone, process)
    }
  }

  /// For tests: what such a process would be.
  init(_ process: ProcessIdentity, status: String, programHeader: [UInt8]) {
    self.process = process
    let fields = Self.fields(Array(status.utf8))
    tracer = fields["TracerPid"].flatMap { Int32($0) } ?? 0
    seccomp = fields["Seccomp"].flatMap { Int($0) } ?? 0
    threadCount = fields["Threads"].flatMap { Int($0) } ?? 1
    self.programHeader = programHeader
  }

  /// Whether this very process still runs.
  static func check(_ process: ProcessIdentity) throws(TraceError) {
    guard process.isAlive else {
      let later = ProcessIdentity(of: process.pid)
      throw TraceError(later == nil || later == process ? .gone : .reused, process)
    }
  }

  /// Whether it can be traced at all, and by us.
  func checkTraceable() throws(TraceError) {
    if process.pid == getpid() { throw TraceError(.ourselves, process) }
    if tracer != 0 { throw TraceError(.tracedAlready(by: tracer), process) }
    if programHeader.isEmpty { throw TraceError(.kernelThread, process) }
    if let other = Self.otherMachine(programHeader) { throw TraceError(.otherMachine(other), process) }
  }

  /// Whether its system calls are filtered, so that none may be made in its name.
  func checkUnfiltered() throws(TraceError) {
    if seccomp != 0 { throw TraceError(.seccomp(mode: seccomp), process) }
  }

  /// What a program is, if not a 64-bit one of this machine (elf(5)).
  static func otherMachine(_ header: [UInt8]) -> String? {
    guard header.count >= 20, header[0..<4].elementsEqual([0x7f, 0x45, 0x4c, 0x46]) else { return "no ELF program" }
    guard header[4] == 2 else { return "a 32-bit program" }
    let machine = UInt16(header[18]) | UInt16(header[19]) << 8
    #if arch(x86_64)
      let ours: UInt16 = 62
    #else
      let ours: UInt16 = 183
    #endif
    return machine == ours ? nil : "a program of another machine (ELF machine \(machine))"
  }

  /// The reason behind an EPERM of PTRACE_SEIZE.
  static func refusal(_ process: ProcessIdentity) -> TraceError {
    if let now = try? TraceableProcess(process), now.tracer != 0 {
      return TraceError(.tracedAlready(by: now.tracer), process)
    }
    let scope = (try? readFile("/proc/sys/kernel/yama/ptrace_scope", limit: 64)).flatMap { bytes in
      Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }
    if let scope, scope >= 3 || (scope >= 1 && geteuid() != 0) { return TraceError(.yama(scope: scope), process) }
    return TraceError(.notPermitted, process)
  }

  /// The kernel names the tracing thread.
  private static func processOf(thread: Int32) -> Int32 {
    guard let status = try? readFile("/proc/\(thread)/status", limit: 1 << 16) else { return thread }
    return fields(status)["Tgid"].flatMap { Int32($0) } ?? thread
  }

  private static func fields(_ status: [UInt8]) -> [Substring: Substring] {
    var fields: [Substring: Substring] = [:]
    for line in String(decoding: status, as: UTF8.self).split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].drop { $0 == "\t" || $0 == " " }
      fields[line[..<colon]] = value
    }
    return fields
  }

  /// The first bytes of a file, and why there are none.
  private static func beginning(of path: String) -> (bytes: [UInt8], error: Int32) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return ([], errno) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &bytes, bytes.count)
    return (Array(bytes.prefix(max(0, count))), count < 0 ? errno : 0)
  }
}
