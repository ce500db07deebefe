internal import Glibc
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
/// own environment or, since `sudo` takes it away, in that of one of its parents. `nil` where none of them has it.
private func peerOfThisProcess() -> String? {
  var pid = getpid()
  for _ in 0..<16 where pid > 1 {
    // A parent that may not be looked into tells nothing.
    guard let bytes = try? readFile("/proc/\(pid)/environ", limit: 1 << 20) else { return nil }
    if let peer = sshPeer(inEnvironment: bytes) { return peer }
    guard let parent = parent(of: pid) else { return nil }
    pid = parent
  }
  return nil
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
