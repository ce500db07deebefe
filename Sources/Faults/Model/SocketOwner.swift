internal import Glibc
internal import Support

/// Who sockets belong to, by what it is called on the node. The numbers that packets are known by are looked up there, each
/// time a fault is armed: a service that was started again has another control group of the same name.
public struct SocketOwner: Sendable, Hashable, Codable {
  /// A control group of version 2: as `/proc/PID/cgroup` has it, `/kafka.slice`, or with the directory where the hierarchy is
  /// mounted in front; `nil` for any.
  public var cgroup: String?
  /// A user, by name or by number; `nil` for any.
  public var user: String?

  /// An owner by its names.
  public init(cgroup: String? = nil, user: String? = nil) {
    self.cgroup = cgroup
    self.user = user
  }

  /// One of its names.
  enum Part: Sendable, Hashable {
    case cgroup(String)
    case user(String)

    /// As a rule of a plan has it.
    var words: String {
      switch self {
      case .cgroup(let path): "socket cgroupv2 \(path)"
      case .user(let name): "meta skuid \(name)"
      }
    }
  }
}

extension SocketOwner {
  func validate(besides targets: Fault.Targets) throws(Mistake) {
    guard cgroup != nil || user != nil else { throw Mistake("its sockets' owner has no name; leave it out") }
    if cgroup != nil, targets.cgroup != nil { throw Mistake("its control group is given by number and by name") }
    if user != nil, targets.user != nil { throw Mistake("its user is given by number and by name") }
    if let cgroup {
      guard cgroup.hasPrefix("/"), !cgroup.utf8.contains(0), !cgroup.split(separator: "/").contains("..") else {
        throw Mistake("\"\(cgroup)\" is no control group; write its path, such as /kafka.slice")
      }
    }
    if let user {
      guard (1...256).contains(user.utf8.count), !user.utf8.contains(where: { $0 <= 32 || $0 == 127 }) else {
        throw Mistake("\"\(user)\" is no user's name")
      }
    }
  }

  /// The number of a user of this machine.
  ///
  /// - Throws: ``SystemError`` with ENOENT if there is none of this name.
  static func number(ofUser name: String) throws(SystemError) -> UInt32 {
    if name.utf8.allSatisfy({ (48...57).contains($0) }), let number = UInt32(name) { return number }
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    let error = getpwnam_r(name, &entry, &buffer, buffer.count, &found)
    guard error == 0, found != nil else { throw SystemError("find user", name, number: error == 0 ? ENOENT : error) }
    return entry.pw_uid
  }
}

extension Fault {
  /// The fault with the numbers of its sockets' owner on this machine in place of its names. It reads files.
  ///
  /// - Throws: `SystemError` if there is no such group or user.
  public func lookingUpOwner() throws -> Fault {
    var fault = self
    fault.targets = try targets.lookingUpOwner().targets
    return fault
  }
}

extension Fault.Targets {
  /// The targets with their owner's numbers on this machine in place of its names. It reads files.
  ///
  /// - Returns: the targets, and what was found, a line each.
  /// - Throws: ``SystemError`` if there is no such group or user.
  func lookingUpOwner() throws -> (targets: Fault.Targets, found: [String]) {
    guard let owner else { return (self, []) }
    var targets = self
    var found: [String] = []
    targets.owner = nil
    if let path = owner.cgroup {
      guard let root = try ControlGroups().version2 else { throw SystemError("find cgroup", path, number: ENOTSUP) }
      let directory = path == root || path.hasPrefix(root + "/") ? path : root + path
      let group = try CgroupID(path: directory)
      targets.cgroup = group
      found.append("control group \(directory) is \(group.id), at level \(group.level)")
    }
    if let name = owner.user {
      let number = try SocketOwner.number(ofUser: name)
      targets.user = number
      if name != "\(number)" { found.append("user \(name) is \(number)") }
    }
    return (targets, found)
  }
}
