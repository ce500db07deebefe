import Faults
import Glibc
import Support
import Testing

/// A systemd of its own on a host, with one unit that is started again whenever it ends: a manager of a user's services, in a control
/// group of the test's, which needs no machine that systemd has booted.
struct Systemd: Sendable {
  private static let program = "/lib/systemd/systemd"
  /// Where systemd makes groups: the hierarchy of version 2, and beside it one of its own of version 1.
  private static let hierarchies = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"].filter {
    fileExists("\($0)/cgroup.procs")
  }

  /// Whether there is what it needs.
  static let isPossible = geteuid() == 0 && fileExists(program) && !hierarchies.isEmpty

  /// Runs a command as the unit `NAME@15-main.service` on a host while `body` runs, which gets the unit's name.
  static func with(
    on host: String, of hosts: Hosts, running command: String, _ body: (String) async throws -> Void
  ) async throws {
    let name = "bs-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let (directory, groups) = ("\(hosts.directory)/\(name)", hierarchies.map { "\($0)/\(name)" })
    for place in ["home", "config/systemd/user"] { try makeDirectory("\(directory)/\(place)") }
    try writeFile(
      "\(directory)/config/systemd/user/\(name)@.service",
      Array("[Service]\nExecStart=\(command)\nRestart=always\nRestartSec=100ms\nStandardError=null\n".utf8))
    try writeFile(
      "\(directory)/begin",
      Array(
        """
        set -e
        mount -t tmpfs -o mode=755 tmpfs /run
        mkdir -p /run/systemd/system /run/user/0
        for group in \(groups.joined(separator: " ")); do mkdir $group; echo 0 > $group/cgroup.procs; done
        export XDG_RUNTIME_DIR=/run/user/0 HOME=\(directory)/home XDG_CONFIG_HOME=\(directory)/config
        exec \(program) --user --unit=\(name)@15-main.service --log-target=console

        """.utf8))
    _ = try Started(
      "/usr/bin/nsenter",
      Array(hosts.enter(host).dropFirst()) + ["/usr/bin/unshare", "--mount", "/bin/sh", "\(directory)/begin"],
      in: directory)
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body("\(name)@15-main.service")) } catch { outcome = .failure(error) }
    for _ in 0..<500 where groups.contains(where: { fileExists($0) }) {
      for group in groups { end(group) }
      usleep(20_000)  // nothing tells us of the end of what is not our child
    }
    #expect(groups.allSatisfy { !fileExists($0) })
    try outcome.get()
  }

  /// Ends whoever is in a group or below it, and removes it once nobody is.
  private static func end(_ group: String) {
    // What is gone by then needs no end.
    for name in (try? listDirectory(group)) ?? [] where fileExists("\(group)/\(name)/cgroup.procs") {
      end("\(group)/\(name)")
    }
    for line in String(decoding: (try? readFile("\(group)/cgroup.procs")) ?? [], as: UTF8.self).split(separator: "\n") {
      if let pid = Int32(line) { _ = try? ProcessIdentity(of: pid)?.send(Signal.kill) }
    }
    rmdir(group)
  }
}
