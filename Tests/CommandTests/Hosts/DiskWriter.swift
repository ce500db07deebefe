import Faults
import Glibc
import Support
import Testing

/// A program on a host in a control group of its own, as a unit of systemd's is, that writes over and over to a disk of its own, and
/// counts its rounds there.
struct DiskWriter: Sendable {
  /// Where groups can be made whose use of a disk can be limited, and of version 1 those of its other hierarchies.
  static let hierarchies: [String] = {
    let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/blkio"]
    guard let disk = roots.first(where: { offers("io.max", $0) || offers("blkio.throttle.write_iops_device", $0) })
    else { return [] }
    return [disk] + ["/sys/fs/cgroup/freezer"].filter { fileExists("\($0)/cgroup.procs") }
  }()

  /// Whether there is what it needs.
  static let isPossible =
    !hierarchies.isEmpty && fileExists("/dev/loop-control") && fileExists("/usr/sbin/mkfs.ext4")

  private static func offers(_ file: String, _ hierarchy: String) -> Bool {
    let probe = "\(hierarchy)/bs-probe-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    guard geteuid() == 0, mkdir(probe, 0o755) == 0 else { return false }
    defer { rmdir(probe) }
    return fileExists("\(probe)/\(file)")
  }

  /// The last part of the path of its groups: the unit's name.
  let unit: String
  /// The directories of its groups, that of the disk first.
  let groups: [String]
  private let mount: String

  private static let program = """
    import os
    data = os.open("data", os.O_RDWR | os.O_CREAT)
    rounds = os.open("rounds", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
      for page in range(10):
        os.pwrite(data, bytes(4096), 4096 * page)
        os.fdatasync(data)
      os.write(rounds, str(os.getpid()).encode() + b"\\n")

    """

  /// Runs it, and whoever starts it again when it ends, on a host while `body` runs.
  static func with(on host: String, of hosts: Hosts, _ body: (DiskWriter) async throws -> Void) async throws {
    let unit = "bs-test-\(getpid())-\(UInt32.random(in: 0 ... .max)).service"
    let (directory, groups) = ("\(hosts.directory)/\(unit)", hierarchies.map { "\($0)/\(unit)" })
    let mount = "\(directory)/mounted"
    try makeDirectory(mount)
    try writeFile("\(directory)/writer.py", Array(program.utf8))
    try await shell(
      """
      truncate -s 24M \(directory)/image; /usr/sbin/mkfs.ext4 -q -m 0 -O ^has_journal \(directory)/image
      mount -o loop \(directory)/image \(mount)
      """, in: hosts)
    let outcome: Result<Void, any Error>
    do {
      let writer = DiskWriter(unit: unit, groups: groups, mount: mount)
      try await writer.start(on: host, of: hosts, "\(directory)/writer.py")
      outcome = .success(try await body(writer))
    } catch { outcome = .failure(error) }
    // Whoever starts it again is in no group of its, so it goes with the first of them and not later.
    for _ in 0..<500 where !groups.allSatisfy({ rmdir($0) == 0 || errno == ENOENT }) {
      for process in inhabitants(of: hosts.nodes[0]) + inhabitants(of: hosts.nodes[1]) where isOf(process, directory) {
        _ = try? process.send(Signal.kill)  // one may be gone by then
      }
      usleep(20_000)  // nothing tells us of the end of what is not our child
    }
    #expect(groups.allSatisfy { !fileExists($0) })
    try await shell("umount -l \(mount)", in: hosts)
    try outcome.get()
  }

  private static func isOf(_ process: ProcessIdentity, _ directory: String) -> Bool {
    // One that ends while we look has no command line.
    String(decoding: (try? readFile("/proc/\(process.pid)/cmdline")) ?? [], as: UTF8.self).contains(directory)
  }

  private static func shell(_ script: String, in hosts: Hosts) async throws {
    let result = try await Blackstart.command("/bin/sh", ["-ec", script], in: hosts.directory)
    try #require(result.code == 0, "\(script): \(result.errors)")
  }

  private func start(on host: String, of hosts: Hosts, _ program: String) async throws {
    for group in groups { guard mkdir(group, 0o755) == 0 else { throw SystemError("mkdir", group) } }
    let enter = groups.map { "echo 0 > \($0)/cgroup.procs" }.joined(separator: " && ")
    // `-I -S`: nothing of this machine's own Python gets in.
    let script = """
      cd \(mount); while :; do /bin/sh -c '\(enter) && exec /usr/bin/python3 -I -S \(program)'; done
      """
    _ = try Started("/usr/bin/nsenter", Array(hosts.enter(host).dropFirst()) + ["/bin/sh", "-c", script], in: mount)
    _ = try await untilWritten()
  }

  /// The numbers of the processes that made its rounds.
  func rounds() throws -> [Int32] {
    guard fileExists("\(mount)/rounds") else { return [] }
    return String(decoding: try readFile("\(mount)/rounds"), as: UTF8.self).split(separator: "\n").compactMap {
      Int32($0)
    }
  }

  /// Waits until it has written another round.
  ///
  /// - Returns: the process that did.
  func untilWritten() async throws -> Int32 {
    let (before, deadline) = (try rounds().count, ContinuousClock.now + .seconds(20))
    while true {
      let rounds = try rounds()
      if rounds.count > before, let last = rounds.last { return last }
      try #require(ContinuousClock.now < deadline, "\(unit) writes nothing")
      try await Task.sleep(for: .milliseconds(20))  // a program that writes tells nobody
    }
  }

  /// What stands in the file of its group that limits its writes.
  func limits() throws -> String {
    let files = ["io.max", "blkio.throttle.write_iops_device"].map { "\(groups[0])/\($0)" }.filter { fileExists($0) }
    return String(decoding: try files.flatMap { try readFile($0) }, as: UTF8.self)
  }

  /// Whether its group stands still.
  var isFrozen: Bool {
    get throws {
      let states = ["cgroup.events", "freezer.state"].flatMap { file in groups.map { "\($0)/\(file)" } }
        .filter { fileExists($0) }
      return try states.contains { state in
        let text = String(decoding: try readFile(state), as: UTF8.self)
        return text.contains("frozen 1") || text.hasPrefix("FROZEN")
      }
    }
  }

  /// Starts a program on another host that is in the same groups, and writes nothing.
  func add(to host: String, of hosts: Hosts) async throws {
    let enter = groups.map { "echo 0 > \($0)/cgroup.procs" }.joined(separator: " && ")
    let sleeper = try Started(
      "/usr/bin/nsenter",
      Array(hosts.enter(host).dropFirst()) + [
        "/bin/sh", "-c", "\(enter) && exec /usr/bin/tail -f \(mount)/data >/dev/null 2>&1",
      ],
      in: hosts.directory)
    let deadline = ContinuousClock.now + .seconds(20)
    while try !String(decoding: readFile("/proc/\(sleeper.child.identity.pid)/comm"), as: UTF8.self).hasPrefix("tail") {
      try #require(ContinuousClock.now < deadline, "tail does not begin")
      try await Task.sleep(for: .milliseconds(20))  // a program that starts tells nobody
    }
  }

  /// The disk that it writes to, as groups call it.
  func device() throws -> String {
    var information = stat()
    guard stat(mount, &information) == 0 else { throw SystemError("stat", mount) }
    let device = UInt64(information.st_dev)
    return "\((device >> 8) & 0xfff):\(device & 0xff | (device >> 12) & ~0xff)"
  }
}
