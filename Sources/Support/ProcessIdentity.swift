internal import CKernel
internal import Glibc

/// The id that the kernel draws at each boot (random(4)): after a reboot a recorded pid and start time mean nothing.
///
/// - Throws: ``SystemError`` where /proc is not mounted.
public func bootID() throws(SystemError) -> String {
  String(decoding: try readFile("/proc/sys/kernel/random/boot_id").prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}

/// A process that cannot be mistaken for a later one with the same number: pid and start time.
public struct ProcessIdentity: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The process number.
  public var pid: Int32
  /// Field 22 of /proc/PID/stat: start time in clock ticks since boot (proc(5)).
  public var startTicks: UInt64

  /// A process as recorded earlier.
  public init(pid: Int32, startTicks: UInt64) {
    self.pid = pid
    self.startTicks = startTicks
  }

  /// The process that has this number now; `nil` if there is none.
  public init?(of pid: Int32) {
    guard let ticks = Self.startTicks(of: pid) else { return nil }
    self.init(pid: pid, startTicks: ticks)
  }

  /// The calling process.
  ///
  /// - Throws: ``SystemError`` where /proc is not mounted.
  public static func current() throws(SystemError) -> ProcessIdentity {
    guard let identity = ProcessIdentity(of: getpid()) else {
      throw SystemError("read", "/proc/self/stat", number: ENOENT)
    }
    return identity
  }

  /// `pid 4711`.
  public var description: String { "pid \(pid)" }

  /// Whether this very process still runs (a zombie does not).
  public var isAlive: Bool {
    guard let stat = Self.stat(of: pid), let state = Self.state(in: stat) else { return false }
    return Self.startTicks(in: stat) == startTicks && state != "Z" && state != "X"
  }

  /// Sends `signal` to this very process, through a pidfd so that a reused number is never hit.
  ///
  /// - Returns: `false` if it no longer runs.
  /// - Throws: ``SystemError`` when the kernel refuses.
  @discardableResult
  public func send(_ signal: Int32) throws(SystemError) -> Bool {
    let descriptor = bs_pidfd_open(pid)
    if descriptor < 0 {
      if errno == ESRCH || errno == EINVAL { return false }
      throw SystemError("pidfd_open", description)
    }
    defer { close(descriptor) }
    // The descriptor pins the process; only now does comparing the start time prove anything.
    guard isAlive else { return false }
    if bs_pidfd_send_signal(descriptor, signal) != 0 {
      if errno == ESRCH { return false }
      throw SystemError("pidfd_send_signal", description)
    }
    return true
  }

  /// Waits until it has ended. Blocks its thread: call it on one of your own.
  ///
  /// - Returns: whether it ended within `limit`.
  public func waitUntilGone(limit: Duration) -> Bool {
    let descriptor = bs_pidfd_open(pid)
    if descriptor < 0 { return !isAlive }
    defer { close(descriptor) }
    guard Self.startTicks(of: pid) == startTicks else { return true }
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let deadline = Timebase.system.monotonic() + limit.nanoseconds
    while true {
      let left = deadline - Timebase.system.monotonic()
      let result = poll(&entry, 1, Int32(clamping: max(0, left) / 1_000_000 + (left > 0 ? 1 : 0)))
      if result > 0 { return true }
      if result == 0 || (result < 0 && errno != EINTR) { return !isAlive }
    }
  }

  private static func stat(of pid: Int32) -> [UInt8]? {
    try? readFile("/proc/\(pid)/stat", limit: 4096)  // a process that ends meanwhile is simply not there
  }

  private static func startTicks(of pid: Int32) -> UInt64? {
    stat(of: pid).flatMap(startTicks(in:))
  }

  /// The fields after the command, whose name may hold spaces and parentheses.
  private static func fields(_ stat: [UInt8]) -> [Substring]? {
    guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    return String(decoding: stat[(end + 1)...], as: UTF8.self).split(separator: " ")
  }

  private static func startTicks(in stat: [UInt8]) -> UInt64? {
    guard let fields = fields(stat), fields.count > 19 else { return nil }
    return UInt64(fields[19])
  }

  private static func state(in stat: [UInt8]) -> Substring? { fields(stat)?.first }
}
