internal import CKernel
internal import Glibc
internal import Support

extension InnerProfile {
  /// Asks this machine what it offers for disks.
  mutating func addDiskAbilities() {
    answers[.passThrough] = Self.passThrough
    answers[.preContentEvents] = Self.preContentEvents
  }

  private static var passThrough: Answer {
    let descriptor = open("/dev/fuse", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      return .missing("/dev/fuse: \(errnoText(errno)); modprobe fuse, or in a container give it the device")
    }
    close(descriptor)
    return geteuid() == 0 ? .there("/dev/fuse") : .missing("mounting needs root")
  }

  /// Whether the kernel asks before a file's content is used (fanotify(7), Linux 6.14).
  private static var preContentEvents: Answer {
    switch bs_probe_pre_content("/") {
    case 1: .there("fanotify")
    case 0: .missing("FAN_PRE_ACCESS: not in this kernel, or not for its root file system; Linux 6.14 has it")
    default: .missing("fanotify: \(errnoText(errno))")
    }
  }
}
