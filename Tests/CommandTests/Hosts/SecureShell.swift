import Glibc
import Support
import Testing

/// OpenSSH servers, one on each host, with keys, users and files of their own, and the configuration of a client on a machine that is
/// no host, which has an address for these connections alone.
///
/// Each server sees a `/run` and users that nobody else sees, so this machine needs no user for it and has no directory made.
struct SecureShell: Sendable {
  /// Where the client comes from.
  static let controller = "10.77.0.9"
  /// What cuts the first host off from that machine's other address, which probes come from.
  static let cut = "fault: partition, region: east, from: { addresses: [10.77.0.4] }"
  private static let server = "/usr/sbin/sshd"

  let hosts: Hosts
  /// Who logs in; whoever is not root begins commands with `sudo -n`.
  let user: String
  private var directory: String { "\(hosts.directory)/ssh" }

  /// What the command of an agent begins with: nothing of it is known to a shell or a configuration of this machine's.
  func reach(_ host: String) -> [String] {
    ["ssh", "-F", "\(directory)/config", host] + (user == "root" ? [] : ["sudo", "-n"])
  }

  /// The home directory of the user on a host.
  func home(_ host: String) -> String { "\(directory)/home-\(host)" }

  /// Three hosts with a server each that accepts.
  ///
  /// - Parameters:
  ///   - user: `root`, or `drill`, who has no rights but one: to be root for agents.
  ///   - asking: the host where `sudo` asks that user for a password.
  static func with(
    user: String = "root", asking: String? = nil,
    _ body: (Hosts, SecureShell) async throws -> Void
  ) async throws {
    try #require(fileExists(server), "no \(server): apt-get install openssh-server")
    try #require(user == "root" || fileExists("/usr/bin/sudo"), "no sudo: apt-get install sudo")
    try await Hosts.with { hosts in
      let shell = SecureShell(hosts: hosts, user: user)
      try await shell.prepare(asking)
      for host in ["a", "b", "c"] { try await shell.serve(host) }
      try await body(hosts, shell)
    }
  }

  private func prepare(_ asking: String?) async throws {
    try makeDirectory(directory)
    for key in ["host", "user"] {
      let made = try await Blackstart.command(
        "/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", "\(directory)/\(key)"],
        in: directory)
      try #require(made.code == 0, "\(made.errors)")
    }
    let hostKey = String(decoding: try readFile("\(directory)/host.pub"), as: UTF8.self)
    var config = """
      Host *
        User \(user)
        Port 2222
        BindAddress \(Self.controller)
        IdentityFile \(directory)/user
        IdentitiesOnly yes
        UserKnownHostsFile \(directory)/known
        GlobalKnownHostsFile /dev/null
        StrictHostKeyChecking yes
        BatchMode yes
        LogLevel ERROR

      """
    var known = ""
    for (host, number) in [("a", 1), ("b", 2), ("c", 3)] {
      config += "Host \(host)\n  HostName 10.77.0.\(number)\n"
      known += "[10.77.0.\(number)]:2222 \(hostKey)"
      try makeDirectory(home(host))
      try write(
        "sshd-\(host)",
        """
        Port 2222
        ListenAddress 10.77.0.\(number)
        HostKey \(directory)/host
        PidFile none
        UsePAM no
        StrictModes yes
        AuthorizedKeysFile /run/sshd/authorized
        AuthenticationMethods publickey
        PermitRootLogin prohibit-password

        """)
      try write(
        "passwd-\(host)",
        """
        root:x:0:0:root:\(home(host)):/bin/bash
        sshd:x:101:65534::/run/sshd:/usr/sbin/nologin
        drill:x:4711:4711::\(home(host)):/bin/bash

        """)
      // As Debian has it, but that the rights are those of an agent alone.
      try write(
        "sudoers-\(host)",
        """
        Defaults env_reset
        Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin"
        Defaults use_pty
        drill ALL=(root) \(host == asking ? "PASSWD" : "NOPASSWD"): \(Blackstart.program) agent --state \(hosts.directory)/\(host)

        """)
      try #require(chmod("\(directory)/sudoers-\(host)", 0o440) == 0)
    }
    try write("config", config)
    try write("known", known)
    try write("shadow", "root:*:19000:0:99999:7:::\ndrill:*:19000:0:99999:7:::\n")
    try #require(chmod("\(directory)/shadow", 0o600) == 0)
    try write(
      "serve",
      """
      set -e
      mount -t tmpfs -o mode=755 tmpfs /run
      mkdir -m 755 /run/sshd
      cp \(directory)/user.pub /run/sshd/authorized
      chmod 644 /run/sshd/authorized
      mount --bind "\(directory)/passwd-$1" /etc/passwd
      mount --bind \(directory)/shadow /etc/shadow
      [ ! -e /etc/sudoers ] || mount --bind "\(directory)/sudoers-$1" /etc/sudoers
      exec \(Self.server) -D -e -f "\(directory)/sshd-$1"

      """)
    let address = try await hosts.run(
      "/usr/sbin/ip", ["addr", "add", "\(Self.controller)/24", "dev", "eth0"], on: "d")
    try #require(address.code == 0, "\(address.errors)")
  }

  private func write(_ name: String, _ text: String) throws {
    try writeFile("\(directory)/\(name)", Array(text.utf8))
  }

  /// Starts the server of a host and waits until it listens. It ends with the host.
  private func serve(_ host: String) async throws {
    let started = try Started(
      "/usr/bin/nsenter",
      Array(hosts.enter(host).dropFirst()) + ["/usr/bin/unshare", "--mount", "/bin/sh", "\(directory)/serve", host],
      in: directory)
    let deadline = ContinuousClock.now + .seconds(15)
    while true {
      let said = try started.saidSoFar
      if said.contains("Server listening") { return }
      try #require(started.child.end == nil && ContinuousClock.now < deadline, "sshd of \(host): \(said)")
      try await Task.sleep(for: .milliseconds(20))  // nothing tells a reader that another process has written
    }
  }

  /// The nearest process above an agent that has such a name; `nil`: none has.
  func process(above agent: ProcessIdentity, called isMeant: (String) -> Bool) throws -> ProcessIdentity? {
    var pid = agent.pid
    while pid > 1 {
      let stat = String(decoding: try readFile("/proc/\(pid)/stat"), as: UTF8.self)
      let after = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
      pid = try #require(after.count > 2 ? Int32(after[2]) : nil)
      let name = String(decoding: try readFile("/proc/\(pid)/comm"), as: UTF8.self)
      if isMeant(String(name.prefix { $0 != "\n" })) { return ProcessIdentity(of: pid) }
    }
    return nil
  }

  /// The client's processes that lead to a host: of a drill one, at most two for a moment.
  func clients(to host: String) throws -> [ProcessIdentity] {
    try listDirectory("/proc").compactMap { entry in
      guard let pid = Int32(entry), let process = ProcessIdentity(of: pid),
        let bytes = try? readFile("/proc/\(pid)/cmdline")  // one that ends while we look has none
      else { return nil }
      let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      return Array(words.dropFirst().prefix(3)) == Array(reach(host).dropFirst().prefix(3)) ? process : nil
    }
  }
}
