internal import CKernel
internal import Glibc
internal import Support

extension InnerProfile {
  /// Asks this machine what it offers for processes.
  mutating func addProcessAbilities() {
    let own = bs_pidfd_open(getpid())
    answers[.pidfd] = own >= 0 ? .there("pidfd_open") : .missing("pidfd_open: \(errnoText(errno)); Linux 5.3 has it")
    if own >= 0 { close(own) }
    answers[.tracing] = Self.tracing
    let groups: ControlGroups
    do { groups = try ControlGroups() } catch {
      for ability in [Ability.freezer2, .freezer1, .cpuMax, .cpuQuota, .memoryHigh, .ioMax, .blkioThrottle] {
        answers[ability] = .missing("control groups cannot be seen: \(error)")
      }
      return
    }
    answers[.freezer1] = Self.mounted(groups.version1("freezer"), "the freezer of version 1")
    answers[.cpuQuota] = Self.mounted(groups.version1("cpu"), "the cpu controller of version 1")
    answers[.blkioThrottle] = Self.throttle1(groups)
    guard let root = groups.version2 else {
      for ability in [Ability.freezer2, .cpuMax, .memoryHigh, .ioMax] {
        answers[ability] = .missing("control groups of version 2 are not mounted")
      }
      return
    }
    answers[.freezer2] = .there(root)  // Linux 5.2; a group without it is refused when it is looked at
    let controllers = ((try? readFile("\(root)/cgroup.controllers", limit: 4096)) ?? [])  // the answer is the same
      .split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") })
      .map { String(decoding: $0, as: UTF8.self) }
    for (ability, name) in [(Ability.cpuMax, "cpu"), (.memoryHigh, "memory"), (.ioMax, "io")] {
      answers[ability] =
        controllers.contains(name)
        ? .there(root) : .missing("version 2 in \(root) has no \(name) controller (cgroup.controllers)")
    }
  }

  /// Whether running processes of others can be traced here.
  private static var tracing: Answer {
    let scope = (try? readFile("/proc/sys/kernel/yama/ptrace_scope", limit: 16))?.first  // without Yama there is none
    guard scope != UInt8(ascii: "3") else { return .missing("kernel.yama.ptrace_scope is 3 until the next boot") }
    guard geteuid() == 0 else { return .missing("tracing the processes of others needs root") }
    return .there("ptrace")
  }

  private static func throttle1(_ groups: ControlGroups) -> Answer {
    guard let root = groups.version1("blkio") else { return mounted(nil, "the blkio controller of version 1") }
    let file = "\(root)/blkio.throttle.write_bps_device"
    return fileExists(file)
      ? .there(root)
      : .missing("\(file) is not there: the kernel has no throttling of disks (CONFIG_BLK_DEV_THROTTLING)")
  }

  private static func mounted(_ place: String?, _ what: String) -> Answer {
    place.map { .there($0) } ?? .missing("\(what) is not mounted")
  }
}
