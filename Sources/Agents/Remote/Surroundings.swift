internal import Glibc
internal import Netlink
internal import Support

extension AgentIsReady {
  /// What this process says of itself.
  ///
  /// - Throws: `SystemError` where /proc is not mounted.
  public static func ofThisMachine(stateDirectory: String) throws -> AgentIsReady {
    var name = utsname()
    uname(&name)
    let host = withUnsafeBytes(of: name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return AgentIsReady(
      process: try .current(), host: host, peer: peerOfThisProcess(), stateDirectory: stateDirectory)
  }
}

/// Where the connection comes from that this process was started through: the first word of `SSH_CONNECTION` (sshd(8)), in its
/// own environment or, since `sudo` takes it away, in that of one of its parents; where nobody has kept it, the other end of the
/// connection of the parent that is the ssh server. `nil` where none of them tells.
private func peerOfThisProcess() -> String? {
  var pid = getpid()
  var server: String?
  for _ in 0..<16 where pid > 1 {
    // A parent that may not be looked into tells nothing.
    guard let bytes = try? readFile("/proc/\(pid)/environ", limit: 1 << 20) else { return server }
    if let peer = sshPeer(inEnvironment: bytes) { return peer }
    if server == nil, isServer(pid) { server = peer(ofServer: pid) }
    guard let parent = parent(of: pid) else { return server }
    pid = parent
  }
  return server
}

/// Whether it is OpenSSH's server: `sshd`, or since version 9.8 its `sshd-session`.
private func isServer(_ pid: Int32) -> Bool {
  // A process that has just ended has no name any more.
  guard let name = try? readFile("/proc/\(pid)/comm", limit: 64) else { return false }
  return String(decoding: name, as: UTF8.self).hasPrefix("sshd")
}

/// The other end of the only conversation over TCP that a process has; `nil` without one, or with several.
private func peer(ofServer pid: Int32) -> String? {
  // What cannot be looked at is not known.
  guard let names = try? listDirectory("/proc/\(pid)/fd"), let namespace = try? NetworkNamespace.open(pid: pid),
    let diagnosis = try? SocketDiagnosis(in: namespace)
  else { return nil }
  defer { diagnosis.close() }
  let own = Set(names.compactMap { socketNumber(ofLink: "/proc/\(pid)/fd/\($0)") })
  guard let sockets = try? diagnosis.sockets(.tcp) else { return nil }
  let peers = Set(sockets.filter { $0.isConversation && own.contains($0.inode) }.map(\.remote))
  return peers.count == 1 ? peers.first?.description : nil
}

/// The number of the socket that a link of `/proc/PID/fd` names: `socket:[4711]`.
private func socketNumber(ofLink path: String) -> UInt32? {
  var target = [UInt8](repeating: 0, count: 64)
  let count = readlink(path, &target, target.count)
  let head = "socket:["
  guard count > head.utf8.count, target.starts(with: head.utf8) else { return nil }
  return UInt32(String(decoding: target[head.utf8.count..<(count - 1)], as: UTF8.self))
}

/// The peer's address in an environment as /proc shows it: variables that end with a zero byte.
func sshPeer(inEnvironment bytes: [UInt8]) -> String? {
  for variable in bytes.split(separator: 0) {
    let text = String(decoding: variable, as: UTF8.self)
    guard text.hasPrefix("SSH_CONNECTION=") else { continue }
    return text.dropFirst("SSH_CONNECTION=".count).split(separator: " ").first.map(String.init)
  }
  return nil
}

private func parent(of pid: Int32) -> Int32? {
  // A process that has just ended has no parent any more.
  guard let stat = try? readFile("/proc/\(pid)/stat", limit: 4096), let end = stat.lastIndex(of: UInt8(ascii: ")"))
  else { return nil }
  let fields = String(decoding: stat[(end + 1)...], as: UTF8.self).split(separator: " ")
  return fields.count > 1 ? Int32(fields[1]) : nil
}
