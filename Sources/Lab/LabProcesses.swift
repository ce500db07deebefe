internal import Glibc
internal import Netlink
internal import Support

/// A process that belongs to a lab.
struct LabProcess: Sendable, Hashable {
  var process: ProcessIdentity
  /// `/proc/PID/comm`: at most 15 bytes of its program's name.
  var command: String
  /// Where it is: the name of the namespace, or the directory that it works on.
  var place: String
}

/// The lab's namespaces by what identifies them, for finding out what is in them.
///
/// Goes by facts and not by records: a server that was started in the instant before a kill -9 is in no journal, but it
/// is in its namespace. The namespaces of this process and of init are never among them, whatever the names say.
struct NamespaceCensus: Sendable {
  /// Device and inode, which tell namespaces apart.
  private struct Identity: Hashable {
    var device: UInt64
    var inode: UInt64
  }

  private var names: [Identity: String] = [:]

  /// Looks at the given names; one that is no (whole) namespace holds no process.
  init(_ candidates: [String]) throws(NetlinkError) {
    let own = try NetworkNamespace.current().identity
    // Where init's cannot be looked at (a container), its process cannot be found in one of ours either.
    let excluded = [
      Identity(device: own.device, inode: own.inode), Self.identity("/proc/self/ns/net"),
      Self.identity("/proc/1/ns/net"),
    ]
    for name in candidates {
      guard let identity = Self.identity("\(NetworkNamespace.directory)/\(name)"), !excluded.contains(identity) else {
        continue
      }
      names[identity] = name
    }
  }

  /// All processes in them now.
  ///
  /// - Throws: ``SystemError`` when /proc cannot be read.
  func processes() throws(SystemError) -> [LabProcess] {
    if names.isEmpty { return [] }
    var found: [LabProcess] = []
    for entry in try listDirectory("/proc") {
      // The identity first: should the number be given away meanwhile, a signal to it goes nowhere.
      guard let pid = Int32(entry), let process = ProcessIdentity(of: pid), process.isAlive,
        let identity = Self.identity("/proc/\(pid)/ns/net"), let name = names[identity]
      else { continue }
      found.append(LabProcess(process: process, command: commandName(of: pid), place: name))
    }
    return found
  }

  private static func identity(_ path: String) -> Identity? {
    var information = stat()
    guard stat(path, &information) == 0 else { return nil }
    return Identity(device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
  }
}

/// Processes outside of any lab namespace that work on files below `directory`: the copying of a template, the making of
/// one. Only programs that the lab itself starts count; somebody's shell in that directory is left alone.
func processesWorking(on directory: String) throws(SystemError) -> [LabProcess] {
  var found: [LabProcess] = []
  for entry in try listDirectory("/proc") {
    guard let pid = Int32(entry), let process = ProcessIdentity(of: pid), process.isAlive else { continue }
    let command = commandName(of: pid)
    guard ["cp", "initdb", "postgres", "etcd", "java"].contains(command) else { continue }
    let words = ((try? readFile("/proc/\(pid)/cmdline", limit: 1 << 20)) ?? [])  // it has just ended
      .split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    let isInside =
      words.contains { $0.hasPrefix("\(directory)/") } || workingDirectory(of: pid).hasPrefix("\(directory)/")
    if isInside { found.append(LabProcess(process: process, command: command, place: directory)) }
  }
  return found
}

private func commandName(of pid: Int32) -> String {
  guard let bytes = try? readFile("/proc/\(pid)/comm", limit: 64) else { return "?" }  // it has just ended
  return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}

private func workingDirectory(of pid: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
    guard let base = buffer.baseAddress else { return "" }
    let count = readlink("/proc/\(pid)/cwd", base, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
