internal import CKernel
internal import Glibc
internal import Netlink
internal import Support

/// The processes of a machine at one moment, as /proc shows them. Processes that end meanwhile are simply not there.
struct ProcessTable: Sendable {
  /// One line of it.
  struct Entry: Sendable, Hashable {
    var identity: ProcessIdentity
    var parent: Int32
    /// At most 15 bytes of the program's name.
    var command: String
    /// `R`, `S`, `T`, `t`, `Z`, …
    var state: Character
    var threads: Int
    /// A thread of the kernel has no program.
    var isKernelThread: Bool
  }

  let entries: [Int32: Entry]

  init() throws(SystemError) {
    var entries: [Int32: Entry] = [:]
    for name in try listDirectory("/proc") {
      if let pid = Int32(name), let entry = Entry(of: pid) { entries[pid] = entry }
    }
    self.entries = entries
  }

  /// A process and all that descend from it.
  func tree(below roots: Set<Int32>) -> Set<Int32> {
    var found = roots
    var grew = true
    while grew {
      grew = false
      for entry in entries.values where found.contains(entry.parent) && !found.contains(entry.identity.pid) {
        found.insert(entry.identity.pid)
        grew = true
      }
    }
    return found
  }

  /// This process and those it descends from, init included.
  var ownLine: Set<Int32> {
    var line: Set<Int32> = [1]
    var pid = getpid()
    while pid > 0, line.insert(pid).inserted { pid = entries[pid]?.parent ?? 0 }
    return line
  }
}

extension ProcessTable.Entry {
  /// The process that has this number now; `nil` if there is none.
  init?(of pid: Int32) {
    guard let stat = try? readFile("/proc/\(pid)/stat", limit: 4096) else { return nil }  // it has just ended
    self.init(pid: pid, stat: stat)
  }

  /// Reads a line of /proc/PID/stat (proc(5)).
  init?(pid: Int32, stat: [UInt8]) {
    // The command may hold spaces and parentheses: it ends at the last one.
    guard let open = stat.firstIndex(of: UInt8(ascii: "(")), let close = stat.lastIndex(of: UInt8(ascii: ")")),
      open < close
    else { return nil }
    let fields = String(decoding: stat[(close + 1)...], as: UTF8.self).split(separator: " ")
    guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]), let flags = UInt32(fields[6]),
      let threads = Int(fields[17]), let ticks = UInt64(fields[19])
    else { return nil }
    identity = ProcessIdentity(pid: pid, startTicks: ticks)
    command = String(decoding: stat[(open + 1)..<close], as: UTF8.self)
    self.parent = parent
    self.state = state
    self.threads = threads
    isKernelThread = flags & 0x0020_0000 != 0  // PF_KTHREAD
  }

  /// Whether it has ended and only waits to be collected.
  var hasEnded: Bool { state == "Z" || state == "X" }

  /// The name of its program's file; `nil` where that cannot be seen.
  var program: String? {
    linkTarget("/proc/\(identity.pid)/exe").map { String($0.split(separator: "/").last ?? "") }
  }

  /// Its control groups, by hierarchy: `0::/user.slice`, `4:memory:/…`.
  var controlGroups: [ControlGroupLine] {
    guard let bytes = try? readFile("/proc/\(identity.pid)/cgroup", limit: 1 << 16) else { return [] }  // it has ended
    return ControlGroupLine.all(in: bytes)
  }

  /// Numbers of its sockets.
  var sockets: Set<UInt32> {
    guard let names = try? listDirectory("/proc/\(identity.pid)/fd") else { return [] }  // ended, or not ours to see
    return Set(
      names.compactMap { name in
        guard let target = linkTarget("/proc/\(identity.pid)/fd/\(name)"), target.hasPrefix("socket:[") else {
          return nil
        }
        return UInt32(target.dropFirst("socket:[".count).dropLast())
      })
  }

  /// Whether it lives in a network namespace.
  func isIn(_ namespace: NetworkNamespace) -> Bool {
    var information = stat()
    guard stat("/proc/\(identity.pid)/ns/net", &information) == 0 else { return false }
    return UInt64(information.st_dev) == namespace.identity.device
      && UInt64(information.st_ino) == namespace.identity.inode
  }
}

/// One line of /proc/PID/cgroup (cgroups(7)).
struct ControlGroupLine: Sendable, Hashable {
  /// Controllers of a hierarchy of version 1, or `name=systemd`; empty for version 2.
  var controllers: [String]
  /// The group, from the root of its hierarchy.
  var path: String

  static func all(in bytes: [UInt8]) -> [ControlGroupLine] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      return ControlGroupLine(controllers: parts[1].split(separator: ",").map(String.init), path: String(parts[2]))
    }
  }
}

/// Where a symbolic link points; `nil` if there is none, or it may not be read.
func linkTarget(_ path: String) -> String? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
    guard let base = buffer.baseAddress else { return nil }
    let count = readlink(path, base, buffer.count)
    guard count > 0 else { return nil }
    return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
